//! Bringing files into the feed folder: all of them are read as a whole first, then put in place one by one, each by a rename.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// Verifies all files, then puts each into the folder under its own name: advisories below `csaf`, with the hash files beside
/// them. A file of the same name is replaced by a rename, so that the old one stays until the new one is whole on the disk.
///
/// # Errors
///
/// Any file that is refused stops all; the folder cannot be written.
pub fn import(
    folder: &Path,
    sources: &[PathBuf],
    max_age: &BTreeMap<Kind, Duration>,
    now: Time,
) -> Result<Vec<Imported>, ImportError> {
    let failed = |source| ImportError::Folder { folder: folder.to_owned(), source };
    let (mut planned, mut refused) = (Vec::new(), Vec::new());
    let mut names: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for file in sources {
        let refuse = |kind, why| Refused { file: file.clone(), kind, why };
        match Content::load(file) {
            Ok(Some(content)) => {
                let Some(place) = place(folder, file, content.kind()) else { continue };
                if let Some(other) = names.insert(place.clone(), file.clone()) {
                    let why = format!("{} has the same name; import one of them", other.display());
                    refused.push(refuse(Some(content.kind()), why));
                }
                planned.push((file, Imported { place, kind: content.kind(), entries: content.entries() }));
            }
            Ok(None) => refused.push(refuse(None, "this is no feed (.json, .csv, or either with .gz)".into())),
            Err((kind, error)) => refused.push(refuse(kind, error.to_string())),
        }
    }
    if !refused.is_empty() {
        return Err(ImportError::Refused(refused));
    }
    std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
    let before = Shelf::load(folder, max_age).map_err(failed)?;
    for (from, one) in &planned {
        put(from, &one.place).map_err(|error| failed(error.into()))?;
    }
    let after = Shelf::load(folder, max_age).map_err(failed)?;
    let mut imports = before.imports.clone();
    for (_, one) in &planned {
        let (entries, before) = (after.entries(one.kind), before.entries(one.kind));
        imports.insert(one.kind, Import { at: now, entries, before });
    }
    let register = serde_json::to_vec_pretty(&imports).map_err(|error| failed(error.into()))?;
    write(&folder.join(REGISTER), &register).map_err(|error| failed(error.into()))?;
    Ok(planned.into_iter().map(|(_, one)| one).collect())
}

fn place(folder: &Path, file: &Path, kind: Kind) -> Option<PathBuf> {
    let name = file.file_name()?;
    Some(if kind == Kind::Csaf { folder.join("csaf").join(name) } else { folder.join(name) })
}

/// Copies a file and the hashes beside it. The hashes of an older file go first: they would speak against the new one.
fn put(from: &Path, to: &Path) -> std::io::Result<()> {
    let bytes = std::fs::read(from)?;
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    for ending in [".sha256", ".sha512"] {
        let (theirs, ours) = (with(from, ending), with(to, ending));
        if theirs != ours && ours.exists() {
            std::fs::remove_file(&ours)?;
        }
    }
    write(to, &bytes)?;
    for ending in [".sha256", ".sha512"] {
        let (theirs, ours) = (with(from, ending), with(to, ending));
        if theirs.exists() {
            write(&ours, &std::fs::read(&theirs)?)?;
        }
    }
    Ok(())
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Writes beside the place, waits for the disk, and renames.
fn write(to: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = to.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".import-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    // the daemon may run as somebody else; nothing in a feed is secret
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(to).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
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
        let import = |files: &[PathBuf]| super::import(folder.path(), files, &BTreeMap::new(), now());
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
        super::import(folder.path(), &[file], &none, now()).unwrap();
        let carried = Shelf::load(folder.path(), &none).unwrap();
        assert_eq!((carried.state(Kind::Csaf, now()).word(), carried.imports[&Kind::Csaf].before), ("current", 0));
        assert!(folder.path().join("csaf/nha-2099-001.json").exists());
    }
}
