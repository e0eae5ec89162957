//! Where catalogue files come from: the copy inside the binary and extra folders, both laid out alike.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::model::{Problem, Problems};

static BUILTIN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/checks");
/// Name of the built-in folder in messages.
const BUILTIN_NAME: &str = "checks";
/// Largest file that is read; the longest recorded transcript is far smaller.
const MOST_BYTES: u64 = 2 * 1024 * 1024;
/// Most files of one extra folder; a folder with more was given by mistake (`/`).
const MOST_FILES: usize = 20_000;
/// `<pack>/fixtures/<check>/<file>` is the deepest place of a file.
const DEEPEST: usize = 4;

/// One file of a catalogue.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    /// Name for people.
    pub(super) name: PathBuf,
    /// Whether it is part of the binary.
    pub(super) builtin: bool,
    /// What its place says it is.
    pub(super) role: Role,
    /// Its text.
    pub(super) text: Cow<'static, str>,
}

/// What a file is, by its place in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// `facts/<family>/<name>.yaml`
    Fact,
    /// `facts/snmp/products/<name>.yaml`
    Product,
    /// `controls/<any>.yaml`
    Controls,
    /// `<pack>/pack.yaml`
    Pack,
    /// `<pack>/<check>.yaml`
    Check,
    /// `<pack>/fixtures/<check>/<case>.<verdict>.yaml`
    Fixture {
        /// Name of the check.
        check: String,
    },
}

/// Sorts a path below the root of a catalogue; `None` for files that are no part of one.
fn role(relative: &Path) -> Option<Result<Role, String>> {
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let (name, folders) = parts.split_last()?;
    if folders.first().is_some_and(|folder| folder == "data") {
        return None;
    }
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    match extension {
        Some("yaml") => {}
        Some("yml") => return Some(Err("a catalogue file ends in .yaml, not .yml; rename it".into())),
        _ => return None,
    }
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    Some(match folders.as_slice() {
        ["facts", _] => Ok(Role::Fact),
        ["facts", "snmp", "products"] => Ok(Role::Product),
        ["controls"] => Ok(Role::Controls),
        [pack] if *pack != "facts" => Ok(if name == "pack.yaml" { Role::Pack } else { Role::Check }),
        [_, "fixtures", check] => Ok(Role::Fixture { check: (*check).to_owned() }),
        _ => Err("a file has no meaning at this place; use facts/<family>/<name>.yaml, \
                  facts/snmp/products/<name>.yaml, <pack>/<check-id>.yaml, \
                  <pack>/fixtures/<check-id>/<case>.<verdict>.yaml or controls/<name>.yaml"
            .into()),
    })
}

/// All files, those of the binary first, each folder in the order of the names.
pub(super) fn gather(builtin: bool, extra: &[PathBuf], problems: &mut Problems) -> Vec<SourceFile> {
    let mut files = Vec::new();
    if builtin {
        embedded(&BUILTIN, &mut files);
    }
    for folder in extra {
        let mut found = Vec::new();
        match fs::metadata(folder) {
            Ok(about) if about.is_dir() => walk(folder, Path::new(""), &mut found, problems),
            Ok(_) => problems.push(Problem::new(folder, "not a folder; give the folder that holds the packs")),
            Err(error) => problems.push(Problem::new(folder, format!("cannot be read: {error}"))),
        }
        files.extend(found);
    }
    files
}

fn embedded(folder: &Dir<'static>, into: &mut Vec<SourceFile>) {
    for file in folder.files() {
        if let (Some(Ok(role)), Some(text)) = (role(file.path()), file.contents_utf8()) {
            let name = Path::new(BUILTIN_NAME).join(file.path());
            into.push(SourceFile { name, builtin: true, role, text: Cow::Borrowed(text) });
        }
    }
    folder.dirs().for_each(|inside| embedded(inside, into));
}

fn walk(root: &Path, relative: &Path, into: &mut Vec<SourceFile>, problems: &mut Problems) {
    let folder = root.join(relative);
    let mut names = match fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries.into_iter().map(|entry| PathBuf::from(entry.file_name())).collect::<Vec<_>>(),
        Err(error) => return problems.push(Problem::new(folder, format!("cannot be read: {error}"))),
    };
    names.sort();
    for name in names {
        // also the `..data` links of a Kubernetes volume, whose files are linked into the folder itself
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let below = relative.join(&name);
        let whole = root.join(&below);
        match fs::metadata(&whole) {
            Ok(about) if about.is_dir() && below.iter().count() < DEEPEST => walk(root, &below, into, problems),
            Ok(about) if about.is_file() => match role(&below) {
                Some(Ok(_)) if into.len() >= MOST_FILES => {
                    return problems
                        .push(Problem::new(root, format!("more than {MOST_FILES} files: is it the right folder?")));
                }
                Some(Ok(role)) => read(whole, about.len(), role, into, problems),
                Some(Err(message)) => problems.push(Problem::new(whole, message)),
                None => {}
            },
            Ok(_) => {}
            Err(error) => problems.push(Problem::new(whole, format!("cannot be read: {error}"))),
        }
    }
}

fn read(name: PathBuf, length: u64, role: Role, into: &mut Vec<SourceFile>, problems: &mut Problems) {
    if length > MOST_BYTES {
        return problems.push(Problem::new(name, format!("larger than {MOST_BYTES} bytes")));
    }
    match fs::read_to_string(&name) {
        Ok(text) => into.push(SourceFile { name, builtin: false, role, text: Cow::Owned(text) }),
        Err(error) => problems.push(Problem::new(name, format!("cannot be read: {error}"))),
    }
}

/// Files as if they were in an extra folder (`mine/…`) or inside the binary (`checks/…`).
#[cfg(test)]
pub(super) fn written(files: &[(&str, &str)]) -> Vec<SourceFile> {
    let file = |(name, text): &(&str, &str)| {
        let builtin = name.starts_with(BUILTIN_NAME);
        let below: PathBuf = Path::new(name).iter().skip(1).collect();
        let role = role(&below).expect("a YAML file").expect("a place with a meaning");
        SourceFile { name: PathBuf::from(name), builtin, role, text: Cow::Owned((*text).to_owned()) }
    };
    files.iter().map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_file_says_what_it_is() {
        let role = |path: &str| role(Path::new(path));
        assert_eq!(role("facts/linux/sshd.yaml"), Some(Ok(Role::Fact)));
        assert_eq!(role("facts/snmp/products/moxa.yaml"), Some(Ok(Role::Product)));
        assert_eq!(role("linux/ssh-root-login.yaml"), Some(Ok(Role::Check)));
        assert_eq!(role("linux/pack.yaml"), Some(Ok(Role::Pack)));
        let fixture = Role::Fixture { check: "a".into() };
        assert_eq!(role("linux/fixtures/a/b.pass.yaml"), Some(Ok(fixture)));
        assert_eq!(role("data/endoflife.json"), None);
        assert_eq!(role("linux/README.md"), None);
        assert!(role("facts/sshd.yaml").unwrap().is_err());
        assert!(role("linux/a.yml").unwrap().is_err());
        assert!(role("pack.yaml").unwrap().is_err());
    }

    #[test]
    fn an_extra_folder_that_is_missing_or_a_file_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        fs::write(&file, "x").unwrap();
        let mut problems = Problems::new();
        gather(false, &[folder.path().join("gone"), file], &mut problems);
        assert_eq!(problems.len(), 2, "{problems}");
    }
}
