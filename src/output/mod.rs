//! What is shown to others: the exposition of metrics.
//!
//! The table of (asset, check) pairs is text, kept ready in pages of 32 assets and one family, and changed line by line
//! as verdicts come in; a scrape hands out the pages as they are. Nothing is collected inside a scrape, and nothing is
//! judged here. The daemon's own metrics come from the `prometheus` crate and stand behind the pages.

mod assets;
mod baselines;
mod certificates;
mod duties;
mod exposition;
mod exposure;
mod family;
mod feeds;
mod format;
mod gates;
mod law;
mod lines;
pub mod notify;
mod outline;
mod own;
mod pairs;
mod parts;
mod process;
pub mod report;
mod round;
mod story;
mod survey;
mod table;
mod text;
mod transitions;

pub use certificates::Certificates;
pub use exposition::{Body, Exposition, Scope};
pub use exposure::{Exposure, Exposures, Looked, VULNERABILITY_SEVERITIES};
pub use format::{Format, accepts_gzip, negotiate};
pub use outline::{Amount, Outline, outline};
pub use own::Own;
pub use round::{Light, Outcome, Round, Shape};
pub use story::Standings;

#[cfg(test)]
mod tests;
