//! One piece of news about one pair, with all that a person needs to act on it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::settings::Link;
use crate::engine::{Plan, PlannedAsset};
use crate::model::{AssetId, CheckId, Severity, Time, ZoneId};
use crate::output::story::Standing;

/// Most notices in one message; a dark zone comes in several.
pub(super) const MOST_TOGETHER: usize = 50;
/// Longest reason, in bytes; the store has the whole.
const LONGEST_REASON: usize = 1000;
/// Version of the body; raised when a key changes its meaning or goes.
const VERSION: u32 = 1;

/// What kind of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What passed fails now.
    Drift,
    /// What was told of has ended.
    Recovery,
    /// What fails was never seen to pass.
    Fail,
    /// What passed cannot be seen any more.
    Unknown,
    /// It failed for the third time within an hour; told once, until it has stood still for an hour.
    Flapping,
}

/// A transition as the ledger has it, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Its number in the ledger.
    pub(super) seq: u64,
    pub(super) asset: AssetId,
    pub(super) check: CheckId,
    pub(super) zone: ZoneId,
    pub(super) severity: Severity,
    /// The state before, `none` on first sight.
    pub(super) from: String,
    /// The state now, `none` when the pair left the plan.
    pub(super) to: String,
    pub(super) cause: Option<String>,
    pub(super) reason: String,
    pub(super) at: Time,
}

/// One piece of news.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Notice {
    /// Number of the transition in the ledger: the same news has the same number when it comes twice.
    pub(super) id: u64,
    pub(super) kind: Kind,
    pub(super) site: Option<Arc<str>>,
    pub(super) asset: AssetId,
    pub(super) zone: ZoneId,
    pub(super) owner: Option<Arc<str>>,
    pub(super) criticality: Option<&'static str>,
    pub(super) check: CheckId,
    pub(super) title: Option<String>,
    pub(super) severity: Severity,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cause: Option<String>,
    pub(super) reason: String,
    pub(super) fix: Option<String>,
    pub(super) at: Time,
    /// When the pair came to stand so; for one that was held back, this is not when it last changed.
    pub(super) since: Time,
    pub(super) link: Option<String>,
    /// Whether it was held back.
    #[serde(skip)]
    pub(super) was_held: bool,
}

impl Notice {
    /// Says a change in full.
    pub(super) fn new(
        kind: Kind,
        change: Change,
        since: Time,
        plan: Option<&Plan>,
        site: Option<&Arc<str>>,
        link: Option<&Link>,
    ) -> Self {
        let planned = plan.and_then(|plan| Some(plan.asset(plan.find(change.asset.as_str())?)));
        let asset = planned.map(|planned| &planned.member.asset);
        let check = planned.and_then(|planned: &PlannedAsset| {
            planned.check(change.check.as_str()).map(|at| &planned.checks[usize::from(at)].check)
        });
        let mut reason = change.reason;
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        Self {
            id: change.seq,
            kind,
            site: asset.and_then(|asset| asset.site.clone()).or_else(|| site.cloned()),
            owner: asset.and_then(|asset| asset.owner.clone()),
            criticality: asset.map(|asset| asset.criticality.word()),
            title: check.map(|check| check.title.clone()),
            fix: check.map(|check| check.fix.clone()),
            link: link.map(|link| link.to(&change.asset, &change.check)),
            asset: change.asset,
            zone: change.zone,
            check: change.check,
            severity: change.severity,
            from: change.from,
            to: change.to,
            cause: change.cause,
            reason,
            at: change.at,
            since,
            was_held: false,
        }
    }
}

/// The body of a message to a webhook.
#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    source: &'static str,
    receiver: &'a str,
    notices: &'a [&'a Notice],
}

/// The JSON that a webhook gets.
pub(super) fn body(receiver: &str, notices: &[&Notice]) -> Vec<u8> {
    let body = Body { version: VERSION, source: "nis2watch", receiver, notices };
    serde_json::to_vec(&body).expect("texts, numbers and times are always JSON")
}

/// What kinds are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tell(pub(super) Vec<Kind>);

impl Tell {
    /// How a pair stands in the eyes of somebody who is told only so much.
    pub(super) fn seen(&self, standing: Standing) -> Standing {
        if kind(standing).is_none_or(|kind| self.0.contains(&kind)) { standing } else { Standing::Clear }
    }

    /// The news in a turn from one standing to another, if it is any.
    pub(super) fn news(&self, before: Standing, after: Standing) -> Option<Kind> {
        let (before, after) = (self.seen(before), self.seen(after));
        if before == after {
            return None;
        }
        let news = kind(after).unwrap_or(Kind::Recovery);
        self.0.contains(&news).then_some(news)
    }
}

fn kind(standing: Standing) -> Option<Kind> {
    match standing {
        Standing::Clear => None,
        Standing::Lost => Some(Kind::Unknown),
        Standing::Found => Some(Kind::Fail),
        Standing::Drifted => Some(Kind::Drift),
    }
}
