//! Who answers, told from what was judged. Pure; the time is passed in.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;

use super::derive::Sources;
use super::recall::{Recall, rests_on_an_answer};
use crate::catalog::Presence;
use crate::model::{Asset, AssetId, Cause, Reading, SubjectClass, Value, Verdict};
use crate::store::Latest;

/// Most rows of each list.
const ROWS: usize = 1_000;
/// A device that is new may have its first turn within this time.
const SETTLED: TimeDelta = TimeDelta::hours(1);
/// The label that names the other member of a pair.
const PARTNER: &str = "redundant_with";

/// Fields: `assets` (number of devices that are asked), `late` (rows with `asset`, `hours` and `heard`: false where it never
/// answered, then the hours since it is watched) and `unasked` (devices of which nobody asks anything, as their entries say). A
/// device that is new and had no turn yet is in none of them.
pub(super) fn presence(limits: &Presence, assets: &[Arc<Asset>], recall: &Recall, sources: &Sources<'_>) -> Reading {
    let is_on = |asset: &Asset| asset.active && sources.zoning.zones.get(&asset.zone).is_none_or(|zone| zone.active);
    let devices = assets.iter().filter(|asset| asset.kind.class() == SubjectClass::Device && is_on(asset));
    let (mut asked, mut late, mut unasked) = (0, Vec::new(), Vec::new());
    let tried = tried(&recall.latest, sources);
    let judged = recall.latest.iter().filter(|one| sources.asking.contains(&one.check));
    let judged: BTreeSet<&AssetId> = judged.map(|one| &one.asset).collect();
    for asset in devices {
        let heard = recall.heard.get(&asset.id);
        let since = heard.or_else(|| recall.watched.get(&asset.id)).copied().unwrap_or(sources.now);
        if heard.is_none() && !judged.contains(&asset.id) && sources.now - since < SETTLED {
            continue;
        }
        if heard.is_none() && !tried.contains(&asset.id) {
            unasked.push(Value::text(asset.id.as_str()));
            continue;
        }
        asked += 1;
        let hours = (sources.now - since).num_hours();
        let intermittent = asset.field("intermittent").and_then(|field| field.as_bool()).unwrap_or(false);
        let most = if intermittent { limits.max_intermittent_h } else { limits.max_unseen_h };
        if hours >= i64::from(most) {
            late.push(Value::map([
                ("asset", Value::text(asset.id.as_str())),
                ("hours", Value::Int(hours)),
                ("heard", Value::Bool(heard.is_some())),
            ]));
        }
    }
    late.truncate(ROWS);
    unasked.truncate(ROWS);
    Reading::Known(Value::map([
        ("assets", Value::Int(asked)),
        ("late", Value::list(late)),
        ("unasked", Value::list(unasked)),
    ]))
}

/// Assets that something was asked, as far as that shows: where the gate or the entry stood before each question, nothing was.
fn tried(latest: &[Latest], sources: &Sources<'_>) -> BTreeSet<AssetId> {
    let nothing_sent = |verdict| match verdict {
        Verdict::Unknown(cause) => {
            matches!(cause, Cause::Gated | Cause::Window | Cause::Inactive | Cause::NoData)
        }
        Verdict::NotApplicable => true,
        _ => false,
    };
    let asking = latest.iter().filter(|one| sources.asking.contains(&one.check));
    asking.filter(|one| !nothing_sent(one.verdict)).map(|one| one.asset.clone()).collect()
}

/// Fields: `partner`, `silent` (members that gave no answer when they were last asked) and `clear`, true where both members are
/// known to answer or not, absent where of one nothing is known.
pub(super) fn partner(latest: &[Latest], sources: &Sources<'_>) -> Reading {
    let Some(named) = sources.asset.labels.get(PARTNER) else {
        return Reading::missing(Cause::NoData, format!("the label {PARTNER} names nobody"));
    };
    let Some(partner) = AssetId::parse(named).ok().filter(|partner| *partner != sources.asset.id) else {
        return Reading::missing(Cause::NoData, format!("the label {PARTNER} does not name another asset"));
    };
    let states = [&sources.asset.id, &partner].map(|member| (member, answers(member, latest, sources)));
    let silent = states.iter().filter(|(_, answers)| *answers == Some(false));
    let mut fields = vec![
        ("partner", Value::text(partner.as_str())),
        ("silent", Value::list(silent.map(|(member, _)| Value::text(member.as_str())))),
    ];
    if states.iter().all(|(_, answers)| answers.is_some()) {
        fields.push(("clear", Value::Bool(true)));
    }
    Reading::Known(Value::map(fields))
}

/// Whether an asset answered when it was last asked; `None` where that does not show. The judgements of one visit carry one time.
fn answers(asset: &AssetId, latest: &[Latest], sources: &Sources<'_>) -> Option<bool> {
    let is_silence =
        |verdict| matches!(verdict, Verdict::Unknown(Cause::Timeout | Cause::Refused | Cause::Unreachable));
    let telling = latest.iter().filter(|one| one.asset == *asset && sources.asking.contains(&one.check));
    let telling = telling.filter(|one| rests_on_an_answer(one.verdict) || is_silence(one.verdict));
    let newest = telling.clone().map(|one| one.at).max()?;
    Some(telling.filter(|one| one.at == newest).any(|one| rests_on_an_answer(one.verdict)))
}

#[cfg(test)]
mod tests;
