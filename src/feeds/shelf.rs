//! The feed folder as a whole: every file read, what it is, how old it is, and what was refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

use super::csaf::Document;
use super::{Epss, FeedError, Kev, Lifecycle, guard};
use crate::model::Time;

/// Most files that are looked at.
const MAX_FILES: usize = 20_000;
/// Deepest folder below the feed folder.
const MAX_FOLDERS: usize = 4;
/// Most products of all documents together, which bounds the memory that they take.
const MAX_PRODUCTS: usize = 3_000_000;
/// A date so far ahead is a wrong clock, not a fresh feed.
const AHEAD: chrono::TimeDelta = chrono::TimeDelta::days(1);

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

/// What one file holds.
#[derive(Debug)]
pub enum Content {
    /// An advisory.
    Csaf(Box<Document>),
    /// Exploited vulnerabilities.
    Kev(Kev),
    /// Scores.
    Epss(Epss),
    /// Support periods.
    Endoflife(Lifecycle),
}

impl Content {
    /// Reads a file; `None` for one that belongs to a feed and says nothing itself: lists, metadata, hashes, signatures.
    ///
    /// # Errors
    ///
    /// The kind that it seems to be, and why it was refused; its hash file says something else.
    pub fn load(path: &Path) -> Result<Option<Self>, (Option<Kind>, FeedError)> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        let is_table = stem.strip_suffix(".csv").is_some();
        if !(is_table || stem.strip_suffix(".json").is_some()) {
            return Ok(None);
        }
        let bytes = guard::read(path).map_err(|error| (None, error))?;
        if is_table {
            // the list of a folder of advisories is a table too
            if !bytes.starts_with(b"#") && !bytes.starts_with(b"cve,") {
                return Ok(None);
            }
            check_hash(path).map_err(|error| (Some(Kind::Epss), error))?;
            return Epss::parse(&bytes).map(|list| Some(Self::Epss(list))).map_err(|error| (Some(Kind::Epss), error));
        }
        let kind = kind_of(&bytes).map_err(|error| (None, error))?;
        let Some(kind) = kind else { return Ok(None) };
        check_hash(path).map_err(|error| (Some(kind), error))?;
        let product = stem.strip_suffix(".json").unwrap_or(stem);
        let content = match kind {
            Kind::Csaf => Document::parse(&bytes).map(|document| Self::Csaf(Box::new(document))),
            Kind::Kev => Kev::parse(&bytes).map(Self::Kev),
            Kind::Epss => Err(FeedError::Shape("scores are read as CSV".into())),
            Kind::Endoflife => Lifecycle::parse(&bytes, product).map(Self::Endoflife),
        };
        content.map(Some).map_err(|error| (Some(kind), error))
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Csaf(_) => Kind::Csaf,
            Self::Kev(_) => Kind::Kev,
            Self::Epss(_) => Kind::Epss,
            Self::Endoflife(_) => Kind::Endoflife,
        }
    }

    /// The date that it bears.
    #[must_use]
    pub fn date(&self) -> Option<Time> {
        match self {
            Self::Csaf(document) => Some(document.released),
            Self::Kev(kev) => kev.released,
            Self::Epss(epss) => epss.scored,
            Self::Endoflife(table) => table.generated_at(),
        }
    }

    /// How much it holds: vulnerabilities, scores, products; a document counts as one.
    #[must_use]
    pub fn entries(&self) -> usize {
        match self {
            Self::Csaf(_) => 1,
            Self::Kev(kev) => kev.entries.len(),
            Self::Epss(epss) => epss.scores.len(),
            Self::Endoflife(table) => table.len(),
        }
    }
}

/// What a JSON file is by its outermost keys; `None` for metadata of a provider.
fn kind_of(bytes: &[u8]) -> Result<Option<Kind>, FeedError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Keys {
        document: Option<serde::de::IgnoredAny>,
        catalog_version: Option<serde::de::IgnoredAny>,
        result: Option<serde::de::IgnoredAny>,
        feed: Option<serde::de::IgnoredAny>,
        #[serde(rename = "canonical_url")]
        canonical_url: Option<serde::de::IgnoredAny>,
    }
    guard::survey(bytes)?;
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Ok(Some(Kind::Endoflife));
    }
    let keys: Keys = serde_json::from_slice(bytes)?;
    if keys.document.is_some() {
        Ok(Some(Kind::Csaf))
    } else if keys.catalog_version.is_some() {
        Ok(Some(Kind::Kev))
    } else if keys.result.is_some() {
        Ok(Some(Kind::Endoflife))
    } else if keys.feed.is_some() || keys.canonical_url.is_some() {
        Ok(None)
    } else {
        Err(FeedError::Shape("neither CSAF nor KEV nor an endoflife table".into()))
    }
}

/// Holds a file against the `.sha256` and `.sha512` beside it, where there are any.
fn check_hash(path: &Path) -> Result<(), FeedError> {
    for (ending, is_long) in [("sha256", false), ("sha512", true)] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{ending}"));
        let said = match std::fs::read_to_string(Path::new(&beside)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let bytes = std::fs::read(path)?;
        let digest = if is_long { hex(&Sha512::digest(&bytes)) } else { hex(&Sha256::digest(&bytes)) };
        if said.split_whitespace().next().is_none_or(|word| !word.eq_ignore_ascii_case(&digest)) {
            return Err(FeedError::Shape(format!("its {ending} is not the one in the file beside it")));
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
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
    /// Files that were refused.
    pub refused: Arc<Vec<Refused>>,
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
        for (file, ..) in files(folder)? {
            loading.take(&file);
        }
        let register = guard::read(&folder.join(REGISTER)).ok();
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
    let (mut found, mut open) = (Vec::new(), vec![(folder.to_owned(), 0)]);
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
                }
            } else if let Ok(about) = std::fs::metadata(&path)
                && about.is_file()
            {
                found.push((path, about.modified().ok(), about.len()));
            }
            if found.len() + open.len() > MAX_FILES {
                return Err(FeedError::Shape(format!("the folder holds more than {MAX_FILES} files")));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[derive(Default)]
struct Loading {
    documents: BTreeMap<(Box<str>, Box<str>), Document>,
    shelf: Shelf,
    refused: Vec<Refused>,
    products: usize,
}

impl Loading {
    fn take(&mut self, file: &Path) {
        let content = match Content::load(file) {
            Ok(Some(content)) => content,
            Ok(None) => return,
            Err((kind, error)) => return self.refuse(file, kind, error.to_string()),
        };
        let (kind, date) = (content.kind(), content.date());
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
    }

    fn refuse(&mut self, file: &Path, kind: Option<Kind>, why: String) {
        self.refused.push(Refused { file: file.to_owned(), kind, why });
    }

    fn shelve(self) -> Shelf {
        Shelf {
            documents: Arc::new(self.documents.into_values().collect()),
            refused: Arc::new(self.refused),
            ..self.shelf
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        std::fs::create_dir(folder.path().join("csaf")).unwrap();
        put("kev.json", include_bytes!("samples/kev.json"));
        put("epss.csv", include_bytes!("samples/epss.csv"));
        put("endoflife-v1.json", include_bytes!("samples/endoflife-v1.json"));
        put("csaf/nha-2099-001.json", include_bytes!("samples/csaf/nha-2099-001.json"));
        put("csaf/ex-2099-014.json", include_bytes!("samples/csaf/ex-2099-014.json"));
        put("csaf/changes.csv", include_bytes!("samples/csaf/changes.csv"));
        folder
    }

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn a_folder_is_read_as_a_whole_and_each_kind_knows_its_age() {
        let folder = folder();
        let shelf = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
        assert_eq!(*shelf.refused, []);
        assert_eq!(Kind::ALL.map(|kind| shelf.entries(kind)), [2, 2, 4, 2]);
        let states = |now| Kind::ALL.map(|kind| shelf.state(kind, at(now)).word());
        assert_eq!(states("2099-06-29T00:00:00Z"), ["stale", "current", "current", "current"]);
        assert_eq!(states("2099-07-20T00:00:00Z"), ["stale", "stale", "stale", "current"]);
        assert_eq!(states("2026-01-01T00:00:00Z"), ["broken"; 4]);
        assert_eq!(Shelf::default().state(Kind::Kev, at("2026-01-01T00:00:00Z")), State::Absent);
    }

    #[test]
    fn a_broken_file_shows_and_what_was_whole_before_it_stays() {
        let folder = folder();
        let before = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
        std::fs::write(folder.path().join("kev.json"), "{\"catalogVersion\": 1}").unwrap();
        let broken = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
        assert_eq!((broken.refused.len(), broken.refused[0].kind, broken.entries(Kind::Kev)), (1, Some(Kind::Kev), 0));
        let after = broken.after(&before);
        assert_eq!(after.entries(Kind::Kev), 2);
        let now = at("2099-06-29T00:00:00Z");
        assert_eq!((after.state(Kind::Kev, now), after.state(Kind::Epss, now)), (State::Broken, State::Current));
    }

    #[test]
    fn a_hash_beside_a_file_is_held_against_it() {
        let folder = folder();
        let beside = folder.path().join("kev.json.sha256");
        std::fs::write(&beside, format!("{}  kev.json\n", hex(&Sha256::digest(include_bytes!("samples/kev.json")))))
            .unwrap();
        assert!(Content::load(&folder.path().join("kev.json")).unwrap().is_some());
        std::fs::write(&beside, "00  kev.json\n").unwrap();
        let (_, error) = Content::load(&folder.path().join("kev.json")).unwrap_err();
        assert!(error.to_string().contains("sha256"));
    }

    #[test]
    fn a_thousand_documents_are_read_in_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let sample = include_str!("samples/csaf/nha-2099-001.json");
        for at in 0..1_000 {
            let text = sample.replace("NHA-2099-001", &format!("NHA-{at}"));
            std::fs::write(folder.path().join(format!("{at}.json")), text).unwrap();
        }
        let start = std::time::Instant::now();
        assert_eq!(Shelf::load(folder.path(), &BTreeMap::new()).unwrap().documents.len(), 1_000);
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}
