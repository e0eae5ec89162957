//! `feeds`: what lies in the feed folder, whether it is whole, and bringing in more.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::{CliError, Files, Listen, print};
use crate::config::Feeds;
use crate::feeds::{self, ImportError, Kind, Older, Refused, Shelf};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// Each kind with its date, entries, age and state.
    List(Options),
    /// Reads every file, checks hashes that lie beside, and reports every problem; ends with 1 when there is one.
    Verify(Options),
    /// Verifies files as a whole and puts them into the folder; a file that is refused stops all of them.
    Import {
        #[command(flatten)]
        options: Options,
        /// Lets a file take the place of a newer one of the same name.
        #[arg(long)]
        older: bool,
        /// Files: CSAF 2.0, KEV and endoflife JSON, EPSS CSV, each also as .gz.
        #[arg(required = true, value_name = "FILE")]
        sources: Vec<PathBuf>,
    },
    /// Says which advisory a handle such as TLP:RED-1a2b3c4d-1 stands for, to those who may read the folder.
    Reveal {
        #[command(flatten)]
        options: Options,
        /// The handle of a document or of one of its vulnerabilities.
        handle: String,
    },
}

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    #[command(flatten)]
    files: Files,
    /// Folder instead of feeds.path, without reading a configuration: for a transfer station.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Options {
    fn feeds(&self) -> Result<(PathBuf, Feeds), CliError> {
        if let Some(folder) = &self.folder {
            return Ok((folder.clone(), Feeds::default()));
        }
        let config = self.files.load(&Listen::default())?.loaded.config.feeds;
        let path = config.path.clone();
        let advice = "no feed folder is configured; set feeds: { path: … } or give --folder";
        path.map(|path| (path, config)).ok_or_else(|| CliError::Unknown(advice.into()))
    }

    fn load(&self) -> Result<Shelf, CliError> {
        let (folder, config) = self.feeds()?;
        Ok(Shelf::load(&folder, &config.ages()).map_err(|source| ImportError::Folder { folder, source })?)
    }
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    match act {
        Act::List(options) => print(&table(&options.load()?))?,
        Act::Verify(options) => {
            let carried = options.load()?;
            let future = Kind::ALL.into_iter().filter(|kind| carried.is_from_the_future(*kind, Utc::now()));
            let future = future.map(|kind| format!("{}: its date lies in the future\n", kind.word()));
            let unseen =
                carried.passed_over.iter().map(|one| format!("{}: not read: {}\n", one.path.display(), one.why));
            let problems: Vec<String> = carried.refused.iter().map(line).chain(future).chain(unseen).collect();
            let notes = carried.remarks.iter().map(|(name, remark)| format!("note: {name}: {remark}\n"));
            let (notes, count) = (notes.collect::<String>(), problems.len());
            print(&format!("{}\n{}{notes}{count} problems\n", table(&carried), problems.concat()))?;
            if !problems.is_empty() {
                return Ok(ExitCode::from(1));
            }
        }
        Act::Import { options, older, sources } => {
            let (folder, config) = options.feeds()?;
            let older = if *older { Older::Allowed } else { Older::Refused };
            for one in feeds::import(&folder, sources, &config.ages(), older, Utc::now())? {
                let (place, kind) = (one.place.display(), one.kind.word());
                let notes: Vec<String> = one.remarks.iter().map(|remark| format!("  note: {remark}\n")).collect();
                print(&format!("imported {place} ({kind}, {} entries)\n{}", one.entries, notes.concat()))?;
            }
        }
        Act::Reveal { options, handle } => print(&reveal(&options.load()?, handle)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a handle stands for. It is worked out anew from the files, so that nothing keeps a list of them.
fn reveal(carried: &Shelf, handle: &str) -> Result<String, CliError> {
    let hidden = carried.documents.iter().filter(|document| !document.label.is_public());
    for document in hidden {
        let about = format!("{} of {}: {}\n", document.id, document.publisher, document.title);
        if handle == document.shown_id() {
            return Ok(about);
        }
        let named = |id: &str| document.shown_vulnerability(id) == handle;
        if let Some(one) = document.vulnerabilities.iter().find(|one| named(&one.id)) {
            return Ok(format!("{} in {about}", one.id));
        }
    }
    let why = "no document in the feed folder has this handle; a new version of a document has a new one";
    Err(CliError::Unknown(why.to_owned()))
}

fn line(one: &Refused) -> String {
    let kind = one.kind.map_or("unknown kind", Kind::word);
    format!("{} ({kind}): {}\n", one.file.display(), one.why)
}

fn table(carried: &Shelf) -> String {
    let now = Utc::now();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["FEED", "STATE", "DATE", "AGE DAYS", "LIMIT DAYS", "ENTRIES"]);
    for kind in Kind::ALL {
        let date = carried.date(kind);
        table.add_row([
            kind.word().to_owned(),
            carried.state(kind, now).word().to_owned(),
            date.map_or_else(String::new, |date| date.format("%Y-%m-%d").to_string()),
            date.map_or_else(String::new, |date| (now - date).num_days().to_string()),
            (carried.limit(kind).as_secs() / 86_400).to_string(),
            carried.entries(kind).to_string(),
        ]);
    }
    format!("{}\n", table.trim_fmt())
}
