//! `waiver`: which fails are accepted, until when, and accepting them.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;

use super::desk::{Actor, Desk, ending, moment, named, shown};
use super::{CliError, Files, print};
use crate::duties::{self, Compensation, Selector, Signer, Waiver};
use crate::model::{Asset, CheckId, EntryId, Kind, Time, ZoneId};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// Every waiver with its end.
    List(List),
    /// Accepts fails, until a moment; the findings stay in the evidence.
    Add(Box<Add>),
    /// Ends a waiver now; its findings come back.
    Revoke(Revoke),
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    files: Files,
    /// Shape of the answer.
    #[arg(long, value_enum, default_value = "table")]
    format: super::attest::Shape,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Add {
    #[command(flatten)]
    files: Files,
    /// Id of the new waiver; ids are never reused.
    id: String,
    #[command(flatten)]
    which: Which,
    /// From when.
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = moment)]
    from: Time,
    /// Until when (RFC 3339); a day alone means the whole of it in UTC.
    #[arg(long, value_name = "TIME", value_parser = ending)]
    until: Time,
    /// Who sees to it that the finding is mended.
    #[arg(long, value_name = "NAME", value_parser = named)]
    owner: Option<String>,
    /// What is done instead, in words.
    #[arg(long, value_name = "TEXT", value_parser = named)]
    measure: Option<String>,
    /// A check that must stay green meanwhile, on the waived asset itself where no other is named; may be given several times.
    #[arg(long, value_name = "CHECK[@ASSET]")]
    compensating: Vec<Compensation>,
    /// In which role the person who accepts the risk does so.
    #[arg(long, value_name = "ROLE", value_parser = named)]
    role: String,
    #[command(flatten)]
    by: Actor,
}

/// Which fails: all conditions must hold, and one word of each is enough. Each may be given several times.
#[derive(Debug, Clone, Args)]
struct Which {
    /// Fails of this check.
    #[arg(long, value_name = "ID", required = true)]
    check: Vec<String>,
    /// On this asset; `*` stands for any text.
    #[arg(long, value_name = "ID", value_parser = named)]
    asset: Vec<String>,
    /// In this zone.
    #[arg(long, value_name = "ID")]
    zone: Vec<String>,
    /// Of this kind.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<Kind>,
    /// With this label.
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// Only findings of this vulnerability; a finding is accepted when all that it names are.
    #[arg(long, value_name = "CVE", value_parser = named)]
    cve: Vec<String>,
    /// Only findings that name nothing but this: a port, an account, a file. Without it all that the check finds is accepted,
    /// also what comes later.
    #[arg(long, value_name = "NAME", value_parser = named, conflicts_with = "cve")]
    only: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    files: Files,
    /// Id of the waiver.
    id: String,
    #[command(flatten)]
    by: Actor,
}

fn kind(word: &str) -> Result<Kind, String> {
    let known = || Kind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    Kind::from_word(word).ok_or_else(|| format!("a kind is one of {}", known()))
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a label is written NAME=VALUE")?;
    Ok((named(name)?, value.to_owned()))
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    super::runtime()?.block_on(async {
        match act {
            Act::List(options) => list(options, &Desk::open(&options.files).await?)?,
            Act::Add(options) => add(options, &Desk::open(&options.files).await?).await?,
            Act::Revoke(options) => revoke(options, &Desk::open(&options.files).await?).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

impl Which {
    fn selector(&self) -> Result<Selector, CliError> {
        let mut labels = BTreeMap::<Arc<str>, Vec<String>>::new();
        for (name, value) in &self.label {
            labels.entry(Arc::from(name.as_str())).or_default().push(value.clone());
        }
        Ok(Selector {
            asset: self.asset.clone(),
            labels,
            zone: self.zone.iter().map(|zone| ZoneId::parse(zone)).collect::<Result<_, _>>()?,
            kind: self.kind.clone(),
            check: self.check.iter().map(|check| CheckId::parse(check)).collect::<Result<_, _>>()?,
            cve: self.cve.clone(),
            only: self.only.clone(),
        })
    }
}

async fn add(options: &Add, desk: &Desk) -> Result<(), CliError> {
    let (person, reason) = (&options.by.person, &options.by.reason);
    let waiver = Waiver {
        id: EntryId::parse(&options.id)?,
        selector: options.which.selector()?,
        reason: reason.clone(),
        owner: options.owner.as_deref().map(Arc::from),
        approved_by: Signer { person: person.clone(), role: options.role.clone() },
        starts_at: options.from,
        expires_at: options.until,
        compensating_measure: options.measure.clone(),
        compensating: options.compensating.clone(),
        declared: "the ledger".into(),
        revocation: None,
    };
    let is_whole = waiver.selector.cve.is_empty() && waiver.selector.only.is_empty();
    let is_meant = |asset: &&Arc<Asset>| waiver.checks().first().is_some_and(|check| waiver.means(asset, check));
    let (count, named) = (desk.book.plant().assets.iter().filter(is_meant).count(), checks(&waiver));
    let deed = duties::waive(waiver, &desk.book, &desk.setup.catalog, desk.now)?;
    let (id, s, until) = (&options.id, if count == 1 { "" } else { "s" }, shown(options.until));
    print(&format!("{id}: {named} on {count} asset{s}, until {until}\n"))?;
    if is_whole {
        eprintln!(
            "note: all that {named} finds there is accepted, also what comes later; --only narrows that to what is named"
        );
    }
    desk.write(&deed, person, reason).await
}

async fn revoke(options: &Revoke, desk: &Desk) -> Result<(), CliError> {
    let deed = duties::revoke(&options.id, &desk.book, desk.now)?;
    desk.write(&deed, &options.by.person, &options.by.reason).await
}

fn list(options: &List, desk: &Desk) -> Result<(), CliError> {
    if options.format == super::attest::Shape::Json {
        let waivers: Vec<_> = desk.book.waivers().iter().map(|waiver| entry(waiver, desk.now)).collect();
        let text = serde_json::to_string_pretty(&json!({ "waivers": waivers })).map_err(std::io::Error::other)?;
        return print(&format!("{text}\n"));
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["STATE", "ID", "CHECKS", "UNTIL", "DAYS LEFT", "OWNER", "REASON"]);
    for waiver in desk.book.waivers().iter() {
        table.add_row([
            state(waiver, desk.now),
            waiver.id.as_str(),
            &checks(waiver),
            &shown(waiver.expires_at),
            &(waiver.expires_at - desk.now).num_days().to_string(),
            waiver.owner.as_deref().unwrap_or("nobody"),
            waiver.reason.trim(),
        ]);
    }
    print(&format!("{}\n", table.trim_fmt()))
}

fn checks(waiver: &Waiver) -> String {
    waiver.checks().iter().map(CheckId::as_str).collect::<Vec<_>>().join(", ")
}

fn state(waiver: &Waiver, now: Time) -> &'static str {
    match waiver.standing(now) {
        "not_begun" => "not begun",
        state => state,
    }
}

fn entry(waiver: &Waiver, now: Time) -> serde_json::Value {
    json!({
        "id": waiver.id, "state": state(waiver, now), "checks": waiver.checks(), "match": waiver.selector,
        "starts_at": waiver.starts_at, "expires_at": waiver.expires_at, "owner": waiver.owner, "reason": waiver.reason,
        "approved_by": waiver.approved_by, "compensating_measure": waiver.compensating_measure,
        "declared": &*waiver.declared, "revocation": waiver.revocation,
    })
}
