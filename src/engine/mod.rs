//! The engine: who is asked what, when; one visit at a time per asset; what changed.

mod cadence;
mod schedule;

pub use cadence::Cadence;
pub use schedule::{AssetIndex, CheckIndex, Schedule};
