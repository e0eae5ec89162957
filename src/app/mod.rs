//! Puts the parts together: from what was loaded to gates, contacts, rounds, and the daemon.

mod deputy;
mod examine;
mod feeds;
mod generation;
mod host_keys;
mod once;
mod plant;
mod proof;
mod pulse;
mod reload;
mod service;
mod setup;
mod signals;
mod systemd;
mod targets;

pub use deputy::STOPPED;
pub use host_keys::StoredKeys;
pub use once::{Kept, Once, OnceError};
pub use plant::{Gates, Plant, Shared, round};
pub use service::{RunError, Service};
pub use setup::Setup;
