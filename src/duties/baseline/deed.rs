//! What a person does to a baseline, as it goes into the ledger and into the store.

use serde_json::json;

use super::{Difference, Snapshot};
use crate::model::{AssetId, CheckId, Time};
use crate::store::{Act, BaselineAct, BaselineChange, Digest};

/// So many names of a kind go into the ledger with an approval; the digest stands for all of them.
const NAMED: usize = 50;

/// Somebody looked at a value and takes it for right.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval<'a> {
    /// The asset.
    pub asset: &'a AssetId,
    /// The check.
    pub check: &'a CheckId,
    /// What was looked at.
    pub seen: &'a Snapshot,
    /// The same as the store keeps it.
    pub text: &'a str,
    /// How that differs from what was approved before, if anything was.
    pub difference: Option<Difference>,
    /// Until when it holds.
    pub until: Time,
}

/// Somebody takes the last approval back: the one before stands again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal<'a> {
    /// The asset.
    pub asset: &'a AssetId,
    /// The check.
    pub check: &'a CheckId,
}

/// Somebody announces a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePlan<'a> {
    /// The asset.
    pub asset: &'a AssetId,
    /// The check.
    pub check: &'a CheckId,
    /// Number or name of the change.
    pub ticket: &'a str,
    /// Until when a difference is expected.
    pub until: Time,
}

/// What a record of the chain says was done to a baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// `approved`, `reverted` or `announced`.
    pub word: &'static str,
    /// The check.
    pub check: CheckId,
    /// Until when it holds, where it does.
    pub until: Option<Time>,
    /// Number or name of an announced change.
    pub ticket: Option<String>,
    /// Names of what was added, gone and changed against what was approved before, as far as the record has them.
    pub differed: [Vec<String>; 3],
}

impl Done {
    /// Reads an act; none where it is about something else.
    #[must_use]
    pub fn read(act: &Act) -> Option<Self> {
        let word = match act.kind.strip_prefix("baseline.")? {
            "approve" => "approved",
            "revert" => "reverted",
            "plan" => "announced",
            _ => return None,
        };
        let body: serde_json::Value = serde_json::from_str(&act.body).ok()?;
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        let names = |key: &str| {
            let names = body[key].as_array().into_iter().flatten();
            names.filter_map(serde_json::Value::as_str).map(str::to_owned).collect()
        };
        let until = text("valid_until").or_else(|| text("until"));
        Some(Self {
            word,
            check: CheckId::parse(&text("check")?).ok()?,
            until: until.and_then(|until| until.parse().ok()),
            ticket: text("ticket"),
            differed: [names("added"), names("gone"), names("changed")],
        })
    }
}

fn act(kind: &str, asset: &AssetId, body: &serde_json::Value, by: (&str, &str), at: Time) -> Act {
    Act {
        kind: format!("baseline.{kind}"),
        subject: asset.to_string(),
        actor: by.0.to_owned(),
        reason: by.1.to_owned(),
        body: body.to_string(),
        at,
    }
}

impl Approval<'_> {
    /// The act for the store; `by` is the person and the reason.
    #[must_use]
    pub fn act(&self, by: (&str, &str), at: Time) -> BaselineAct {
        let some = |names: &[String]| names.iter().take(NAMED).cloned().collect::<Vec<_>>();
        let Difference { added, missing, changed } = self.difference.clone().unwrap_or_default();
        let body = json!({
            "check": self.check, "sha256": self.seen.sha256, "snapshot": Digest::of(self.text.as_bytes()).to_string(), "count": self.seen.count, "valid_until": self.until,
            "added": some(&added), "gone": some(&missing), "changed": some(&changed),
        });
        let change = BaselineChange::Approve { sha256: self.seen.sha256.clone(), until: self.until };
        BaselineAct { act: act("approve", self.asset, &body, by, at), check: self.check.clone(), change }
    }
}

impl Withdrawal<'_> {
    /// The act for the store; `by` is the person and the reason.
    #[must_use]
    pub fn act(&self, by: (&str, &str), at: Time) -> BaselineAct {
        let act = act("revert", self.asset, &json!({ "check": self.check }), by, at);
        BaselineAct { act, check: self.check.clone(), change: BaselineChange::Revert }
    }
}

impl ChangePlan<'_> {
    /// The act for the store; `by` is the person and the reason.
    #[must_use]
    pub fn act(&self, by: (&str, &str), at: Time) -> BaselineAct {
        let body = json!({ "check": self.check, "ticket": self.ticket, "until": self.until });
        let change = BaselineChange::Plan { ticket: self.ticket.to_owned(), until: self.until };
        BaselineAct { act: act("plan", self.asset, &body, by, at), check: self.check.clone(), change }
    }
}
