//! Bringing files into the feed folder: all of them are read as a whole first and written beside their places, then put in place
//! one by one, each by a rename.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::content::HASHES;
use super::shelf::AHEAD;
use super::{Content, FeedError, Import, Kind, REGISTER, Refused, Shelf};
use crate::model::Time;

/// One file that was brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Where it stands now.
    pub place: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// How much it holds.
    pub entries: usize,
    /// What a person should know of it.
    pub remarks: Vec<String>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Files were refused; the folder is as it was.
    #[error("nothing was imported:{}", list(.0))]
    Refused(Vec<Refused>),
    /// The folder cannot be read or written; what it held is still there.
    #[error("{folder}: {source}", folder = .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: FeedError,
    },
}

fn list(refused: &[Refused]) -> String {
    refused.iter().fold(String::new(), |mut text, one| {
        write!(text, "\n  {}: {}", one.file.display(), one.why).ok();
        text
    })
}

/// What becomes of a file that is older than the one of the same name in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Older {
    /// It is refused: it would take away what is known already.
    Refused,
    /// It takes its place; somebody said so.
    Allowed,
}

/// Verifies all files and writes each beside its place as it was read, then puts them into their places one by one, each by a
/// rename: advisories below `csaf`, with the hash files beside them. What was verified is what stands there afterwards, and no
/// file is read twice.
///
/// # Errors
///
/// Any file that is refused stops all; the folder cannot be written.
pub fn import(
    folder: &Path,
    sources: &[PathBuf],
    max_age: &BTreeMap<Kind, Duration>,
    older: Older,
    now: Time,
) -> Result<Vec<Imported>, ImportError> {
    let failed = |source| ImportError::Folder { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
    let mut staging = Staging { folder, older, now, staged: Vec::new(), names: BTreeMap::new() };
    let mut refused = Vec::new();
    for file in sources {
        match staging.take(file) {
            Ok(()) => {}
            Err(Trouble::Refused(kind, why)) => refused.push(Refused { file: file.clone(), kind, why }),
            Err(Trouble::Folder(error)) => return Err(failed(error.into())),
        }
    }
    if !refused.is_empty() {
        return Err(ImportError::Refused(refused));
    }
    let staged = staging.staged;
    // a folder may take hundreds of megabytes: what it holds before and after is never in memory at once
    let (before, mut imports) = counted(folder, max_age).map_err(failed)?;
    let mut imported = Vec::new();
    for one in staged {
        imported.push(one.put().map_err(|error| failed(error.into()))?);
    }
    let (after, _) = counted(folder, max_age).map_err(failed)?;
    for one in &imported {
        imports.insert(one.kind, Import { at: now, entries: after[&one.kind], before: before[&one.kind] });
    }
    let register = serde_json::to_vec_pretty(&imports).map_err(|error| failed(error.into()))?;
    stage(&folder.join(REGISTER), &register).and_then(Waiting::put).map_err(|error| failed(error.into()))?;
    Ok(imported)
}

/// How much there is of each kind.
type Entries = BTreeMap<Kind, usize>;
/// When each kind was last imported.
type Imports = BTreeMap<Kind, Import>;

/// How much of each kind a folder holds, and what its register says.
fn counted(folder: &Path, max_age: &BTreeMap<Kind, Duration>) -> Result<(Entries, Imports), FeedError> {
    let shelf = Shelf::load(folder, max_age)?;
    Ok((Kind::ALL.map(|kind| (kind, shelf.entries(kind))).into(), shelf.imports))
}

/// Files on their way into the folder.
struct Staging<'f> {
    folder: &'f Path,
    older: Older,
    now: Time,
    staged: Vec<Staged>,
    /// Which source has taken a place.
    names: BTreeMap<PathBuf, PathBuf>,
}

/// Why a file is not on its way.
enum Trouble {
    /// It is refused.
    Refused(Option<Kind>, String),
    /// The folder cannot be written.
    Folder(std::io::Error),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Folder(error)
    }
}

impl Staging<'_> {
    fn take(&mut self, file: &Path) -> Result<(), Trouble> {
        let read = Content::read(file).map_err(|(kind, error)| Trouble::Refused(kind, error.to_string()))?;
        let no_feed = || Trouble::Refused(None, "this is no feed (.json, .csv, or either with .gz)".into());
        let carried = read.ok_or_else(no_feed)?;
        let (content, kind) = (&carried.content, carried.content.kind());
        let refuse = |why| Err(Trouble::Refused(Some(kind), why));
        let Some(place) = place(self.folder, file, kind) else { return refuse("it has no name".into()) };
        if let Some(other) = self.names.insert(place.clone(), file.to_owned()) {
            return refuse(format!("{} has the same name; import one of them", other.display()));
        }
        if let Some(date) = content.date().filter(|date| *date - self.now > AHEAD) {
            return refuse(format!(
                "its date, {}, lies in the future; look at the file, and at the clock of this host",
                date.format("%Y-%m-%d")
            ));
        }
        if let Some(why) = self.loses(content, &place) {
            return refuse(why);
        }
        let imported = Imported { place: place.clone(), kind, entries: content.entries(), remarks: content.remarks() };
        let parent = place.parent().unwrap_or(self.folder);
        std::fs::create_dir_all(parent)?;
        let hashes = carried.hashes.iter().map(|(ending, text)| stage(&with(&place, ending), text));
        let hashes = hashes.collect::<Result<_, _>>()?;
        self.staged.push(Staged { file: stage(&place, &carried.raw.bytes)?, hashes, imported });
        Ok(())
    }

    /// What would be lost where a file takes the place of another, in words. One that cannot be read is no loss.
    fn loses(&self, new: &Content, place: &Path) -> Option<String> {
        let old = Content::load(place).ok().flatten()?;
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        if old.kind() != new.kind() {
            let kind = old.kind().word();
            return Some(format!("{name} in the folder is of another kind, {kind}; import it under another name"));
        }
        let is_older = match (&old, new) {
            (Content::Csaf(old), Content::Csaf(new)) if (&old.publisher, &old.id) != (&new.publisher, &new.id) => {
                let id = old.shown_id();
                return Some(format!(
                    "{name} in the folder is another advisory, {id}, which would be lost; import it under another name"
                ));
            }
            (Content::Csaf(old), Content::Csaf(new)) => old.replaces(new),
            (old, new) => old.date() > new.date(),
        };
        let day =
            |content: &Content| content.date().map_or("no date".to_owned(), |date| date.format("%Y-%m-%d").to_string());
        let why = || {
            let (ours, theirs) = (day(&old), day(new));
            format!("it is older ({theirs}) than {name} in the folder ({ours}); --older takes it all the same")
        };
        (is_older && self.older == Older::Refused).then(why)
    }
}

fn place(folder: &Path, file: &Path, kind: Kind) -> Option<PathBuf> {
    let name = file.file_name()?;
    Some(if kind == Kind::Csaf { folder.join("csaf").join(name) } else { folder.join(name) })
}

/// A feed that lies whole beside its place, with the hashes that it was held against.
struct Staged {
    file: Waiting,
    hashes: Vec<Waiting>,
    imported: Imported,
}

impl Staged {
    /// Puts it into its place. The hashes of an older file go first: they would speak against the new one.
    fn put(self) -> std::io::Result<Imported> {
        for ending in HASHES {
            match std::fs::remove_file(with(&self.file.place, ending)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file.put()?;
        self.hashes.into_iter().try_for_each(Waiting::put)?;
        Ok(self.imported)
    }
}

/// Bytes that are whole on the disk beside the place that they are for; without being put there they go.
struct Waiting {
    file: tempfile::TempPath,
    place: PathBuf,
}

impl Waiting {
    fn put(self) -> std::io::Result<()> {
        self.file.persist(&self.place).map_err(|error| error.error)?;
        std::fs::File::open(self.place.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Writes beside the place and waits for the disk.
fn stage(place: &Path, bytes: &[u8]) -> std::io::Result<Waiting> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = place.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".import-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    // the daemon may run as somebody else; nothing in a feed is secret
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    // closed, so that thousands of files may wait
    Ok(Waiting { file: file.into_temp_path(), place: place.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Time {
        "2099-06-29T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn one_bad_file_stops_all_and_the_old_one_stays() {
        let (folder, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (kev, bad) = (source.path().join("kev.json"), source.path().join("bad.json"));
        std::fs::write(&kev, include_bytes!("samples/kev.json")).unwrap();
        let import = |files: &[PathBuf]| super::import(folder.path(), files, &BTreeMap::new(), Older::Refused, now());
        assert_eq!(import(std::slice::from_ref(&kev)).unwrap()[0].entries, 2);
        std::fs::write(&bad, "{\"document\": 1}").unwrap();
        std::fs::write(&kev, include_bytes!("samples/kev.json").map(|byte| if byte == b'4' { b'5' } else { byte }))
            .unwrap();
        let error = import(&[kev, bad]).unwrap_err().to_string();
        assert!(error.contains("bad.json"), "{error}");
        assert_eq!(std::fs::read(folder.path().join("kev.json")).unwrap(), include_bytes!("samples/kev.json"));
    }

    #[test]
    fn an_import_is_remembered_so_that_advisories_without_news_stay_current() {
        let (folder, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = source.path().join("nha-2099-001.json");
        std::fs::write(&file, include_bytes!("samples/csaf/nha-2099-001.json")).unwrap();
        let none = BTreeMap::new();
        super::import(folder.path(), &[file], &none, Older::Refused, now()).unwrap();
        let carried = Shelf::load(folder.path(), &none).unwrap();
        assert_eq!((carried.state(Kind::Csaf, now()).word(), carried.imports[&Kind::Csaf].before), ("current", 0));
        assert!(folder.path().join("csaf/nha-2099-001.json").exists());
    }

    /// A folder, and what an import of a text under a name says: the refusal, or nothing.
    fn brought(folder: &Path, name: &str, text: &str, older: Older) -> String {
        let source = tempfile::tempdir().unwrap();
        let file = source.path().join(name);
        std::fs::write(&file, text).unwrap();
        let done = super::import(folder, &[file], &BTreeMap::new(), older, now());
        done.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_file_from_the_future_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("samples/kev.json").replace("\"dateReleased\": \"2099-", "\"dateReleased\": \"2999-");
        let told = brought(folder.path(), "kev.json", &text, Older::Allowed);
        assert!(told.contains("its date, 2999-") && told.contains("lies in the future"), "{told}");
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    }

    #[test]
    fn an_older_file_takes_the_place_of_a_newer_one_only_where_somebody_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let new = include_str!("samples/kev.json");
        let old = new.replace("\"dateReleased\": \"2099-", "\"dateReleased\": \"2098-");
        assert_eq!(brought(folder.path(), "kev.json", new, Older::Refused), "");
        let told = brought(folder.path(), "kev.json", &old, Older::Refused);
        assert!(told.contains("it is older (2098-") && told.contains("--older"), "{told}");
        assert_eq!(std::fs::read_to_string(folder.path().join("kev.json")).unwrap(), new);
        assert_eq!(brought(folder.path(), "kev.json", new, Older::Refused), "");
        assert_eq!(brought(folder.path(), "kev.json", &old, Older::Allowed), "");
        assert_eq!(std::fs::read_to_string(folder.path().join("kev.json")).unwrap(), old);
    }

    #[test]
    fn an_advisory_never_takes_the_place_of_another_or_of_a_later_version_of_itself() {
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("samples/csaf/nha-2099-001.json");
        assert_eq!(brought(folder.path(), "a.json", text, Older::Refused), "");
        let other = brought(folder.path(), "a.json", include_str!("samples/csaf/ex-2099-014.json"), Older::Allowed);
        assert!(other.contains("another advisory, NHA-2099-001"), "{other}");
        let version = Content::load(&folder.path().join("csaf/a.json")).unwrap().unwrap();
        let Content::Csaf(document) = version else { panic!() };
        let old = text.replace(&format!("\"version\": \"{}\"", document.version), "\"version\": \"0\"");
        assert_ne!(old, text);
        let told = brought(folder.path(), "a.json", &old, Older::Refused);
        assert!(told.contains("it is older"), "{told}");
    }

    #[test]
    fn the_hash_that_a_file_was_held_against_comes_with_it_and_an_old_one_goes() {
        use sha2::Digest as _;
        let (folder, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (file, hash) = (source.path().join("kev.json"), source.path().join("kev.json.sha256"));
        std::fs::write(&file, include_bytes!("samples/kev.json")).unwrap();
        let digest = crate::feeds::guard::hex(&sha2::Sha256::digest(include_bytes!("samples/kev.json")));
        std::fs::write(&hash, format!("{digest}  kev.json\n")).unwrap();
        std::fs::write(folder.path().join("kev.json.sha512"), "old").unwrap();
        super::import(folder.path(), &[file], &BTreeMap::new(), Older::Refused, now()).unwrap();
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        assert_eq!(names, [".imports", "kev.json", "kev.json.sha256"]);
    }
}
