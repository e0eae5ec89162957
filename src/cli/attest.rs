//! `attest`: what people signed, for how long it holds, and signing anew.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::desk::{Desk, named, shown};
use super::{CliError, Files, print};
use crate::duties::{ClerkError, Deed, EvidenceFile, ORG, Outcome, Renewing, Signer, Signing, Statement};
use crate::model::{CheckId, Value};
use crate::store::Digest;

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// Every statement that counts, and every check for which nobody has signed.
    List(List),
    /// Signs a statement.
    Sign(Box<Sign>),
    /// Signs a statement anew that has expired or soon will.
    Renew(Renew),
    /// Holds the evidence files of the statements that count against the digests that were signed; ends with 100 when one is gone
    /// or another.
    Verify(Verify),
}

#[derive(Debug, Clone, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    files: Files,
    /// Folder with the files, under the names they were signed with.
    folder: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    files: Files,
    /// Also statements that a newer one has replaced.
    #[arg(long)]
    all: bool,
    /// Shape of the answer.
    #[arg(long, value_enum, default_value = "table")]
    format: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shape {
    /// For a terminal.
    Table,
    /// For programs.
    Json,
}

/// Who signs.
#[derive(Debug, Clone, Args)]
struct By {
    /// Who signs: name or number of the person.
    #[arg(long = "by", value_name = "PERSON", value_parser = named)]
    person: String,
    /// In which role.
    #[arg(long, value_name = "ROLE", value_parser = named)]
    role: String,
    /// Days for which it holds.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3653))]
    valid_days: Option<u32>,
    /// The statement is that it is not so: evidence of a failure.
    #[arg(long)]
    rejected: bool,
    /// A file that shows it; its digest is signed, the file stays where it is. May be given several times.
    #[arg(long = "evidence", value_name = "FILE")]
    evidence: Vec<PathBuf>,
    /// A further field that the check reads, `NAME=VALUE`, the value as in YAML. May be given several times.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
    fields: Vec<(String, Value)>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Sign {
    #[command(flatten)]
    files: Files,
    /// The check that reads the statement.
    #[arg(long, value_name = "ID")]
    check: String,
    /// What it is about: org, an asset, room:NAME, line:NAME, zone:NAME, supplier:ID.
    #[arg(long, value_name = "SUBJECT", default_value = ORG)]
    subject: String,
    /// What is stated.
    #[arg(long, value_name = "TEXT", value_parser = named)]
    statement: String,
    /// Who sees to the renewal, where that is not the signer.
    #[arg(long, value_name = "PERSON")]
    owner: Option<String>,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Renew {
    #[command(flatten)]
    files: Files,
    /// Id of the statement.
    id: String,
    /// What was looked at anew; goes into the ledger.
    #[arg(long, value_name = "TEXT", value_parser = named)]
    reason: String,
    #[command(flatten)]
    by: By,
}

fn field(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("a field is written NAME=VALUE")?;
    let value = serde_saphyr::from_str(value).map_err(|_| format!("{value:?} is no YAML value"))?;
    Ok((named(name)?, value))
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    super::runtime()?.block_on(async {
        match act {
            Act::List(options) => list(options, &Desk::open(&options.files).await?)?,
            Act::Sign(options) => sign(options, &Desk::open(&options.files).await?).await?,
            Act::Renew(options) => renew(options, &Desk::open(&options.files).await?).await?,
            Act::Verify(options) => return verify(&options.folder, &Desk::open(&options.files).await?),
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn list(options: &List, desk: &Desk) -> Result<(), CliError> {
    let current = desk.book.all_current(desk.now);
    let is_current = |statement: &Statement| current.iter().any(|one| std::ptr::eq(*one, statement));
    let wanted: Vec<&Statement> =
        desk.book.statements().filter(|statement| options.all || is_current(statement)).collect();
    let attested = desk.setup.catalog.checks.values().filter(|check| desk.setup.catalog.is_attested(check));
    let unsigned: Vec<&CheckId> = attested
        .map(|check| &check.id)
        .filter(|id| !current.iter().any(|one| one.check == **id && desk.book.knows(&one.subject)))
        .collect();
    if options.format == Shape::Json {
        return print_json(&wanted, &unsigned, desk, is_current);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["STATE", "CHECK", "SUBJECT", "UNTIL", "DAYS LEFT", "OWNER", "ID"]);
    for statement in wanted {
        let state = if is_current(statement) { statement.standing(desk.now).word() } else { "replaced" };
        let until = statement.valid_until();
        table.add_row([
            state,
            statement.check.as_str(),
            statement.subject.as_str(),
            &shown(until),
            &(until - desk.now).num_days().to_string(),
            statement.owner(),
            statement.id.as_str(),
        ]);
    }
    for check in unsigned {
        table.add_row(["missing", check.as_str(), "", "", "", "", ""]);
    }
    print(&format!("{}\n", table.trim_fmt()))
}

fn print_json(
    wanted: &[&Statement],
    unsigned: &[&CheckId],
    desk: &Desk,
    is_current: impl Fn(&Statement) -> bool,
) -> Result<(), CliError> {
    let statement = |statement: &&Statement| {
        json!({
            "id": statement.id, "check": statement.check, "subject": statement.subject, "statement": statement.statement,
            "state": if is_current(statement) { statement.standing(desk.now).word() } else { "replaced" },
            "signed_by": statement.signed_by, "signed_at": statement.signed_at, "valid_until": statement.valid_until(),
            "owner": statement.owner(), "evidence": statement.evidence, "fields": statement.fields,
            "declared": &*statement.declared,
        })
    };
    let statements: Vec<_> = wanted.iter().map(statement).collect();
    let text = serde_json::to_string_pretty(&json!({ "statements": statements, "missing": unsigned }));
    print(&format!("{}\n", text.map_err(std::io::Error::other)?))
}

fn verify(folder: &Path, desk: &Desk) -> Result<ExitCode, CliError> {
    let (mut right, mut wrong) = (0, 0);
    for statement in desk.book.all_current(desk.now) {
        for file in &statement.evidence {
            let state = match Path::new(&file.name).file_name().map(|name| digest(&folder.join(name))) {
                Some(Ok(found)) if found.eq_ignore_ascii_case(&file.sha256) => {
                    right += 1;
                    continue;
                }
                Some(Ok(_)) => "is another file than the one that was signed".to_owned(),
                Some(Err(error)) => format!("cannot be read: {error}"),
                None => "has no name that a file could have".to_owned(),
            };
            wrong += 1;
            print(&format!("{} {}: {} {state}\n", statement.check, statement.id, shown_name(&file.name)))?;
        }
    }
    print(&format!("{right} files as they were signed, {wrong} not\n"))?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(100) })
}

/// A name from a register, fit for a terminal.
fn shown_name(name: &str) -> String {
    name.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

async fn sign(options: &Sign, desk: &Desk) -> Result<(), CliError> {
    let signing = Signing {
        check: options.check.clone(),
        subject: options.subject.clone(),
        statement: options.statement.clone(),
        signed_by: signer(&options.by),
        valid_days: options.by.valid_days,
        result: outcome(&options.by),
        owner: options.owner.clone(),
        evidence: evidence(&options.by.evidence)?,
        fields: fields(&options.by),
    };
    let statement = signing.deed(&desk.book, &desk.setup.catalog, desk.now)?;
    write(desk, statement, &options.statement).await
}

async fn renew(options: &Renew, desk: &Desk) -> Result<(), CliError> {
    let renewing = Renewing {
        id: options.id.clone(),
        signed_by: signer(&options.by),
        valid_days: options.by.valid_days,
        result: outcome(&options.by),
        evidence: evidence(&options.by.evidence)?,
        fields: fields(&options.by),
    };
    let statement = match renewing.deed(&desk.book, desk.now) {
        Err(ClerkError::Wrong(message)) if options.by.evidence.is_empty() => {
            return Err(CliError::Unknown(format!("{message}; --evidence FILE says so")));
        }
        written => written?,
    };
    write(desk, statement, &options.reason).await
}

async fn write(desk: &Desk, statement: Statement, reason: &str) -> Result<(), CliError> {
    let actor = statement.signed_by.person.clone();
    print(&format!(
        "{}: {} about {}, until {}\n",
        statement.id,
        statement.check,
        statement.subject,
        shown(statement.valid_until())
    ))?;
    desk.write(&Deed::Sign(Box::new(statement)), &actor, reason).await
}

fn signer(by: &By) -> Signer {
    Signer { person: by.person.clone(), role: by.role.clone() }
}

const fn outcome(by: &By) -> Outcome {
    if by.rejected { Outcome::Rejected } else { Outcome::Confirmed }
}

fn fields(by: &By) -> BTreeMap<Arc<str>, Value> {
    by.fields.iter().map(|(name, value)| (Arc::from(name.as_str()), value.clone())).collect()
}

fn evidence(files: &[PathBuf]) -> Result<Vec<EvidenceFile>, CliError> {
    let one = |file: &PathBuf| {
        let sha256 = digest(file);
        let sha256 = sha256.map_err(|error| CliError::Unknown(format!("cannot read {}: {error}", file.display())))?;
        Ok(EvidenceFile { name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(), sha256 })
    };
    files.iter().map(one).collect()
}

/// SHA-256 of a file, in hex.
fn digest(file: &Path) -> std::io::Result<String> {
    let mut open = std::fs::File::open(file)?;
    if !open.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match open.read(&mut piece)? {
            0 => return Ok(Digest(hash.finalize().into()).to_string()),
            length => hash.update(&piece[..length]),
        }
    }
}
