//! The feed folder as a whole: every file read, what it is, how old it is, and what was refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::content::Content;
use super::csaf::Document;
use super::guard::{self, hex};
use super::{Epss, FeedError, Kev, Lifecycle};
use crate::model::Time;

/// Most files that are looked at.
const MAX_FILES: usize = 20_000;
/// Deepest folder below the feed folder.
const MAX_FOLDERS: usize = 4;
/// Most products of all documents together, which bounds the memory that they take: some 200 bytes each, and twice that while a
/// running daemon reads a folder that changed, beside what parsing one document needs. That fits a host of 1 GiB.
const MAX_PRODUCTS: usize = 1_500_000;
/// A date so far ahead is a wrong clock, not a fresh feed.
pub(super) const AHEAD: chrono::TimeDelta = chrono::TimeDelta::days(1);

/// A kind of feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Security advisories and VEX statements.
    Csaf,
    /// Known exploited vulnerabilities.
    Kev,
    /// How likely vulnerabilities are to be exploited.
    Epss,
    /// Support periods of products.
    Endoflife,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Csaf, Self::Kev, Self::Epss, Self::Endoflife];

    /// The word in files, facts and labels.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Csaf => "csaf",
            Self::Kev => "kev",
            Self::Epss => "epss",
            Self::Endoflife => "endoflife",
        }
    }

    /// What it is, for a person.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Csaf => "security advisories (CSAF)",
            Self::Kev => "known exploited vulnerabilities",
            Self::Epss => "likelihood of exploitation (EPSS)",
            Self::Endoflife => "support periods",
        }
    }

    /// How old it may be where nobody says otherwise.
    #[must_use]
    pub const fn standard_age(self) -> Duration {
        match self {
            Self::Csaf | Self::Kev | Self::Epss => Duration::from_hours(7 * 24),
            Self::Endoflife => Duration::from_hours(30 * 24),
        }
    }
}

/// How a feed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Whole and young enough.
    Current,
    /// Too old.
    Stale,
    /// Files were refused, or its date cannot be true.
    Broken,
    /// There is none.
    Absent,
}

impl State {
    /// The word in facts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Stale => "stale",
            Self::Broken => "broken",
            Self::Absent => "absent",
        }
    }
}

/// A file that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub file: PathBuf,
    /// What it would have been, where that could be seen.
    pub kind: Option<Kind>,
    /// Why.
    pub why: String,
}

/// Something in the feed folder that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// What.
    pub path: PathBuf,
    /// Why.
    pub why: &'static str,
}

/// A file that was read as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub kind: Kind,
    /// Its name below the feed folder; of a document that must not be named, its handle.
    pub name: String,
    /// Its name below the feed folder, which the digest of its kind is made with and nobody is shown.
    pub file: String,
    /// SHA-256 of the file as it lies there, hexadecimal.
    pub sha256: String,
    /// The date that it bears.
    pub date: Option<Time>,
    /// How much it holds.
    pub entries: usize,
}

/// Everything that was carried in. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    /// Whether a folder is configured at all.
    pub is_kept: bool,
    /// Advisories, of each document its latest version.
    pub documents: Arc<Vec<Document>>,
    /// Exploited vulnerabilities, of the youngest file.
    pub kev: Option<Arc<Kev>>,
    /// Scores, of the youngest file.
    pub epss: Option<Arc<Epss>>,
    /// Support periods of all files.
    pub lifecycle: Option<Arc<Lifecycle>>,
    /// Newest date of each kind.
    pub dates: BTreeMap<Kind, Time>,
    /// When somebody last imported a kind, even where nothing was new.
    pub imports: BTreeMap<Kind, Import>,
    /// Drafts, which say nothing yet.
    pub drafts: usize,
    /// Files that were read, by name.
    pub sources: Arc<Vec<Source>>,
    /// Files that were refused.
    pub refused: Arc<Vec<Refused>>,
    /// Folders and files that were not looked at, and why.
    pub passed_over: Arc<Vec<PassedOver>>,
    /// What a person should know of files that were read: the name of each, and what.
    pub remarks: Arc<Vec<(String, String)>>,
    /// How old a kind may be.
    pub max_age: BTreeMap<Kind, Duration>,
}

/// One import, as the register in the folder keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// When.
    pub at: Time,
    /// How many entries the kind had after it.
    pub entries: usize,
    /// How many it had before it.
    pub before: usize,
}

/// The file that keeps when what was imported.
pub const REGISTER: &str = ".imports";

impl Shelf {
    /// Reads a folder. What is refused is listed, not fatal.
    ///
    /// # Errors
    ///
    /// The folder itself cannot be read.
    pub fn load(folder: &Path, max_age: &BTreeMap<Kind, Duration>) -> Result<Self, FeedError> {
        let mut loading = Loading::default();
        let walk = walk(folder)?;
        for (file, ..) in &walk.files {
            loading.take(folder, file);
        }
        loading.shelf.passed_over = Arc::new(walk.passed_over);
        let register = guard::read_beside(&folder.join(REGISTER)).ok().flatten();
        let imports = register.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Self { is_kept: true, imports, max_age: max_age.clone(), ..loading.shelve() })
    }

    /// What takes the place of an older state of the folder. While files are refused, what was whole before stays, and the
    /// refusal shows.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        if self.refused.is_empty() || !before.refused.is_empty() || !before.is_kept {
            return self;
        }
        Self { refused: self.refused, imports: self.imports, max_age: self.max_age, ..before.clone() }
    }

    /// The support periods of the folder laid over others.
    #[must_use]
    pub fn lifecycle_over(&self, base: &Arc<Lifecycle>) -> Arc<Lifecycle> {
        let Some(own) = &self.lifecycle else { return Arc::clone(base) };
        let mut all = (**base).clone();
        all.replace_with((**own).clone());
        Arc::new(all)
    }

    /// How much of a kind there is.
    #[must_use]
    pub fn entries(&self, kind: Kind) -> usize {
        match kind {
            Kind::Csaf => self.documents.len(),
            Kind::Kev => self.kev.as_ref().map_or(0, |kev| kev.entries.len()),
            Kind::Epss => self.epss.as_ref().map_or(0, |epss| epss.scores.len()),
            Kind::Endoflife => self.lifecycle.as_ref().map_or(0, |table| table.len()),
        }
    }

    /// Of when a kind is: its own date. Advisories come when there is something to say, so an import that brought nothing new
    /// counts for them too.
    #[must_use]
    pub fn date(&self, kind: Kind) -> Option<Time> {
        let own = self.dates.get(&kind).copied();
        let import = self.imports.get(&kind).map(|import| import.at);
        match kind {
            Kind::Csaf => own.max(import.filter(|_| own.is_some())),
            _ => own.or(import),
        }
    }

    /// How old a kind may be.
    #[must_use]
    pub fn limit(&self, kind: Kind) -> Duration {
        self.max_age.get(&kind).copied().unwrap_or(kind.standard_age())
    }

    /// Whether a kind bears a date that cannot be true yet.
    #[must_use]
    pub fn is_from_the_future(&self, kind: Kind, now: Time) -> bool {
        self.date(kind).is_some_and(|date| date - now > AHEAD)
    }

    /// The files that a kind was read from.
    pub fn sources(&self, kind: Kind) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(move |source| source.kind == kind)
    }

    /// SHA-256 of what `sha256sum` prints for the files of a kind in the order of their names; none where there are none.
    #[must_use]
    pub fn digest(&self, kind: Kind) -> Option<String> {
        let mut hasher = Sha256::new();
        let mut files = 0;
        for source in self.sources(kind) {
            hasher.update(format!("{}  {}\n", source.sha256, source.file));
            files += 1;
        }
        (files > 0).then(|| hex(&hasher.finalize()))
    }

    /// Why checks may not rest on a kind, and what to do; nothing where they may.
    #[must_use]
    pub fn trouble(&self, kind: Kind, now: Time) -> Option<String> {
        Some(match self.state(kind, now) {
            State::Current => return None,
            State::Absent if self.is_kept => "nothing of this kind lies in the feed folder; import a file".into(),
            State::Absent => "no feed folder is configured; give it under feeds: { path: … }".into(),
            State::Stale => {
                format!("it may be {} days old; import a newer one", self.limit(kind).as_secs() / 86_400)
            }
            State::Broken => match self.refused.iter().filter(|one| one.kind.is_none_or(|of| of == kind)).count() {
                0 if self.date(kind).is_none() => "it bears no date; import it with nis2watch feeds import".into(),
                0 => "its date lies in the future; look at the clock of this host".into(),
                1 => "a file was refused; replace or remove it".into(),
                many => format!("{many} files were refused; replace or remove them"),
            },
        })
    }

    /// How a kind stands.
    #[must_use]
    pub fn state(&self, kind: Kind, now: Time) -> State {
        // a file of no known kind could have been any of them
        if self.refused.iter().any(|one| one.kind.is_none_or(|of| of == kind)) {
            return State::Broken;
        }
        if self.entries(kind) == 0 {
            return State::Absent;
        }
        let Some(date) = self.date(kind) else { return State::Broken };
        if self.is_from_the_future(kind, now) {
            State::Broken
        } else if (now - date).to_std().is_ok_and(|age| age > self.limit(kind)) {
            State::Stale
        } else {
            State::Current
        }
    }
}

/// A file with its date and length.
pub type Seen = (PathBuf, Option<SystemTime>, u64);

/// The files of a folder and those below it, by name; what begins with a dot is left out.
///
/// # Errors
///
/// It cannot be read, or holds too many files.
pub fn files(folder: &Path) -> Result<Vec<Seen>, FeedError> {
    Ok(walk(folder)?.files)
}

/// What a folder holds.
#[derive(Default)]
struct Walk {
    files: Vec<Seen>,
    passed_over: Vec<PassedOver>,
}

fn walk(folder: &Path) -> Result<Walk, FeedError> {
    let (mut found, mut open) = (Walk::default(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = open.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let path = entry.path();
            // a link to a file is followed, which Kubernetes needs; one to a folder could lead anywhere
            if entry.file_type()?.is_dir() {
                if depth < MAX_FOLDERS {
                    open.push((path, depth + 1));
                } else {
                    found.pass_over(path, "it lies deeper than four folders; move it up");
                }
            } else {
                match std::fs::metadata(&path) {
                    Ok(about) if about.is_file() => found.files.push((path, about.modified().ok(), about.len())),
                    Ok(about) if about.is_dir() => {
                        found.pass_over(path, "it is a link to a folder; put the folder here");
                    }
                    Ok(_) => found.pass_over(path, "it is neither a file nor a folder; take it away"),
                    Err(_) => found.pass_over(path, "it cannot be looked at; take it away, or mend the link"),
                }
            }
            if found.files.len() + found.passed_over.len() + open.len() > MAX_FILES {
                return Err(FeedError::Shape(format!("the folder holds more than {MAX_FILES} files")));
            }
        }
    }
    found.files.sort();
    found.passed_over.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

impl Walk {
    fn pass_over(&mut self, path: PathBuf, why: &'static str) {
        self.passed_over.push(PassedOver { path, why });
    }
}

#[derive(Default)]
struct Loading {
    documents: BTreeMap<(Box<str>, Box<str>), Document>,
    shelf: Shelf,
    sources: Vec<Source>,
    refused: Vec<Refused>,
    remarks: Vec<(String, String)>,
    products: usize,
}

impl Loading {
    fn take(&mut self, folder: &Path, file: &Path) {
        let (content, sha256) = match Content::read(file) {
            Ok(Some(read)) => (read.content, read.raw.sha256),
            Ok(None) => return,
            Err((kind, error)) => return self.refuse(file, kind, error.to_string()),
        };
        let (kind, date, entries) = (content.kind(), content.date(), content.entries());
        let path = file.strip_prefix(folder).unwrap_or(file).display().to_string();
        let name = match &content {
            Content::Csaf(document) if !document.label.is_public() => document.handle.to_string(),
            _ => path.clone(),
        };
        if self.remarks.len() < MAX_FILES {
            self.remarks.extend(content.remarks().into_iter().map(|remark| (name.clone(), remark)));
        }
        let newest = self.shelf.dates.get(&kind).copied();
        match content {
            Content::Csaf(document) if document.is_draft => {
                self.shelf.drafts += 1;
                return;
            }
            Content::Csaf(document) => {
                self.products += document.products.len();
                if self.products > MAX_PRODUCTS {
                    let why = format!("all documents together have more than {MAX_PRODUCTS} products");
                    return self.refuse(file, Some(kind), why);
                }
                let name = (document.publisher.clone(), document.id.clone());
                if self.documents.get(&name).is_none_or(|known| document.replaces(known)) {
                    self.documents.insert(name, *document);
                }
            }
            Content::Kev(kev) if date >= newest => self.shelf.kev = Some(Arc::new(kev)),
            Content::Epss(epss) if date >= newest => self.shelf.epss = Some(Arc::new(epss)),
            Content::Kev(_) | Content::Epss(_) => {}
            Content::Endoflife(table) => {
                let mut all = self.shelf.lifecycle.take().map(|table| (*table).clone()).unwrap_or_default();
                all.replace_with(table);
                self.shelf.lifecycle = Some(Arc::new(all));
            }
        }
        self.shelf.dates.extend(newest.max(date).map(|date| (kind, date)));
        self.sources.push(Source { kind, name, file: path, sha256, date, entries });
    }

    fn refuse(&mut self, file: &Path, kind: Option<Kind>, why: String) {
        self.refused.push(Refused { file: file.to_owned(), kind, why });
    }

    fn shelve(self) -> Shelf {
        Shelf {
            documents: Arc::new(self.documents.into_values().collect()),
            sources: Arc::new(self.sources),
            refused: Arc::new(self.refused),
            remarks: Arc::new(self.remarks),
            ..self.shelf
        }
    }
}

#[cfg(test)]
mod tests;
