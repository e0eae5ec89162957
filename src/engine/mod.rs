//! The engine: who is asked what, when; one visit at a time per asset; what changed.

mod advice;
mod advisories;
mod cadence;
mod contact;
mod copies;
mod daemon;
mod derive;
mod device;
mod drift;
mod freshness;
mod health;
mod listing;
mod matrix;
mod netting;
mod plan;
mod presence;
mod recall;
mod register;
mod restart;
mod rooms;
mod schedule;
mod survey;
mod unasked;
mod visit;

pub use cadence::Cadence;
pub use contact::{Asked, Contact, Reply, Silence};
pub use daemon::{Ask, Daemon, Listener};
pub use netting::Netting;
pub use plan::{FactIndex, Plan, PlannedAsset, PlannedCheck, PlannedFact, Schedules};
pub use schedule::{AssetIndex, CheckIndex, Schedule};
pub use unasked::{cut_short, left_to_daemon};
pub use visit::{Visit, Visitor};

#[cfg(test)]
pub(crate) use matrix::testing;
