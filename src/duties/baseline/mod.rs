//! Baselines: what somebody has looked at and approved, so that a change against it is news.
//!
//! A check says what of its facts is compared and how (`drift:`). Of a value only a [`Snapshot`] is kept: digests, and short
//! names by which a person knows an element or a field. The first one seen is proposed; a person approves it, and from then
//! on [`standing`] says how the present one stands to it and [`Standing::over`] lays that over what the check judged. A baseline
//! only adds drift: it never makes a failing check pass, and what is unknown stays unknown.

mod deed;
mod diff;
mod overlay;
mod snapshot;
mod standing;
mod told;

pub use deed::{Approval, ChangePlan, Done, Withdrawal};
pub use diff::Difference;
pub use overlay::undo;
pub use snapshot::Snapshot;
pub use standing::{Circumstances, Standing, kept, standing};
pub use told::{compared, told};

/// How long an approval holds where neither the configuration nor the approver says.
pub const YEAR: std::time::Duration = std::time::Duration::from_hours(365 * 24);
/// An approval must not outlive everybody who could remember it.
pub const LONGEST: std::time::Duration = std::time::Duration::from_hours(3_653 * 24);

#[cfg(test)]
mod tests;
