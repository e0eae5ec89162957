//! `incident`: the clock of Article 23, kept by hand. Nothing here sends anything to anybody.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::TimeDelta;
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::json;

use super::desk::{Actor, Desk, moment, named, shown, stranger};
use super::{CliError, Files, print};
use crate::duties::{
    self, ClerkError, Deed, Duty, Incident, Opening, Progress, ReportShape, Reporting, Significance, Stage, skeleton,
};
use crate::model::Time;

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// Opens an incident: from the moment of becoming aware of it, deadlines run if it is significant.
    Open(Box<Open>),
    /// Decides whether an incident is significant.
    Classify(Classify),
    /// Notes that a report went out; sending it is a person's own act.
    Stage(Report),
    /// Notes that the handling of an incident has ended.
    Close(Close),
    /// Incidents and their deadlines.
    List(List),
    /// A skeleton of a report, for a person to fill in and send.
    Export(Export),
}

#[derive(Debug, Clone, Args)]
pub(super) struct Open {
    #[command(flatten)]
    files: Files,
    /// Id of the new incident.
    id: String,
    /// What happened, in one line.
    #[arg(long, value_name = "TEXT", value_parser = named)]
    title: String,
    /// When the plant became aware of it.
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = moment)]
    aware_at: Time,
    /// Whether it is significant.
    #[arg(long, value_enum, default_value = "undecided")]
    significant: Decision,
    /// An asset that it concerns; may be given several times.
    #[arg(long = "asset", value_name = "ID")]
    affected: Vec<String>,
    /// Whether unlawful or malicious acts are suspected.
    #[arg(long, value_name = "true|false")]
    suspected_malicious: Option<bool>,
    /// Whether it could have an impact across borders.
    #[arg(long, value_name = "true|false")]
    cross_border: Option<bool>,
    /// What happened, in words.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    actor: Actor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Decision {
    /// It must be reported.
    Yes,
    /// It need not be.
    No,
    /// Nobody has decided yet.
    Undecided,
}

impl From<Decision> for Significance {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Yes => Self::Yes,
            Decision::No => Self::No,
            Decision::Undecided => Self::Undecided,
        }
    }
}

#[derive(Debug, Clone, Args)]
pub(super) struct Classify {
    #[command(flatten)]
    files: Files,
    /// Id of the incident.
    id: String,
    /// Whether it is significant.
    #[arg(long, value_enum)]
    significant: Decision,
    /// When the plant became aware that it is; without it, deadlines count from becoming aware of the incident.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Time>,
    #[command(flatten)]
    actor: Actor,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Report {
    #[command(flatten)]
    files: Files,
    /// Id of the incident.
    id: String,
    /// `early_warning`, notification, `intermediate_report`, `progress_report` or `final_report`.
    #[arg(value_parser = stage)]
    stage: Stage,
    /// When it went out.
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = moment)]
    at: Time,
    /// It did not go out: the authority asked for an intermediate report.
    #[arg(long)]
    requested: bool,
    /// What the authority answered.
    #[arg(long, value_name = "TEXT", value_parser = named)]
    receipt: Option<String>,
    /// Corrects a time that was noted before; both stay in the ledger.
    #[arg(long)]
    correct: bool,
    #[command(flatten)]
    actor: Actor,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Close {
    #[command(flatten)]
    files: Files,
    /// Id of the incident.
    id: String,
    /// When the handling ended.
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = moment)]
    at: Time,
    /// Corrects an end that was noted before; both stay in the ledger.
    #[arg(long)]
    correct: bool,
    #[command(flatten)]
    actor: Actor,
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
pub(super) struct Export {
    #[command(flatten)]
    files: Files,
    /// Id of the incident.
    id: String,
    /// Which report.
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    stage: Stage,
    /// Shape of the skeleton.
    #[arg(long, value_enum, default_value = "markdown")]
    format: Shape,
    /// Where to write it; standard output when left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// For a person.
    Markdown,
    /// For a form.
    Json,
}

fn stage(word: &str) -> Result<Stage, String> {
    let known = Stage::ALL.map(Stage::word).join(", ");
    Stage::from_word(word).ok_or_else(|| format!("a stage is one of {known}"))
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    super::runtime()?.block_on(async {
        match act {
            Act::Open(options) => open(options, &Desk::open(&options.files).await?).await?,
            Act::Classify(options) => classify(options, &Desk::open(&options.files).await?).await?,
            Act::Stage(options) => report(options, &Desk::open(&options.files).await?).await?,
            Act::Close(options) => close(options, &Desk::open(&options.files).await?).await?,
            Act::List(options) => list(options, &Desk::open(&options.files).await?)?,
            Act::Export(options) => export(options, &Desk::open(&options.files).await?)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn find<'d>(desk: &'d Desk, id: &str) -> Result<&'d Incident, CliError> {
    let known = || desk.book.incidents().iter().map(|incident| incident.id.as_str());
    desk.book.incident(id).ok_or_else(|| stranger("incident", id, known()))
}

async fn open(options: &Open, desk: &Desk) -> Result<(), CliError> {
    let opening = Opening {
        id: options.id.clone(),
        title: options.title.clone(),
        aware_at: options.aware_at,
        significant: options.significant.into(),
        affected: options.affected.clone(),
        suspected_malicious: options.suspected_malicious,
        cross_border: options.cross_border,
        description: options.description.clone(),
    };
    let incident = opening.incident(&desk.book, desk.now)?;
    tell(desk, &incident)?;
    desk.write(&Deed::Open(Box::new(incident)), &options.actor.person, &options.actor.reason).await
}

async fn classify(options: &Classify, desk: &Desk) -> Result<(), CliError> {
    let (significant, since) = (options.significant.into(), options.since);
    let deed = duties::classify(&options.id, significant, since, &desk.book, desk.now)?;
    let before = find(desk, &options.id)?.clone();
    tell(desk, &Incident { significant, significant_since: since, ..before })?;
    desk.write(&deed, &options.actor.person, &options.actor.reason).await
}

async fn report(options: &Report, desk: &Desk) -> Result<(), CliError> {
    let incident = find(desk, &options.id)?;
    let reporting = Reporting {
        stage: options.stage,
        at: options.at,
        requested: options.requested,
        receipt: options.receipt.clone(),
        correct: options.correct,
    };
    let deed = corrigible(reporting.deed(&desk.book, &options.id, desk.now))?;
    let mut noted = incident.clone();
    if options.requested {
        noted.intermediate_requested_at = Some(options.at);
    } else {
        noted.note(options.stage, options.at);
    }
    tell(desk, &noted)?;
    desk.write(&deed, &options.actor.person, &options.actor.reason).await
}

/// What was noted before can be corrected; says how.
fn corrigible(written: Result<Deed, ClerkError>) -> Result<Deed, CliError> {
    match written {
        Err(ClerkError::Before(message)) => Err(CliError::Unknown(format!("{message}; --correct says so"))),
        written => Ok(written?),
    }
}

async fn close(options: &Close, desk: &Desk) -> Result<(), CliError> {
    let deed = corrigible(duties::close(&options.id, options.at, options.correct, &desk.book, desk.now))?;
    tell(desk, &Incident { closed_at: Some(options.at), ..find(desk, &options.id)?.clone() })?;
    desk.write(&deed, &options.actor.person, &options.actor.reason).await
}

/// How an incident stands, one line a report.
fn tell(desk: &Desk, incident: &Incident) -> Result<(), CliError> {
    let mut text = format!("{}: significant {}\n", incident.id, incident.significant.word());
    for duty in desk.book.duties(incident, desk.now) {
        writeln!(text, "  {} {}", duty.stage.word(), words(&duty, desk.now)).ok();
    }
    print(&text)
}

/// `due 2026-11-26T08:00:00Z, in 3h 20m`.
fn words(duty: &Duty, now: Time) -> String {
    let due = duty.due.map_or_else(|| "no time known yet".to_owned(), shown);
    let span = |span: TimeDelta| format!("{}h {}m", span.num_hours(), span.num_minutes() % 60);
    match (duty.progress, duty.due, duty.sent) {
        (Progress::Due, Some(at), _) if duty.is_latest => {
            format!(
                "due {due} at the latest, in {}; it counts from the notification, which is still due",
                span(at - now)
            )
        }
        (Progress::Due, Some(at), _) => format!("due {due}, in {}", span(at - now)),
        (Progress::Overdue, Some(at), _) => format!("OVERDUE since {due}, {} ago", span(now - at)),
        (Progress::Late, Some(at), Some(sent)) => format!("sent {}, {} late", shown(sent), span(sent - at)),
        (_, _, Some(sent)) => format!("sent {}", shown(sent)),
        _ => format!("open, {due}"),
    }
}

fn list(options: &List, desk: &Desk) -> Result<(), CliError> {
    if options.format == super::attest::Shape::Json {
        let incident = |incident: &Incident| {
            let duties: Vec<_> = desk.book.duties(incident, desk.now).iter().map(duty_json).collect();
            json!({
                "id": incident.id, "title": incident.title, "aware_at": incident.aware_at,
                "significant": incident.significant.word(), "closed_at": incident.closed_at, "receipts": incident.receipts,
                "cleared": incident.cleared, "duties": duties, "declared": &*incident.declared,
            })
        };
        let incidents: Vec<_> = desk.book.incidents().iter().map(incident).collect();
        let text = serde_json::to_string_pretty(&json!({ "incidents": incidents })).map_err(std::io::Error::other)?;
        return print(&format!("{text}\n"));
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["INCIDENT", "AWARE AT", "SIGNIFICANT", "REPORT", "STATE"]);
    for incident in desk.book.incidents() {
        let (id, aware) = (incident.id.as_str(), shown(incident.aware_at));
        let duties = desk.book.duties(incident, desk.now);
        if duties.is_empty() {
            table.add_row([id, &aware, incident.significant.word(), "", &incident.title]);
        }
        for duty in duties {
            let state = words(&duty, desk.now);
            table.add_row([id, &aware, incident.significant.word(), duty.stage.word(), &state]);
        }
        for cleared in &incident.cleared {
            table.add_row([id, &aware, incident.significant.word(), "", &cleared.words()]);
        }
    }
    print(&format!("{}\n", table.trim_fmt()))
}

fn duty_json(duty: &Duty) -> serde_json::Value {
    json!({ "stage": duty.stage.word(), "state": duty.progress.word(), "due": duty.due, "sent": duty.sent })
}

fn export(options: &Export, desk: &Desk) -> Result<(), CliError> {
    let incident = find(desk, &options.id)?;
    let shape = match options.format {
        Shape::Markdown => ReportShape::Markdown,
        Shape::Json => ReportShape::Json,
    };
    let text = skeleton(&desk.book, incident, options.stage, shape, desk.now);
    match &options.output {
        None => print(&text),
        Some(file) => {
            std::fs::write(file, text)?;
            eprintln!("nis2watch: wrote {}; nothing was sent to anybody", file.display());
            Ok(())
        }
    }
}
