//! Baselines as they are kept: what was seen, what was approved, what was announced.
//!
//! The store compares nothing: values are texts of whoever compares them, told apart by their digests.

use crate::model::{AssetId, CheckId, Time, ZoneId};

use super::Act;

/// What a visit saw of a value that has a baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Of this asset.
    pub asset: AssetId,
    /// By this check.
    pub check: CheckId,
    /// The zone of the asset.
    pub zone: ZoneId,
    /// The value, as text.
    pub value: String,
    /// Its digest.
    pub sha256: String,
    /// How it stands to what was approved, in a word.
    pub standing: &'static str,
    /// Number of the approval that it was held against.
    pub against: Option<u64>,
    /// When it was seen.
    pub at: Time,
}

/// One value with its baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// Of this asset.
    pub asset: AssetId,
    /// By this check.
    pub check: CheckId,
    /// The zone of the asset.
    pub zone: ZoneId,
    /// What is there, as text.
    pub value: String,
    /// Its digest.
    pub sha256: String,
    /// Since when that is there.
    pub since: Time,
    /// How it stood to what was approved when it was last looked at, in a word.
    pub standing: String,
    /// What was approved.
    pub approval: Option<Approved>,
    /// What was announced.
    pub plan: Option<Planned>,
}

/// An approval that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// Its number in the ledger.
    pub seq: u64,
    /// The value, as text.
    pub value: String,
    /// Its digest.
    pub sha256: String,
    /// Who approved.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Time,
    /// Until when it holds; `None` is for ever.
    pub until: Option<Time>,
}

/// An announced change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Number or name of the change.
    pub ticket: String,
    /// Who announced it.
    pub actor: String,
    /// Until when.
    pub until: Time,
}

/// What an act does to one baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaselineChange {
    /// What is there is approved, if it is still what was looked at.
    Approve {
        /// Digest of what was looked at.
        sha256: String,
        /// Until when the approval holds.
        until: Time,
    },
    /// The last approval is taken back, and the one before stands again.
    Revert,
    /// A change is announced.
    Plan {
        /// Number or name of the change.
        ticket: String,
        /// Until when.
        until: Time,
    },
}

/// An act and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineAct {
    /// The record for the chain; its subject is the asset.
    pub act: Act,
    /// The check.
    pub check: CheckId,
    /// What it does.
    pub change: BaselineChange,
}

/// Which baselines to read; what is `None` does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BaselineFilter {
    /// Of this asset.
    pub asset: Option<AssetId>,
    /// Of this check.
    pub check: Option<CheckId>,
    /// Only those to look at again without a visit, at this time: a person acted, a difference may be announced or no longer
    /// be, an approval has ended.
    pub due: Option<Time>,
}

/// How all baselines stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BaselineSummary {
    /// How many of a zone stand so, in words.
    pub counts: Vec<(ZoneId, String, u64)>,
    /// When approvals end.
    pub ends: Vec<(AssetId, CheckId, Time)>,
}
