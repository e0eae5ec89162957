//! What people sign and owe: attestations, waivers, the supplier register, incidents and who is to be called.
//!
//! Everything here is a value and a pure function of it: time is passed in, and states such as "expired" or "overdue" are
//! computed when somebody asks, never stored. Duties answer as derived facts, so that paper and wires share everything after the
//! question. What files say ([`Papers`]) and what was done at the command line ([`Deed`], kept in the store's ledger) make
//! one [`Book`]. Nothing is ever sent to an authority: an incident has deadlines and report skeletons, and people report.

mod answer;
mod attestation;
pub mod baseline;
mod book;
mod clerk;
mod contact;
mod date;
mod deadlines;
mod deed;
mod incident;
mod month;
mod page;
mod papers;
mod reason;
mod report;
mod room;
mod subjects;
mod supplier;
mod waiver;

pub use answer::answer;
pub use attestation::{EvidenceFile, Outcome, Signer, Standing, Statement, current};
pub use book::{Book, Plant};
pub use clerk::{ClerkError, Opening, Renewing, Reporting, Signing, classify, close, revoke, waive};
pub use contact::Contact;
pub use date::{ending, moment};
pub use deadlines::{Deadlines, Duty, Progress, Stage, duties_of};
pub use deed::{Classified, Closed, Deed, DeedError, Reported, Revoked};
pub use incident::{Cleared, Incident, Significance};
pub use month::months_after;
pub use papers::{Config, Papers};
pub use report::{ReportShape, skeleton};
pub use room::{Room, RoomClass};
pub use subjects::{ORG, add_subjects};
pub use supplier::{Assessment, Clause, Product, Supplier};
pub use waiver::{Compensation, Net, Selector, Waiver, Waivers, offenders};

/// Days from `from` to `to`, with a fraction; negative when `to` lies before.
fn days_between(from: crate::model::Time, to: crate::model::Time) -> f64 {
    (to - from).as_seconds_f64() / 86_400.0
}

/// The whole of a day, as its last instant in UTC: a date without a time means the whole day.
fn end_of(day: chrono::NaiveDate) -> Option<crate::model::Time> {
    Some(day.succ_opt()?.and_time(chrono::NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests;
