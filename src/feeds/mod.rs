//! Readers of offline data: bounded, pure, and honest about what they could not read.
//!
//! Nothing here downloads; an operator carries the files across. A reader never decides "not affected" from
//! absence: no match is no statement.

pub mod csaf;
mod endoflife;
mod epss;
mod guard;
mod kev;
mod range;

pub use endoflife::{Cycle, FeedError, Lifecycle, Phase};
pub use epss::Epss;
pub use kev::{Exploited, Kev};
pub use range::Range;
