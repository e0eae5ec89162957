//! How what is there stands to what was approved.

use chrono::SecondsFormat;

use super::{Difference, Snapshot};
use crate::model::{Time, Window, WindowEffect};
use crate::store::Baseline;

/// What decides beside the two values.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// What was approved and planned, if anything.
    pub kept: Option<&'a Baseline>,
    /// Windows that concern the asset.
    pub windows: &'a [Window],
    /// Whether an element that is gone is news.
    pub exact: bool,
    /// Whether nothing is proven as long as nobody has approved anything.
    pub required: bool,
    /// The time.
    pub now: Time,
}

/// How a value stands to its baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has approved anything.
    Proposed,
    /// Nobody has approved anything, and without that the check proves nothing.
    Required,
    /// It is what was approved.
    Approved,
    /// It is what was approved, but the approval is over.
    Expired {
        /// Since when.
        until: Time,
    },
    /// The check compares something else than when it was approved.
    Outdated,
    /// It differs, and the change is announced.
    Planned {
        /// By what: a ticket or a window.
        by: String,
        /// What differs.
        difference: Difference,
    },
    /// It differs.
    Differs(Difference),
    /// Something approved is gone and nothing came.
    Less(Difference),
}

impl Standing {
    /// Every word, in the order in which they are shown.
    pub const WORDS: [&'static str; 6] = ["proposed", "approved", "differs", "planned", "expired", "outdated"];

    /// The word for labels, lists and the store.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Proposed | Self::Required => "proposed",
            Self::Approved => "approved",
            Self::Differs(_) | Self::Less(_) => "differs",
            Self::Planned { .. } => "planned",
            Self::Expired { .. } => "expired",
            Self::Outdated => "outdated",
        }
    }
}

/// Holds what was seen against what was approved.
#[must_use]
pub fn standing(seen: &Snapshot, circumstances: &Circumstances<'_>) -> Standing {
    let Circumstances { kept, windows, exact, required, now } = *circumstances;
    let Some(approval) = kept.and_then(|kept| kept.approval.as_ref()) else {
        return if required { Standing::Required } else { Standing::Proposed };
    };
    let Some(approved) = self::kept(&approval.value).filter(|approved| approved.form == seen.form) else {
        return Standing::Outdated;
    };
    let difference = Difference::between(seen, &approved);
    if difference.is_empty() || (difference.is_only_less() && seen.set && !exact) {
        return approval
            .until
            .filter(|until| *until <= now)
            .map_or(Standing::Approved, |until| Standing::Expired { until });
    }
    if let Some(by) = announced(kept, windows, now) {
        return Standing::Planned { by, difference };
    }
    if difference.is_only_less() && seen.set { Standing::Less(difference) } else { Standing::Differs(difference) }
}

/// A snapshot out of the store; none when a newer program wrote it.
#[must_use]
pub fn kept(text: &str) -> Option<Snapshot> {
    serde_json::from_str(text).ok()
}

/// What announces a change now.
fn announced(kept: Option<&Baseline>, windows: &[Window], now: Time) -> Option<String> {
    let plan = kept.and_then(|kept| kept.plan.as_ref()).filter(|plan| now < plan.until);
    let ticket = plan.map(|plan| {
        let until = plan.until.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("ticket {}, until {until}", plan.ticket)
    });
    ticket.or_else(|| {
        let open = windows.iter().find(|window| window.is_open(WindowEffect::Change, now))?;
        Some(format!("window {}", open.name))
    })
}
