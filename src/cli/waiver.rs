//! `waiver`: which fails are accepted, until when, and what they accept now.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;

use super::desk::{Desk, shown};
use super::{CliError, Files, print};
use crate::duties::Waiver;
use crate::model::CheckId;

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// Every waiver with its end.
    List(List),
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    files: Files,
    /// Shape of the answer.
    #[arg(long, value_enum, default_value = "table")]
    format: super::attest::Shape,
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    let Act::List(options) = act;
    super::runtime()?.block_on(async {
        let desk = Desk::open(&options.files).await?;
        if options.format == super::attest::Shape::Json {
            let waivers: Vec<_> = desk.book.waivers().iter().map(|waiver| entry(waiver, &desk)).collect();
            let text = serde_json::to_string_pretty(&json!({ "waivers": waivers })).map_err(std::io::Error::other)?;
            print(&format!("{text}\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["STATE", "ID", "CHECKS", "UNTIL", "DAYS LEFT", "OWNER", "REASON"]);
        for waiver in desk.book.waivers().iter() {
            table.add_row([
                state(waiver, &desk),
                waiver.id.as_str(),
                &checks(waiver),
                &shown(waiver.expires_at),
                &(waiver.expires_at - desk.now).num_days().to_string(),
                waiver.owner.as_deref().unwrap_or("nobody"),
                waiver.reason.trim(),
            ]);
        }
        print(&format!("{}\n", table.trim_fmt()))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn checks(waiver: &Waiver) -> String {
    waiver.checks().iter().map(CheckId::as_str).collect::<Vec<_>>().join(", ")
}

/// By the clock alone; whether a compensating check suspends it shows in the verdicts.
fn state(waiver: &Waiver, desk: &Desk) -> &'static str {
    if waiver.is_running(desk.now) {
        "running"
    } else if desk.now < waiver.starts_at {
        "not begun"
    } else {
        "expired"
    }
}

fn entry(waiver: &Waiver, desk: &Desk) -> serde_json::Value {
    json!({
        "id": waiver.id, "state": state(waiver, desk), "checks": waiver.checks(), "starts_at": waiver.starts_at,
        "expires_at": waiver.expires_at, "owner": waiver.owner, "reason": waiver.reason,
        "approved_by": waiver.approved_by, "compensating_measure": waiver.compensating_measure,
        "declared": &*waiver.declared,
    })
}
