//! One file of the feed folder: what it is, and what it holds.

use std::borrow::Cow;
use std::path::Path;

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use sha2::{Digest, Sha512};

use super::csaf::Document;
use super::guard::{self, Raw, hex};
use super::{Epss, FeedError, Kev, Kind, Lifecycle};
use crate::model::Time;

/// Endings of the files of hashes that may lie beside a feed.
pub(super) const HASHES: [&str; 2] = [".sha256", ".sha512"];

/// What a file seems to be, where that can be seen, and why it was refused.
type Refusal = (Option<Kind>, FeedError);

/// What one file holds, with the bytes that say so.
pub(super) struct Carried {
    pub(super) content: Content,
    pub(super) raw: Raw,
    /// The hash files beside it that it was held against: ending and text.
    pub(super) hashes: Vec<(&'static str, Vec<u8>)>,
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
    pub fn load(path: &Path) -> Result<Option<Self>, Refusal> {
        Ok(Self::read(path)?.map(|carried| carried.content))
    }

    /// The same, with the file that it was read from.
    pub(super) fn read(path: &Path) -> Result<Option<Carried>, Refusal> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        let is_table = stem.strip_suffix(".csv").is_some();
        if !(is_table || stem.strip_suffix(".json").is_some()) {
            return Ok(None);
        }
        let raw = Raw::read(path).map_err(|error| (None, error))?;
        let text = raw.text();
        let kind = if is_table {
            // the list of a folder of advisories is a table too
            (text.starts_with(b"#") || text.starts_with(b"cve,")).then_some(Kind::Epss)
        } else {
            kind_of(text).map_err(|error| (None, error))?
        };
        let Some(kind) = kind else { return Ok(None) };
        let refused = |error| (Some(kind), error);
        let hashes = hashes(path, &raw).map_err(refused)?;
        let product = stem.strip_suffix(".json").unwrap_or(stem);
        let content = match kind {
            Kind::Csaf => Document::parse(text).map(|document| Self::Csaf(Box::new(document))),
            Kind::Kev => Kev::parse(text).map(Self::Kev),
            Kind::Epss => Epss::parse(text).map(Self::Epss),
            Kind::Endoflife => Lifecycle::parse(text, product).map(Self::Endoflife),
        };
        Ok(Some(Carried { content: content.map_err(refused)?, raw, hashes }))
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

    /// What a person should know of it although it was read.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        match self {
            Self::Csaf(document) if document.is_draft => vec!["it is a draft, which says nothing yet".to_owned()],
            Self::Csaf(_) => Vec::new(),
            Self::Kev(kev) => kev.remarks.clone(),
            Self::Epss(epss) => skipped(epss.skipped, "row"),
            Self::Endoflife(table) => skipped(table.skipped(), "product or release"),
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

fn skipped(count: usize, what: &str) -> Vec<String> {
    let told = format!("{count} times a {what} could not be read and was left out");
    if count == 0 { Vec::new() } else { vec![told] }
}

/// What a JSON file is by its outermost keys; `None` for metadata of a provider. Reading ends at the first key that tells: the
/// file is read as a whole afterwards.
fn kind_of(bytes: &[u8]) -> Result<Option<Kind>, FeedError> {
    guard::survey(bytes)?;
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Ok(Some(Kind::Endoflife));
    }
    let mut keys = Keys::default();
    let read = serde_json::Deserializer::from_slice(bytes).deserialize_map(&mut keys);
    match keys {
        Keys { kind: Some(kind), .. } => Ok(Some(kind)),
        Keys { is_metadata, .. } => {
            read?;
            let neither = || FeedError::Shape("neither CSAF nor KEV nor an endoflife table".into());
            if is_metadata { Ok(None) } else { Err(neither()) }
        }
    }
}

/// What the outermost keys of a file have told so far.
#[derive(Default)]
struct Keys {
    kind: Option<Kind>,
    is_metadata: bool,
}

impl<'de> Visitor<'de> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            self.kind = match &*key {
                "document" => Some(Kind::Csaf),
                "catalogVersion" => Some(Kind::Kev),
                "result" => Some(Kind::Endoflife),
                _ => None,
            };
            if self.kind.is_some() {
                return Err(A::Error::custom("enough was read"));
            }
            self.is_metadata |= matches!(&*key, "feed" | "canonical_url");
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Holds a file against the `.sha256` and `.sha512` beside it, and returns those that there are.
fn hashes(path: &Path, raw: &Raw) -> Result<Vec<(&'static str, Vec<u8>)>, FeedError> {
    let mut found = Vec::new();
    for ending in HASHES {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        let Some(said) = guard::read_beside(Path::new(&beside))? else { continue };
        let digest = if ending == ".sha512" { hex(&Sha512::digest(&raw.bytes)) } else { raw.sha256.clone() };
        let word = std::str::from_utf8(&said).ok().and_then(|text| text.split_whitespace().next());
        if word.is_none_or(|word| !word.eq_ignore_ascii_case(&digest)) {
            return Err(FeedError::Shape(format!("its {} is not the one in the file beside it", &ending[1..])));
        }
        found.push((ending, said));
    }
    Ok(found)
}
