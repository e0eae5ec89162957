//! Puts the parts together: from what was loaded to gates, contacts and rounds.

mod host_keys;
mod plant;

pub use host_keys::StoredKeys;
pub use plant::{Gates, Plant, Shared, round};
