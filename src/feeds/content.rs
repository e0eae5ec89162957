//! One file of the feed folder: what it is, and what it holds.

use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};

use super::csaf::Document;
use super::guard::{self, hex};
use super::{Epss, FeedError, Kev, Kind, Lifecycle};
use crate::model::Time;

/// What a file seems to be, where that can be seen, and why it was refused.
type Refusal = (Option<Kind>, FeedError);

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
        Ok(Self::load_with_digest(path)?.map(|(content, _)| content))
    }

    /// The same, with the digest of the file that was read.
    pub(super) fn load_with_digest(path: &Path) -> Result<Option<(Self, String)>, Refusal> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        let is_table = stem.strip_suffix(".csv").is_some();
        if !(is_table || stem.strip_suffix(".json").is_some()) {
            return Ok(None);
        }
        let (bytes, digest) = guard::read_with_digest(path).map_err(|error| (None, error))?;
        if is_table {
            // the list of a folder of advisories is a table too
            if !bytes.starts_with(b"#") && !bytes.starts_with(b"cve,") {
                return Ok(None);
            }
            check_hash(path).map_err(|error| (Some(Kind::Epss), error))?;
            let list = Epss::parse(&bytes).map_err(|error| (Some(Kind::Epss), error))?;
            return Ok(Some((Self::Epss(list), digest)));
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
        content.map(|content| Some((content, digest))).map_err(|error| (Some(kind), error))
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
