//! Numbers of a fact at one time, kept so that a later visit can tell what changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Time;

/// Numbers that one visit read, by field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When they were read.
    pub at: Time,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: BTreeMap<Arc<str>, i64>,
}
