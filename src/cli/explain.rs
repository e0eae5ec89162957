//! `explain CHECK --asset ID`: what a check means for one asset. Nothing is sent.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::{CliError, Files, Listen, desk, print, selection};
use crate::app::Setup;
use crate::catalog::{Check, Subject};
use crate::engine::{Plan, PlannedAsset, PlannedCheck};
use crate::model::{AssetId, CheckId};
use crate::store::{Store as _, Stored};

pub(super) fn run(check: &str, asset: &str, files: &Files) -> Result<ExitCode, CliError> {
    let setup = files.load(&Listen::default())?;
    let id = CheckId::parse(check)?;
    let Some(found) = setup.catalog.checks.get(&id) else {
        return Err(desk::stranger("check", check, setup.catalog.checks.keys().map(CheckId::as_str)));
    };
    let plan = Plan::new(&setup.catalog, &setup.loaded.inventory, &setup.loaded.schedules);
    selection::known_assets(&[asset.to_owned()], &plan)?;
    let Some(planned) = plan.find(asset).map(|at| plan.asset(at)) else {
        return Err(CliError::Unknown(format!("there is no asset {asset:?}")));
    };
    let mut text = setup.catalog.explain(&id).unwrap_or_default();
    writeln!(text, "\nOn {asset}").ok();
    match planned.check(check).and_then(|at| planned.checks.get(usize::from(at))) {
        Some(one) => {
            describe(one, planned, &setup, &mut text);
            text += &verdict(super::runtime()?.block_on(stored(&setup, &planned.member.asset.id, &id))?);
        }
        None => text += &stranger(found, planned),
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Why the check does not concern the asset.
fn stranger(check: &Check, planned: &PlannedAsset) -> String {
    let member = &planned.member;
    let subject = Subject { asset: &member.asset, zone_role: member.zone_role, has: &member.has };
    match check.applies_to.concerns(subject) {
        Err(why) => format!("  does not concern it: {why}\n"),
        Ok(()) => "  does not concern it\n".to_owned(),
    }
}

fn describe(one: &PlannedCheck, planned: &PlannedAsset, setup: &Setup, out: &mut String) {
    let asset = &planned.member.asset;
    let all = &setup.loaded.inventory.overrides;
    let layers = [
        ("its zone", all.zone(asset)),
        ("its kind", all.kind(asset)),
        ("its profile", all.profile(asset)),
        ("the configuration", Some(&all.global)),
    ];
    for (name, value) in one.params.iter() {
        let origin = one.check.origin_of(name, asset, layers);
        writeln!(out, "  parameter  {name} = {value} ({origin})").ok();
    }
    for at in planned.with_sources(&one.facts) {
        let fact = &planned.facts[usize::from(at)];
        match &fact.held {
            Some(held) => writeln!(out, "  not asked  {}: {} ({})", fact.fact.id, held.detail, held.cause),
            None => writeln!(out, "  asked      {}: {}, {}", fact.fact.id, fact.question.word(), fact.question),
        }
        .ok();
    }
    if let Some(held) = &one.held {
        writeln!(out, "  held back  {} ({})", held.detail, held.cause).ok();
    }
}

async fn stored(setup: &Setup, asset: &AssetId, check: &CheckId) -> Result<Option<Stored>, CliError> {
    let Some(store) = desk::open_to_read(&setup.loaded.config.store)? else { return Ok(None) };
    Ok(store.judgements(vec![(asset.clone(), check.clone())]).await?.pop())
}

fn verdict(stored: Option<Stored>) -> String {
    let Some(stored) = stored else { return "  verdict    none so far: the store knows of no judgement\n".to_owned() };
    let judgement = &stored.result.judgement;
    let cause = judgement.verdict.cause().map_or_else(String::new, |cause| format!(" ({cause})"));
    format!(
        "  verdict    {}{cause} since {}, judged {}: {}\n",
        judgement.verdict.word(),
        stored.since.format("%Y-%m-%d %H:%M UTC"),
        stored.result.at.format("%Y-%m-%d %H:%M UTC"),
        judgement.reason
    )
}
