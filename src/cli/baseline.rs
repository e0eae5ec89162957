//! `baseline`: what was approved, what differs from it, and deciding about it.
//!
//! Reads the store as the daemon left it and asks no asset. What is decided goes into the ledger, and a running daemon shows
//! it within a minute.

use std::process::ExitCode;
use std::time::Duration;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;

use super::attest::Shape;
use super::desk::{Actor, Desk, moment, named, shown, stranger};
use super::{CliError, Files, print};
use crate::duties::baseline::{Approval, ChangePlan, LONGEST, Standing, Withdrawal, YEAR, compared, told};
use crate::model::{AssetId, CheckId, Time};
use crate::store::{Baseline, BaselineFilter};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// Every value that has a baseline, and how it stands to it.
    List(List),
    /// What differs between what is there and what was approved.
    Diff(Diff),
    /// Takes what is there for right.
    Approve(Approve),
    /// Takes the last approval back: the one before stands again.
    Revert(Revert),
    /// Announces a change: until then a difference is a warning and no fail.
    Plan(Plan),
}

/// Which baselines; all where nothing is said.
#[derive(Debug, Clone, Default, Args)]
struct Which {
    /// Only of this asset.
    #[arg(long, value_name = "ID")]
    asset: Option<String>,
    /// Only by this check.
    #[arg(long, value_name = "ID")]
    check: Option<String>,
    /// Only of assets of this zone.
    #[arg(long, value_name = "ID")]
    zone: Option<String>,
    /// Only those that stand so.
    #[arg(long, value_name = "STATE", value_parser = Standing::WORDS)]
    state: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    which: Which,
    /// Shape of the answer.
    #[arg(long, value_enum, default_value = "table")]
    format: Shape,
}

/// One value.
#[derive(Debug, Clone, Args)]
struct Pair {
    /// The asset.
    asset: String,
    /// The check.
    check: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Diff {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    pair: Pair,
    /// Shape of the answer.
    #[arg(long, value_enum, default_value = "table")]
    format: Shape,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Approve {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    which: Which,
    /// Everything that was never approved and is selected; what differs from an approval is left alone.
    #[arg(long)]
    all_proposed: bool,
    /// Only if what is there has this digest, as `baseline diff` shows it; for one value.
    #[arg(long, value_name = "DIGEST")]
    sha256: Option<String>,
    /// How long the approval holds (365d), instead of `duties.baselines_valid_for`.
    #[arg(long, value_name = "SPAN", value_parser = validity)]
    valid_for: Option<Duration>,
    #[command(flatten)]
    by: Actor,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Revert {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    pair: Pair,
    #[command(flatten)]
    by: Actor,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    files: Files,
    /// The asset.
    #[arg(long, value_name = "ID")]
    asset: String,
    /// The check.
    #[arg(long, value_name = "ID")]
    check: String,
    /// Number or name of the change.
    #[arg(long, value_name = "TICKET", value_parser = named)]
    ticket: String,
    /// Until when a difference is expected (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Time,
    #[command(flatten)]
    by: Actor,
}

fn validity(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    let span = days.map(|days| Duration::from_hours(days.saturating_mul(24)));
    let span = span.filter(|span| !span.is_zero() && *span <= LONGEST);
    span.ok_or_else(|| format!("{text:?} is no span of 1d to 3653d, such as 365d"))
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    super::runtime()?.block_on(async {
        match act {
            Act::List(options) => list(options).await?,
            Act::Diff(options) => diff(options).await?,
            Act::Approve(options) => approve(options).await?,
            Act::Revert(options) => revert(options).await?,
            Act::Plan(options) => plan(options).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn chosen(desk: &Desk, which: &Which) -> Result<Vec<Baseline>, CliError> {
    let filter = BaselineFilter {
        asset: which.asset.as_deref().map(AssetId::parse).transpose()?,
        check: which.check.as_deref().map(CheckId::parse).transpose()?,
        due: None,
    };
    let mut all = desk.baselines(filter).await?;
    all.retain(|one| which.zone.as_deref().is_none_or(|zone| one.zone.as_str() == zone));
    all.retain(|one| which.state.as_deref().is_none_or(|state| one.standing == state));
    Ok(all)
}

async fn one(desk: &Desk, asset: &str, check: &str) -> Result<Baseline, CliError> {
    let which = Which { asset: Some(asset.to_owned()), check: Some(check.to_owned()), ..Which::default() };
    let found = chosen(desk, &which).await?.pop();
    found.ok_or_else(|| stranger("baseline seen of", &format!("{check} on {asset}"), []))
}

fn print_json(value: &serde_json::Value) -> Result<(), CliError> {
    print(&format!("{}\n", serde_json::to_string_pretty(value).map_err(std::io::Error::other)?))
}

async fn list(options: &List) -> Result<(), CliError> {
    let desk = Desk::open(&options.files).await?;
    let all = chosen(&desk, &options.which).await?;
    if options.format == Shape::Json {
        return print_json(&json!({ "baselines": all.iter().map(told).collect::<Vec<_>>() }));
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "STATE",
        "ASSET",
        "CHECK",
        "SEEN SINCE",
        "APPROVED BY",
        "UNTIL",
        "DIFFERENCE",
    ]);
    for one in &all {
        let approval = one.approval.as_ref();
        table.add_row([
            one.standing.as_str(),
            one.asset.as_str(),
            one.check.as_str(),
            &shown(one.since),
            approval.map_or("nobody", |approval| approval.actor.as_str()),
            &approval.and_then(|approval| approval.until).map_or_else(String::new, shown),
            &compared(one).1.map_or_else(String::new, |difference| difference.sentence()),
        ]);
    }
    print(&format!("{}\n", table.trim_fmt()))
}

async fn diff(options: &Diff) -> Result<(), CliError> {
    let desk = Desk::open(&options.files).await?;
    let one = one(&desk, &options.pair.asset, &options.pair.check).await?;
    if options.format == Shape::Json {
        return print_json(&told(&one));
    }
    let (seen, difference) = compared(&one);
    let mut lines = vec![format!("{} on {}: {}, sha256 {}", one.check, one.asset, one.standing, one.sha256)];
    match (difference, seen) {
        (Some(difference), _) => {
            let kinds = [("+", &difference.added), ("-", &difference.missing), ("~", &difference.changed)];
            lines.extend(
                kinds.into_iter().flat_map(|(sign, names)| names.iter().map(move |name| format!("{sign} {name}"))),
            );
        }
        (None, Some(seen)) => lines.extend(seen.parts.keys().map(|name| format!("? {name}"))),
        (None, None) => {}
    }
    print(&format!("{}\n", lines.join("\n")))
}

async fn approve(options: &Approve) -> Result<(), CliError> {
    let desk = Desk::open(&options.files).await?;
    let Which { asset, check, zone, state } = &options.which;
    if !options.all_proposed && [asset, check, zone, state].iter().all(|one| one.is_none()) {
        let message = "say what to approve: --asset, --check, --zone, --state, or --all-proposed for all that is new";
        return Err(CliError::Unknown(message.into()));
    }
    let mut all = chosen(&desk, &options.which).await?;
    all.retain(|one| !options.all_proposed || one.approval.is_none());
    if let Some(digest) = &options.sha256 {
        all.retain(|one| one.sha256 == *digest);
    }
    if all.is_empty() {
        return Err(CliError::Unknown(
            "nothing that was seen is meant; nis2watch baseline list shows what there is".into(),
        ));
    }
    let span = options.valid_for.or(desk.setup.loaded.config.duties.baselines_valid_for).unwrap_or(YEAR);
    let until = desk.now + TimeDelta::from_std(span.min(LONGEST)).unwrap_or(TimeDelta::MAX);
    let by = (options.by.person.as_str(), options.by.reason.as_str());
    let mut acts = Vec::new();
    for one in &all {
        let (Some(seen), difference) = compared(one) else { continue };
        let (asset, check, text) = (&one.asset, &one.check, one.value.as_str());
        acts.push(Approval { asset, check, seen: &seen, text, difference, until }.act(by, desk.now));
    }
    print(&format!("{} approved until {}\n", acts.len(), shown(until)))?;
    desk.act_on_baselines(acts).await
}

async fn revert(options: &Revert) -> Result<(), CliError> {
    let desk = Desk::open(&options.files).await?;
    let one = one(&desk, &options.pair.asset, &options.pair.check).await?;
    if one.approval.is_none() {
        return Err(CliError::Unknown(format!("nobody has approved {} on {}", one.check, one.asset)));
    }
    let by = (options.by.person.as_str(), options.by.reason.as_str());
    let act = Withdrawal { asset: &one.asset, check: &one.check }.act(by, desk.now);
    desk.act_on_baselines(vec![act]).await
}

async fn plan(options: &Plan) -> Result<(), CliError> {
    let desk = Desk::open(&options.files).await?;
    if options.until <= desk.now {
        return Err(CliError::Unknown(format!("{} is over", shown(options.until))));
    }
    let one = one(&desk, &options.asset, &options.check).await?;
    let by = (options.by.person.as_str(), options.by.reason.as_str());
    let plan = ChangePlan { asset: &one.asset, check: &one.check, ticket: &options.ticket, until: options.until };
    desk.act_on_baselines(vec![plan.act(by, desk.now)]).await
}
