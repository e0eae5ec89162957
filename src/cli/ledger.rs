//! `ledger`: proof that what was recorded is still what is there.
//!
//! Nothing here needs the plant: a store is enough, be it a copy on another machine.

use std::fs::OpenOptions;
use std::io::{BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::Utc;
use clap::Subcommand;

use super::{CliError, print};
use crate::config::{Alone, Flags};
use crate::inventory::{SecretRef, Surroundings};
use crate::store::{
    self, Anchor, Anchors, Head, KeyError, PublicKey, SigningKey, Sqlite, Store as _, Verification, offline,
};

/// Where the configuration lies when nothing else is said.
const CONFIG: &str = "/etc/nis2watch/nis2watch.yaml";

/// Records that are read and written at once.
const AT_ONCE: usize = 1_000;

/// Which store; what else the configuration speaks of is not looked at.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// Database file; no configuration is needed then.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Configuration file that names the database file.
    #[arg(long, short, value_name = "FILE", env = "NIS2WATCH_CONFIG", default_value = CONFIG)]
    config: PathBuf,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// The number and the digest of the last record; keep it elsewhere, and verify can tell when the chain was cut.
    Head {
        #[command(flatten)]
        place: Place,
        /// Sign it, as a line for an anchor file.
        #[arg(long)]
        sign: bool,
        /// Private key (PEM) to sign with, instead of ledger.key.
        #[arg(long, value_name = "FILE", requires = "sign")]
        key: Option<PathBuf>,
    },
    /// Makes a key pair: FILE for the daemon, readable by its owner only, and FILE.pub for those who verify.
    Keygen {
        /// The private key; must not exist yet.
        file: PathBuf,
    },
    /// Writes the chain to standard output as JSON Lines; docs/ledger.md says how anybody can verify it.
    Export {
        #[command(flatten)]
        place: Place,
    },
    /// Walks the whole chain and what it vouches for; ends with 100 when something was changed, with 1 when there is nothing to walk.
    Verify {
        #[command(flatten)]
        place: Place,
        /// An exported chain instead of a store.
        #[arg(value_name = "FILE.jsonl", conflicts_with = "store")]
        exported: Option<PathBuf>,
        /// A head that was noted earlier, `NUMBER:DIGEST`.
        #[arg(long, value_name = "HEAD")]
        head: Option<Head>,
        /// File of heads that were noted earlier, as `ledger.anchor` writes it.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
        /// Public key (PEM) that must have signed each of them.
        #[arg(long, value_name = "FILE", requires = "anchor")]
        key: Option<PathBuf>,
    },
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    super::runtime()?.block_on(async {
        match act {
            Act::Head { place, sign, key } => head(place, *sign, key.as_deref()).await,
            Act::Keygen { file } => keygen(file),
            Act::Export { place } => export(place).await,
            Act::Verify { place, exported, head, anchor, key } => {
                let anchors =
                    anchor.as_deref().map(|file| anchors(file, key.as_deref())).transpose()?.unwrap_or_default();
                if let Some(file) = anchor.as_deref().filter(|_| anchors.heads.is_empty() && anchors.problems.is_empty()) {
                    let none = format!("{} holds no head, so the end of the chain was not proven", file.display());
                    return Err(CliError::Unknown(none));
                }
                let noted: Vec<Head> = anchors.heads.iter().copied().chain(*head).collect();
                if noted.is_empty() {
                    eprintln!("note: records that were cut off the end are missed only with a head that was kept elsewhere (--head, --anchor)");
                }
                let found = match exported {
                    Some(file) => {
                        let text = BufReader::new(std::fs::File::open(file).map_err(|error| unreadable(file, &error))?);
                        offline::verify(text, &noted).map_err(|error| unreadable(file, &error))?
                    }
                    None => place.open()?.verify(noted).await?,
                };
                tell(&found, &anchors)
            }
        }
    })
}

impl Place {
    fn settings(&self) -> Result<store::Config, CliError> {
        match &self.store {
            Some(path) => Ok(store::Config { path: path.clone(), ..store::Config::default() }),
            None => Ok(Alone::load(&self.config, &Flags::default(), &Surroundings::of_process())?.store),
        }
    }

    fn key(&self, file: Option<&Path>) -> Result<Arc<SigningKey>, CliError> {
        let around = Surroundings::of_process();
        if let Some(file) = file {
            let path = std::path::absolute(file)?;
            let secret = SecretRef::File { path, allow_group: false }.resolve(Path::new(""), &around);
            let secret = secret.map_err(|error| CliError::Unknown(error.message))?;
            return SigningKey::from_pem(secret.expose()).map(Arc::new).map_err(|error| unusable(file, error));
        }
        let key = Alone::load(&self.config, &Flags::default(), &around)?.key(&around)?;
        key.ok_or_else(|| CliError::Unknown("there is no key to sign with: name one with --key or ledger.key".into()))
    }

    fn open(&self) -> Result<Sqlite, CliError> {
        Ok(Sqlite::open_read_only(&self.settings()?)?)
    }
}

async fn head(place: &Place, sign: bool, key: Option<&Path>) -> Result<ExitCode, CliError> {
    let head = place.open()?.head().await?;
    if let (true, Some(head)) = (sign, head) {
        let key = place.key(key)?;
        print(&format!("{}\n", Anchor::new(head, Utc::now(), Some(&key)).line()))?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&head.map_or_else(|| "the ledger is empty\n".to_owned(), |head| format!("{head}\n")))?;
    Ok(ExitCode::SUCCESS)
}

async fn export(place: &Place) -> Result<ExitCode, CliError> {
    let store = place.open()?;
    let mut last = 0;
    loop {
        let records = store.chain(last, AT_ONCE).await?;
        let Some(newest) = records.last() else { return Ok(ExitCode::SUCCESS) };
        last = newest.seq;
        let mut lines = String::new();
        for record in &records {
            lines += &serde_json::to_string(record).map_err(std::io::Error::from)?;
            lines.push('\n');
        }
        print(&lines)?;
    }
}

fn anchors(file: &Path, key: Option<&Path>) -> Result<Anchors, CliError> {
    let key = match key {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            Some(PublicKey::from_pem(&text).map_err(|error| unusable(path, error))?)
        }
        None => None,
    };
    let text = std::fs::File::open(file).map_err(|error| unreadable(file, &error))?;
    Anchors::read(BufReader::new(text), key).map_err(|error| unreadable(file, &error))
}

fn keygen(file: &Path) -> Result<ExitCode, CliError> {
    let (key, pem) = SigningKey::generate().map_err(|error| unusable(file, error))?;
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    for (path, text, mode) in [(file, pem, 0o600), (Path::new(&public), key.public().to_pem(), 0o644)] {
        let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        let written = opened.and_then(|mut opened| opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()));
        written.map_err(|error| CliError::Unknown(format!("cannot write {}: {error}", path.display())))?;
    }
    print(&format!(
        "key {}: {} is secret, {} is for those who verify\n",
        key.public().id(),
        file.display(),
        Path::new(&public).display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn unusable(file: &Path, error: KeyError) -> CliError {
    CliError::Unknown(format!("{}: {error}", file.display()))
}

fn tell(found: &Verification, anchors: &Anchors) -> Result<ExitCode, CliError> {
    for problem in &anchors.problems {
        print(&format!("{problem}\n"))?;
    }
    for one in &found.breaks {
        print(&format!("{one}\n"))?;
    }
    for note in &found.notes {
        eprintln!("note: {note}");
    }
    if anchors.unchecked > 0 {
        eprintln!("note: without a public key (--key) no signature was checked, of {} in the file", anchors.unchecked);
    }
    if !(found.is_intact() && anchors.problems.is_empty()) {
        return Ok(ExitCode::from(100));
    }
    let Some(head) = found.head else {
        return Err(CliError::Unknown("there is no record, so nothing was verified".into()));
    };
    print(&format!("{} records, all as they were written, head {head}\n", found.records))?;
    Ok(ExitCode::SUCCESS)
}

fn unreadable(file: &Path, error: &std::io::Error) -> CliError {
    CliError::Unknown(format!("cannot read {}: {error}", file.display()))
}
