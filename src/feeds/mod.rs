//! Readers of offline data: bounded, pure, and honest about what they could not read.
//!
//! Nothing here downloads; an operator carries the files across. A reader never decides "not affected" from
//! absence: no match is no statement.

mod endoflife;

pub use endoflife::{Cycle, FeedError, Lifecycle, Phase};
