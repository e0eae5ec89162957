//! Where assets come from: asset files, directories, Prometheus target lists.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use url::Url;

use super::asset_file::{self, Found};
use super::{Fetched, csv, targets};
use crate::model::Problems;
use crate::model::document::{Document, Node, Step};

/// Longest file; 10,000 assets are about 5 MiB.
const LONGEST_FILE: u64 = 64 << 20;
/// Files of one directory or pattern.
const MOST_FILES: usize = 10_000;
/// Endings of asset files in a directory.
const ENDINGS: [&str; 4] = ["yaml", "yml", "json", "csv"];

/// One entry of `inventory:`.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// An asset file, or a directory of them; a table when it ends in `.csv`.
    File(PathBuf),
    /// Target lists in files; the file name may hold one `*`.
    FileSd(PathBuf),
    /// A target list over HTTP.
    HttpSd(HttpSource),
}

/// Where a target list is fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSource {
    /// `http://` or `https://`, without user and password.
    pub url: Url,
    /// Longest wait for the whole answer.
    pub timeout: Duration,
    /// Time between two fetches.
    pub refresh: Duration,
    /// Certificates (PEM) that an `https` server is trusted by.
    pub ca: Option<PathBuf>,
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = Source;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file name, or {file: …}, {file_sd: …} or {http_sd: …}")
            }
            fn visit_str<E>(self, text: &str) -> Result<Source, E> {
                Ok(Source::File(text.into()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                Fields::deserialize(MapAccessDeserializer::new(map))?.source().map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_any(Entry)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    file: Option<PathBuf>,
    file_sd: Option<PathBuf>,
    http_sd: Option<String>,
    #[serde(default, with = "humantime_serde")]
    timeout: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    refresh: Option<Duration>,
    ca: Option<PathBuf>,
    /// Read from the document, where its places are known.
    #[serde(rename = "defaults")]
    _defaults: Option<serde::de::IgnoredAny>,
}

impl Fields {
    fn source(self) -> Result<Source, String> {
        let http_only = self.timeout.is_some() || self.refresh.is_some() || self.ca.is_some();
        match (self.file, self.file_sd, self.http_sd) {
            (Some(_), None, None) | (None, Some(_), None) if http_only => {
                Err("timeout, refresh and ca belong to http_sd".into())
            }
            (Some(file), None, None) => Ok(Source::File(file)),
            (None, Some(files), None) => Ok(Source::FileSd(files)),
            (None, None, Some(url)) => {
                let timeout = self.timeout.unwrap_or(Duration::from_secs(10));
                let refresh = self.refresh.unwrap_or(Duration::from_mins(5));
                Ok(Source::HttpSd(HttpSource {
                    url: parse_url(&url, self.ca.is_some())?,
                    timeout,
                    refresh,
                    ca: self.ca,
                }))
            }
            _ => Err("a source has exactly one of the keys file, file_sd and http_sd".into()),
        }
    }
}

fn parse_url(text: &str, has_ca: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("this is no URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with user or password would put a secret into this file".into());
    }
    match url.scheme() {
        "http" if !has_ca => Ok(url),
        "http" => Err("ca belongs to https".into()),
        "https" if has_ca => Ok(url),
        "https" => Err("https needs ca: FILE with the certificates (PEM) that the server is trusted by".into()),
        _ => Err("only http and https are known here".into()),
    }
}

impl Source {
    /// The target files of a `file_sd` entry as they are now; those of other sources are read at a reload only.
    #[must_use]
    pub fn target_files(&self, base: &Path) -> Vec<PathBuf> {
        match self {
            Self::FileSd(pattern) => matching(&base.join(pattern)).unwrap_or_default(),
            Self::File(_) | Self::HttpSd(_) => Vec::new(),
        }
    }
}

/// How a file becomes a list of assets.
type Parse = fn(&Path, &mut Problems) -> Result<Option<Document>, String>;

/// Reads the assets of all sources. `base` is the directory of the configuration; `document` is the configuration. The second
/// value tells whether every file could be read, so that nobody is called missing who may stand in one that could not.
pub(super) fn read(
    sources: &[Source],
    base: &Path,
    document: &Document,
    fetched: &Fetched,
    problems: &mut Problems,
) -> (Vec<Found>, bool) {
    let (mut found, mut complete) = (Vec::new(), true);
    for (at, source) in sources.iter().enumerate() {
        let path = [Step::from("inventory"), Step::Index(at)];
        let defaults = document.root.at(&path).and_then(|node| node.get("defaults"));
        let (files, parse): (_, Parse) = match source {
            Source::File(file) => (asset_files(&base.join(file)), asset_document),
            Source::FileSd(pattern) => (matching(&base.join(pattern)), target_document),
            Source::HttpSd(source) => {
                if let Some(text) = fetched.get(source.url.as_str()) {
                    let one = parse_targets(Path::new(source.url.as_str()), text, problems);
                    complete &= one.is_some();
                    found.extend(one.into_iter().flat_map(|one| read_document(one, base, defaults, problems)));
                }
                continue;
            }
        };
        let files = files.unwrap_or_else(|message| {
            problems.push(document.wrong(&path, message));
            complete = false;
            Vec::new()
        });
        for file in files {
            let one = parse(&file, problems).unwrap_or_else(|message| {
                problems.push(document.wrong(&path, message));
                None
            });
            complete &= one.is_some();
            found.extend(one.into_iter().flat_map(|one| read_document(one, base, defaults, problems)));
        }
    }
    (found, complete)
}

fn read_document(document: Document, base: &Path, defaults: Option<&Node>, problems: &mut Problems) -> Vec<Found> {
    let beside = document.file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(base);
    let beside: Arc<Path> = Arc::from(beside);
    let Document { file, mut root } = document;
    let nodes = root.take_items();
    let document = Arc::new(Document { file, root });
    let read = |(index, node)| asset_file::read(&document, index, node, defaults, &beside, problems);
    nodes.into_iter().filter_map(read).collect()
}

fn asset_document(file: &Path, problems: &mut Problems) -> Result<Option<Document>, String> {
    let text = read_text(file)?;
    if file.extension().is_some_and(|ending| ending == "csv") {
        return Ok(Some(csv::parse(file, &text, problems)));
    }
    let Some(mut document) = Document::parse(file, &text, problems) else { return Ok(None) };
    if let Some(list) = document.root.get("assets") {
        for entry in document.root.entries().iter().filter(|entry| entry.key != "assets") {
            let problem = document.wrong_at(&entry.place, &entry.key, format!("unknown key {:?}", entry.key));
            problems.push(problem.hint("an asset file is a list of assets, or has the one key assets:"));
        }
        document.root = list.clone();
    }
    if !document.root.is_list_or_null() {
        problems.push(document.wrong(&[], "an asset file is a list of assets").hint("begin each with: - id: NAME"));
        return Ok(None);
    }
    Ok(Some(document))
}

fn target_document(file: &Path, problems: &mut Problems) -> Result<Option<Document>, String> {
    let text = read_text(file)?;
    Ok(parse_targets(file, &text, problems))
}

fn parse_targets(file: &Path, text: &str, problems: &mut Problems) -> Option<Document> {
    let document = Document::parse(file, text, problems)?;
    Some(targets::assets(&document, problems))
}

/// A text file, bounded.
pub(super) fn read_text(file: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", file.display());
    if !std::fs::metadata(file).map_err(failed)?.is_file() {
        return Err(format!("{} is not a regular file", file.display()));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file).map_err(failed)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(format!("{} is longer than 64 MiB", file.display()));
    }
    String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8 text", file.display()))
}

/// The file itself, or the asset files of a directory in the order of their names.
fn asset_files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let wanted =
        |name: &str| name.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && ENDINGS.contains(&end));
    let files = list(path, wanted)?;
    if files.is_empty() {
        return Err(format!("{} holds no asset file ({})", path.display(), ENDINGS.join(", ")));
    }
    Ok(files)
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else { return Ok(vec![pattern.to_owned()]) };
    let fits =
        |name: &str| name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
    list(pattern.parent().unwrap_or_else(|| Path::new(".")), fits)
}

fn list(directory: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("cannot list {}: {error}", directory.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)?.take(MOST_FILES) {
        let path = entry.map_err(failed)?.path();
        // Kubernetes keeps the old copies of a mounted file in directories that start with two dots
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with('.') && wanted(name) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
