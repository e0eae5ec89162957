//! Readers of offline data: bounded, pure, and honest about what they could not read.
//!
//! Nothing here downloads; an operator carries the files across, and [`import()`] puts them into the feed folder ([`Shelf`]). A reader never decides "not affected" from
//! absence: no match is no statement.

mod content;
pub mod csaf;
mod endoflife;
mod epss;
mod fit;
mod guard;
mod import;
mod kev;
mod open;
mod range;
mod shelf;

pub use content::Content;
pub use endoflife::{Cycle, FeedError, Lifecycle, Phase};
pub use epss::Epss;
pub use fit::{Confidence, Fit, Identity};
pub use import::{ImportError, Imported, Older, import};
pub use kev::{Exploited, Kev};
pub use open::{Finding, Findings, findings};
pub use range::Range;
pub use shelf::{Import, Kind, PassedOver, REGISTER, Refused, Seen, Shelf, Source, State, files};
