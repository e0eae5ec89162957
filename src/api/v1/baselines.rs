//! What was seen, approved and announced of values that have a baseline, and deciding about it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use super::acts::{Approved, Nothing, approved, noted};
use super::{Answer, Query, Refusal, view};
use crate::api::admit::Actor;
use crate::api::router::{Inner, Shared};
use crate::duties::baseline::{Approval, ChangePlan, LONGEST, Standing, Withdrawal, compared, told};
use crate::model::{AssetId, CheckId, Time, ZoneId};
use crate::store::{Baseline, BaselineAct, BaselineFilter};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Which baselines are meant.
#[derive(Debug, Default)]
pub(in crate::api) struct Wanted {
    filter: BaselineFilter,
    zone: Option<ZoneId>,
    /// States; empty for all.
    pub(in crate::api) states: Vec<&'static str>,
}

impl Wanted {
    pub(in crate::api) fn take(query: &mut Query) -> Result<Self, Refusal> {
        let (asset, check, zone) = (query.parsed("asset")?, query.parsed("check")?, query.parsed("zone")?);
        let filter = BaselineFilter { asset, check, due: None };
        Ok(Self { filter, zone, states: query.words("state", &Standing::WORDS)? })
    }

    /// In the order of asset and check.
    pub(in crate::api) async fn find(&self, inner: &Inner) -> Result<Vec<Baseline>, Refusal> {
        let mut all = inner.desk.store.baselines(self.filter.clone()).await?;
        all.retain(|one| self.zone.as_ref().is_none_or(|zone| one.zone == *zone));
        all.retain(|one| self.states.is_empty() || self.states.contains(&one.standing.as_str()));
        Ok(all)
    }
}

pub(super) async fn list(State(inner): Shared, mut query: Query) -> Answer {
    let (wanted, page) = (Wanted::take(&mut query)?, query.page()?);
    query.finish()?;
    let found = wanted.find(&inner).await?;
    let shown = page.of(&found).iter().map(told).collect();
    Ok(super::paged("baselines", shown, found.len(), page))
}

async fn find(inner: &Inner, asset: &str, check: &str) -> Result<Baseline, Refusal> {
    let nothing = || Refusal::NotFound(format!("no baseline of {check} on {asset} was seen"));
    let asset = AssetId::parse(asset).map_err(|_| nothing())?;
    let check = CheckId::parse(check).map_err(|_| nothing())?;
    let filter = BaselineFilter { asset: Some(asset), check: Some(check), due: None };
    inner.desk.store.baselines(filter).await?.pop().ok_or_else(nothing)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// Digest of what was looked at; nothing else is approved.
    sha256: String,
    valid_days: Option<u64>,
}

/// Takes what was looked at for right; refused when something else is there by now.
pub(super) async fn approve(
    State(inner): Shared,
    actor: Actor,
    Path((asset, check)): Path<(String, String)>,
    query: Query,
    bytes: Bytes,
) -> Answer {
    let (Approved { by, said, reason }, now) = (approved::<Approve>(actor, query, &bytes)?, Utc::now());
    let span = match said.valid_days {
        Some(days) if !(1..=LONGEST.as_secs() / DAY).contains(&days) => {
            return Err(Refusal::InvalidValue("an approval holds for 1 to 3653 days".into()));
        }
        Some(days) => std::time::Duration::from_secs(days * DAY),
        None => view(&inner)?.approvals_hold.min(LONGEST),
    };
    let one = find(&inner, &asset, &check).await?;
    if one.sha256 != said.sha256 {
        let message = "something else is there than what was looked at; look at it again";
        return Err(Refusal::Conflict(message.into()));
    }
    let (Some(seen), difference) = compared(&one) else {
        return Err(Refusal::Conflict("a newer program wrote this value; it is approved with that program".into()));
    };
    let until = now + TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
    let approval = Approval { asset: &one.asset, check: &one.check, seen: &seen, text: &one.value, difference, until };
    let mut answer = done(&inner, approval.act((&by, &reason), now)).await?;
    answer["valid_until"] = json!(until);
    Ok(Json(answer))
}

/// Takes the last approval back: the one before stands again.
pub(super) async fn revert(
    State(inner): Shared,
    actor: Actor,
    Path((asset, check)): Path<(String, String)>,
    query: Query,
    bytes: Bytes,
) -> Answer {
    let Approved { by, reason, .. } = approved::<Nothing>(actor, query, &bytes)?;
    let one = find(&inner, &asset, &check).await?;
    if one.approval.is_none() {
        return Err(Refusal::Conflict(format!("nobody has approved {check} on {asset}")));
    }
    let act = Withdrawal { asset: &one.asset, check: &one.check }.act((&by, &reason), Utc::now());
    done(&inner, act).await.map(Json)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Announce {
    ticket: String,
    until: Time,
}

/// Announces a change: until then a difference is a warning and no fail.
pub(super) async fn plan(
    State(inner): Shared,
    actor: Actor,
    Path((asset, check)): Path<(String, String)>,
    query: Query,
    bytes: Bytes,
) -> Answer {
    let (Approved { by, said, reason }, now) = (approved::<Announce>(actor, query, &bytes)?, Utc::now());
    if said.until <= now {
        return Err(Refusal::InvalidValue("until is over already".into()));
    }
    if said.ticket.trim().is_empty() {
        return Err(Refusal::InvalidValue("a change has a number or a name".into()));
    }
    let one = find(&inner, &asset, &check).await?;
    let plan = ChangePlan { asset: &one.asset, check: &one.check, ticket: &said.ticket, until: said.until };
    done(&inner, plan.act((&by, &reason), now)).await.map(Json)
}

async fn done(inner: &Inner, act: BaselineAct) -> Result<serde_json::Value, Refusal> {
    let head = inner.desk.store.act_on_baselines(vec![act]).await?.ok_or(Refusal::Internal)?;
    inner.desk.operator.noted(head.seq).await;
    Ok(noted(head))
}
