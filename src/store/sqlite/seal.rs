//! Digests of rows, so that the chain can vouch for what stands beside it.
//!
//! A number is eight bytes, big-endian. An absent text is a byte 0; a present one is a byte 1, its length in four bytes,
//! big-endian, and itself. Each kind of digest begins with a name of its own.

use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::store::{Digest, StoreError};

const JUDGEMENT: &[u8] = b"nis2watch judgement 1\0";
const ENTRY: &[u8] = b"nis2watch entry 1\0";
const FIRST_SEEN: &[u8] = b"nis2watch first seen 1\0";

/// A digest under construction.
pub(super) struct Sealer(Sha256);

impl Sealer {
    pub(super) fn new(domain: &[u8]) -> Self {
        Self(Sha256::new_with_prefix(domain))
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        self.bytes(&number.to_be_bytes())
    }

    pub(super) fn text(&mut self, text: Option<&str>) -> &mut Self {
        let Some(text) = text else { return self.bytes(&[0]) };
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.bytes(&[1]).bytes(&length.to_be_bytes()).bytes(text.as_bytes())
    }

    pub(super) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// The columns of one judgement, in the order of [`super::rows::COLUMNS`].
pub(super) struct Columns<'a> {
    pub(super) asset: &'a str,
    pub(super) check: &'a str,
    pub(super) zone: &'a str,
    pub(super) version: i64,
    pub(super) severity: &'a str,
    pub(super) controls: &'a str,
    pub(super) state: &'a str,
    pub(super) cause: Option<&'a str>,
    pub(super) since: i64,
    pub(super) first_at: i64,
    pub(super) at: i64,
    pub(super) times: i64,
    pub(super) duration_ms: i64,
    pub(super) reason: &'a str,
    pub(super) observed: &'a str,
    pub(super) expected: &'a str,
    pub(super) params: &'a str,
    pub(super) evidence: &'a str,
}

impl<'a> Columns<'a> {
    pub(super) fn read(row: &'a Row<'_>) -> Result<Self, rusqlite::Error> {
        let text = |at: usize| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_str()?);
        Ok(Self {
            asset: text(0)?,
            check: text(1)?,
            zone: text(2)?,
            version: row.get(3)?,
            severity: text(4)?,
            controls: text(5)?,
            state: text(6)?,
            cause: row.get_ref(7)?.as_str_or_null()?,
            since: row.get(8)?,
            first_at: row.get(9)?,
            at: row.get(10)?,
            times: row.get(11)?,
            duration_ms: row.get(12)?,
            reason: text(13)?,
            observed: text(14)?,
            expected: text(15)?,
            params: text(16)?,
            evidence: text(17)?,
        })
    }

    /// What stays the same as long as the same is observed.
    pub(super) fn judgement(&self) -> Digest {
        let mut seal = Sealer::new(JUDGEMENT);
        for text in [self.asset, self.check, self.zone, self.severity, self.controls, self.state] {
            seal.text(Some(text));
        }
        seal.text(self.cause).number(self.version).number(self.since).number(self.first_at);
        for text in [self.reason, self.observed, self.expected, self.params] {
            seal.text(Some(text));
        }
        seal.finish()
    }

    /// The whole row: the judgement, and what is renewed each time it is seen again.
    pub(super) fn entry(&self, judgement: Digest) -> Digest {
        let mut seal = Sealer::new(ENTRY);
        seal.bytes(&judgement.0).number(self.at).number(self.times).number(self.duration_ms).text(Some(self.evidence));
        seal.finish()
    }
}

/// What a record of the chain says about the judgement that began with it, and about the entry that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bound {
    /// The digest of the new judgement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) judgement: Option<String>,
    /// The digest of the entry that moved to the history.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) ended: Option<String>,
}

impl Bound {
    /// Reads the body of a record; a changed one binds nothing.
    pub(super) fn read(body: Option<&str>) -> Self {
        body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
    }
}

/// The keys of a fact with their first times, as a digest and their number.
pub(super) fn first_seen(connection: &Connection, asset: &str, fact: &str) -> Result<(Digest, i64), StoreError> {
    let mut seal = Sealer::new(FIRST_SEEN);
    seal.text(Some(asset)).text(Some(fact));
    let mut query = connection
        .prepare_cached("SELECT item, first_at FROM first_seen WHERE asset = ?1 AND fact = ?2 ORDER BY item")?;
    let mut found = query.query([asset, fact])?;
    let mut items = 0;
    while let Some(row) = found.next()? {
        seal.text(Some(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)).number(row.get(1)?);
        items += 1;
    }
    Ok((seal.finish(), items))
}
