//! The nouns that every other module speaks: assets, zones, checks, facts, verdicts, evidence.
//!
//! Nothing here does I/O, knows a protocol or reads a clock: time is passed in.

mod asset;
mod calendar;
mod cause;
pub mod document;
mod evidence;
mod fact;
mod id;
mod listed;
mod problem;
mod sample;
mod secret;
mod verdict;
mod zone;

pub use asset::{Asset, Criticality, Kind, Profile, SubjectClass};
pub use calendar::{Calendar, CalendarError, Window, WindowEffect};
pub use cause::{Advice, Cause};
pub use evidence::{CheckResult, Compared, Evidence, EvidenceItem, Finding, Transition};
pub use fact::{Answer, Missing, Params, Reading, TextAnswer, Value, Varbind};
pub use id::{AssetId, CheckId, ControlId, EntryId, FactId, IdError, ZoneId};
pub use listed::{Certificate, Listed, MOST_LISTED, Vulnerability};
pub use problem::{Problem, Problems, did_you_mean};
pub use sample::Sample;
pub use secret::Secret;
pub use verdict::{Impact, Judgement, Severity, Transport, Verdict};
pub use zone::{Conduit, Zone, ZoneRole};

/// A point in time, always UTC.
pub type Time = chrono::DateTime<chrono::Utc>;

/// Whole days from `from` to `to`, rounded down; negative when `to` lies before. What a judgement reads in days changes once a day
/// and not with every visit, or each visit would be a judgement of its own in the history and in the chain.
#[must_use]
pub fn whole_days(from: Time, to: Time) -> f64 {
    ((to - from).as_seconds_f64() / 86_400.0).floor()
}
