//! `facts`: what one asset answers, before any check judges it.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value as Json, json};

use super::selection::{known, known_assets};
use super::{CliError, Files, Listen, print};
use crate::app::{Kept, Once};
use crate::engine::FactIndex;
use crate::model::{FactId, Reading};

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    #[command(flatten)]
    files: Files,
    /// The asset.
    #[arg(long, value_name = "ID")]
    asset: String,
    /// Only this fact and those it is derived from; may be given several times.
    #[arg(long = "fact", value_name = "ID")]
    facts: Vec<String>,
    /// Shape of the answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a person.
    Text,
    /// `{"asset": …, "facts": {…}, "causes": {…}}`.
    Json,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let setup = options.files.load(&Listen::default())?;
    super::runtime()?.block_on(async {
        options.files.start_log(&setup)?;
        let once = Once::open(&setup).await?;
        let plan = &once.plant.plan;
        known_assets(std::slice::from_ref(&options.asset), plan)?;
        let Some(at) = plan.find(&options.asset) else { return Err(CliError::Unknown("no such asset".into())) };
        let planned = plan.asset(at);
        if let (false, Kept::Beside(holder)) = (once.may_ask(planned), &once.kept) {
            return Err(CliError::Unknown(format!(
                "{} is fragile, and {holder} keeps its gate; stop the daemon first, or read its verdicts with check",
                options.asset
            )));
        }
        let there = planned.facts.iter().map(|fact| fact.fact.id.as_str()).collect();
        known(&format!("fact of {}", options.asset), &options.facts, &there)?;
        let is_wanted = |id: &FactId| options.facts.is_empty() || options.facts.iter().any(|one| one == id.as_str());
        let places = (0..).zip(&planned.facts).filter(|(_, fact)| is_wanted(&fact.fact.id));
        let wanted: Vec<FactIndex> = places.map(|(place, _)| place).collect();
        let wanted = planned.with_sources(&wanted);
        let readings = once.visitor.facts(planned, &once.plant.contacts[at as usize], &wanted).await;
        match options.format {
            Format::Text => print(&text(&options.asset, &readings))?,
            Format::Json => print(&as_json(&options.asset, &readings))?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

type Readings = std::collections::BTreeMap<FactId, Reading>;

/// Facts by family: `linux.sshd` stands under `facts.linux.sshd`. What is absent is `null`; what is missing has a cause.
fn as_json(asset: &str, readings: &Readings) -> String {
    let (mut facts, mut causes) = (Map::new(), Map::new());
    for (id, reading) in readings {
        match reading {
            Reading::Known(value) => put(&mut facts, id.as_str(), serde_json::to_value(value).unwrap_or(Json::Null)),
            Reading::Absent(_) => put(&mut facts, id.as_str(), Json::Null),
            Reading::Missing(missing) => {
                let why = json!({ "cause": missing.cause.word(), "detail": missing.detail });
                causes.insert(id.to_string(), why);
            }
        }
    }
    let answer = json!({ "asset": asset, "facts": facts, "causes": causes });
    format!("{answer:#}\n")
}

fn put(facts: &mut Map<String, Json>, id: &str, value: Json) {
    match id.split_once('.') {
        None => {
            facts.insert(id.to_owned(), value);
        }
        Some((family, name)) => {
            let inside = facts.entry(family).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(inside) = inside {
                inside.insert(name.to_owned(), value);
            }
        }
    }
}

fn text(asset: &str, readings: &Readings) -> String {
    let mut text = format!("{asset}\n");
    for (id, reading) in readings {
        match reading {
            Reading::Known(value) => {
                let value = serde_json::to_string_pretty(value).unwrap_or_default().replace('\n', "\n    ");
                writeln!(text, "\n{id}\n    {value}").ok();
            }
            Reading::Absent(why) => {
                writeln!(text, "\n{id}\n    absent: {why}").ok();
            }
            Reading::Missing(missing) => {
                writeln!(text, "\n{id}\n    unknown ({}): {}", missing.cause, missing.detail).ok();
            }
        }
    }
    text
}
