//! `token`: bearer tokens of the API. A token is printed once; the file keeps its digest only.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{NaiveDate, SecondsFormat, Utc};
use clap::Subcommand;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::desk::{moment, named};
use super::{CliError, print};
use crate::api::{Role, TokenError, Tokens};
use crate::config::{Alone, Flags};
use crate::inventory::Surroundings;
use crate::model::Time;

/// Which file.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// File of tokens; no configuration is needed then.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Configuration file that names it as api.tokens.
    #[arg(long, short, value_name = "FILE", env = "NIS2WATCH_CONFIG", default_value = "/etc/nis2watch/nis2watch.yaml")]
    config: PathBuf,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// Makes a token and prints it, once.
    Create {
        #[command(flatten)]
        place: Place,
        /// What its holder may do: viewer (look), operator (also stop traffic, reload, visit now), approver (also accept fails,
        /// sign, note reports of incidents).
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: Role,
        /// Who or what holds it; stands in the ledger as the actor.
        #[arg(long, value_name = "NAME", value_parser = named)]
        name: String,
        /// When it ends by itself: a day, or a time such as 2026-11-26T08:00:00Z.
        #[arg(long, value_name = "TIME", value_parser = end)]
        expires: Option<Time>,
    },
    /// Every token: who holds it, what it may do, until when.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Takes a token away; a running daemon refuses it from the next request on.
    Revoke {
        #[command(flatten)]
        place: Place,
        /// Name of the token.
        name: String,
    },
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| format!("a role is one of {}", Role::ALL.map(Role::word).join(", ")))
}

/// A day ends with it.
fn end(text: &str) -> Result<Time, String> {
    let Ok(day) = text.parse::<NaiveDate>() else { return moment(text) };
    day.succ_opt().map(|next| next.and_time(chrono::NaiveTime::MIN).and_utc()).ok_or_else(|| "no such day".to_owned())
}

impl Place {
    fn path(&self) -> Result<PathBuf, CliError> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let alone = Alone::load(&self.config, &Flags::default(), &Surroundings::of_process())?;
        let message = "the configuration names no file of tokens: set api.tokens, or give --file";
        alone.tokens.ok_or_else(|| CliError::Unknown(message.into()))
    }
}

fn refused(error: &TokenError) -> CliError {
    CliError::Unknown(error.to_string())
}

/// The tokens of a file; none while it is not there.
fn load(path: &std::path::Path) -> Result<Tokens, CliError> {
    match Tokens::load(path) {
        Err(TokenError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(Tokens::default()),
        read => read.map_err(|error| refused(&error)),
    }
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    match act {
        Act::Create { place, role, name, expires } => {
            let (path, now) = (place.path()?, Utc::now());
            let mut tokens = load(&path)?;
            if expires.is_some_and(|end| end <= now) {
                return Err(CliError::Unknown("the token would have ended already".into()));
            }
            let text = tokens.create(name, *role, *expires, now).map_err(|error| refused(&error))?;
            tokens.save(&path).map_err(|error| refused(&error))?;
            eprintln!("nis2watch: this is the only time that the token is shown; {} keeps its digest", path.display());
            print(&format!("{}\n", text.expose()))?;
        }
        Act::List { place } => list(&load(&place.path()?)?)?,
        Act::Revoke { place, name } => {
            let path = place.path()?;
            let mut tokens = load(&path)?;
            tokens.revoke(name).and_then(|()| tokens.save(&path)).map_err(|error| refused(&error))?;
            print(&format!("{name} opens no door any more\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(tokens: &Tokens) -> Result<(), CliError> {
    let now = Utc::now();
    let shown = |time: Time| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["NAME", "ROLE", "MADE", "UNTIL"]);
    for token in &tokens.tokens {
        let until = match token.expires_at {
            Some(end) if end <= now => format!("{} (ended)", shown(end)),
            Some(end) => shown(end),
            None => "revoked by hand".to_owned(),
        };
        table.add_row([token.name.as_str(), token.role.word(), &shown(token.created_at), &until]);
    }
    print(&format!("{}\n", table.trim_fmt()))
}
