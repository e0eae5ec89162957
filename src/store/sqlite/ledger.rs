//! The chain: each record holds the digest of the one before, so that a change of the past shows.
//!
//! Inside one file a chain only shows careless changes: who can write the file can also compute it anew. So its
//! head is to be kept elsewhere, and a noted head proves everything before it.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::results::{cap, conditions};
use super::rows::{self, micros};
use super::seal::{Bound, Columns, Sealer};
use crate::model::{AssetId, Cause, Time, Transition, Verdict};
use crate::store::{Act, ActRecord, ChainRecord, Change, Digest, Filter, Head, LedgerRecord, StoreError};

/// Separates these digests from all others, and names the encoding.
const DOMAIN: &[u8] = b"nis2watch ledger 1\0";
/// What comes before the first record.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// A change of state.
pub(super) const TRANSITION: &str = "transition";
/// Something else was observed, the state is the same.
pub(super) const JUDGEMENT: &str = "judgement";
/// A pair that is no longer in the plan.
pub(super) const LEFT: &str = "left";
/// What a person did.
pub(super) const ACT: &str = "act";
/// A host key was trusted on first contact.
pub(super) const KEY_LEARNT: &str = "host_key.learnt";
/// The keys of an asset were forgotten.
pub(super) const KEYS_FORGOTTEN: &str = "host_key.forgotten";
/// The keys of a fact, or their first times, are others than before.
pub(super) const FIRST_SEEN: &str = "first_seen";
/// The whole state at one moment.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// From here on the chain vouches for what an older store kept beside it.
pub(super) const ADOPTED: &str = "adopted";
/// What the kind of an act about a flag begins with.
pub(super) const FLAG: &str = "flag.";

pub(super) const FIELDS: &str =
    "kind, at, asset, zone, check_id, severity, from_state, from_cause, to_state, to_cause, reason, actor, body";
/// Most text of an act.
const ACT_CAP: usize = 64 * 1024;

/// One thing that happened, as it is digested.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Event {
    pub(super) kind: String,
    pub(super) at: i64,
    pub(super) asset: String,
    zone: String,
    pub(super) check: String,
    severity: String,
    from: [Option<String>; 2],
    pub(super) to: [Option<String>; 2],
    pub(super) reason: String,
    /// Who did it and what else there is to it; records of older stores may have neither.
    pub(super) act: [Option<String>; 2],
}

impl Event {
    /// A change of verdict.
    pub(super) fn of(transition: &Transition, bound: &Bound) -> Self {
        Self {
            kind: TRANSITION.into(),
            at: micros(transition.at),
            asset: transition.asset.to_string(),
            zone: transition.zone.to_string(),
            check: transition.check.to_string(),
            severity: transition.severity.word().into(),
            from: transition.from.map_or([None, None], words),
            to: words(transition.to),
            reason: transition.reason.clone(),
            act: [None, Some(rows::json(bound))],
        }
    }

    /// Another judgement of the same state; what was observed is in the row that the digest binds.
    pub(super) fn judgement(row: &Columns<'_>, from: Verdict, bound: &Bound) -> Self {
        Self {
            kind: JUDGEMENT.into(),
            at: row.at,
            asset: row.asset.into(),
            zone: row.zone.into(),
            check: row.check.into(),
            severity: row.severity.into(),
            from: words(from),
            to: [Some(row.state.into()), row.cause.map(Into::into)],
            act: [None, Some(rows::json(bound))],
            ..Self::default()
        }
    }

    /// A host key that was trusted on first contact.
    pub(super) fn key_learnt(asset: &str, endpoint: &str, fingerprint: &str, at: i64) -> Self {
        let act = [None, Some(fingerprint.into())];
        Self { kind: KEY_LEARNT.into(), at, asset: asset.into(), check: endpoint.into(), act, ..Self::default() }
    }

    /// Its keys are no longer trusted.
    pub(super) fn keys_forgotten(asset: &AssetId, actor: &str, now: Time) -> Self {
        let act = [Some(actor.into()), None];
        Self { kind: KEYS_FORGOTTEN.into(), at: micros(now), asset: asset.to_string(), act, ..Self::default() }
    }

    /// The keys of a fact as they are now.
    pub(super) fn first_seen(asset: &str, fact: &str, (digest, items): (Digest, i64), at: i64) -> Self {
        let body = serde_json::json!({ "digest": digest.to_string(), "items": items });
        let act = [None, Some(body.to_string())];
        Self { kind: FIRST_SEEN.into(), at, asset: asset.into(), check: fact.into(), act, ..Self::default() }
    }

    /// A small setting, such as the kill switch, as an act of a person; `name` begins with [`FLAG`].
    pub(super) fn flag(name: &str, value: &str, actor: &str, at: i64) -> Self {
        let act = [Some(actor.into()), Some("{}".into())];
        Self { kind: ACT.into(), at, asset: value.into(), check: name.into(), act, ..Self::default() }
    }

    /// A record about the store as a whole.
    pub(super) fn whole(kind: &str, body: &impl Serialize, at: i64) -> Self {
        Self { kind: kind.into(), at, act: [None, Some(rows::json(body))], ..Self::default() }
    }

    /// What a person did.
    pub(super) fn act(act: &Act) -> Self {
        Self {
            kind: ACT.into(),
            at: micros(act.at),
            asset: act.subject.clone(),
            zone: String::new(),
            check: act.kind.clone(),
            severity: String::new(),
            from: [None, None],
            to: [None, None],
            reason: act.reason.clone(),
            act: [Some(act.actor.clone()), Some(act.body.clone())],
        }
    }

    /// A pair that is no longer in the plan: leaving a failing check out must not go unseen.
    pub(super) fn left(pair: &Columns<'_>, bound: &Bound, now: Time) -> Self {
        Self {
            kind: LEFT.into(),
            at: micros(now),
            asset: pair.asset.into(),
            zone: pair.zone.into(),
            check: pair.check.into(),
            severity: pair.severity.into(),
            from: [Some(pair.state.into()), pair.cause.map(Into::into)],
            reason: "no longer in the plan".into(),
            act: [None, Some(rows::json(bound))],
            ..Self::default()
        }
    }

    /// Reads [`FIELDS`].
    pub(super) fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            kind: row.get(0)?,
            at: row.get(1)?,
            asset: row.get(2)?,
            zone: row.get(3)?,
            check: row.get(4)?,
            severity: row.get(5)?,
            from: [row.get(6)?, row.get(7)?],
            to: [row.get(8)?, row.get(9)?],
            reason: row.get(10)?,
            act: [row.get(11)?, row.get(12)?],
        })
    }

    /// SHA-256 over domain, previous digest, number, time and every text, as [`super::seal`] writes them. Actor and body come
    /// last, where there is one of them.
    pub(super) fn digest(&self, seq: i64, previous: &[u8]) -> Digest {
        let mut seal = Sealer::new(DOMAIN);
        seal.bytes(previous).number(seq).number(self.at);
        for text in [&self.kind, &self.asset, &self.zone, &self.check, &self.severity] {
            seal.text(Some(text));
        }
        for text in self.from.iter().chain(&self.to) {
            seal.text(text.as_deref());
        }
        seal.text(Some(&self.reason));
        if self.act.iter().any(Option::is_some) {
            self.act.iter().for_each(|text| _ = seal.text(text.as_deref()));
        }
        seal.finish()
    }
}

fn words(verdict: Verdict) -> [Option<String>; 2] {
    [Some(verdict.word().into()), verdict.cause().map(|cause: Cause| cause.word().into())]
}

/// Adds one record, in the transaction of what it tells about; returns its number.
pub(super) fn append(connection: &Connection, event: &Event) -> Result<i64, StoreError> {
    let last = last(connection)?;
    let (seq, previous) = last.map_or((1, GENESIS), |head| (stored_seq(head.seq) + 1, head.digest.0));
    let digest = event.digest(seq, &previous);
    connection
        .prepare_cached(&format!(
            "INSERT INTO ledger (seq, {FIELDS}, prev_digest, digest) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        ))?
        .execute(params![
            seq,
            event.kind,
            event.at,
            event.asset,
            event.zone,
            event.check,
            event.severity,
            event.from[0],
            event.from[1],
            event.to[0],
            event.to[1],
            event.reason,
            event.act[0],
            event.act[1],
            previous,
            digest.0
        ])?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO ledger_head (one, seq, digest) VALUES (1, ?1, ?2)")?
        .execute(params![seq, digest.0])?;
    Ok(seq)
}

/// The head that was noted beside the chain, which outlives a cut of the chain's tail.
pub(super) fn head(connection: &Connection) -> Result<Option<Head>, StoreError> {
    one_head(connection, "SELECT seq, digest FROM ledger_head")
}

pub(super) fn last(connection: &Connection) -> Result<Option<Head>, StoreError> {
    one_head(connection, "SELECT seq, digest FROM ledger ORDER BY seq DESC LIMIT 1")
}

fn one_head(connection: &Connection, sql: &str) -> Result<Option<Head>, StoreError> {
    let found = connection
        .prepare_cached(sql)?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    found.map(|(seq, digest)| Ok(Head { seq: seq.unsigned_abs(), digest: as_digest(&digest)? })).transpose()
}

fn as_digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    let whole = bytes.try_into().map_err(|_| rows::unreadable("digest", "not 32 bytes"))?;
    Ok(Digest(whole))
}

pub(super) fn stored_seq(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn transitions(
    connection: &Connection,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<LedgerRecord>, StoreError> {
    let (conditions, bound) = conditions(filter, "to_state");
    let before = filter.before.map_or(i64::MAX, stored_seq);
    let sql = format!(
        "SELECT {FIELDS}, seq, digest FROM ledger WHERE kind = '{TRANSITION}' AND {conditions} AND seq < {before} \
         ORDER BY seq DESC LIMIT {}",
        cap(limit)
    );
    let mut query = connection.prepare(&sql)?;
    let mut found = query.query(rusqlite::params_from_iter(&bound))?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let digest: Vec<u8> = row.get(14)?;
        all.push(LedgerRecord {
            seq: row.get::<_, i64>(13)?.unsigned_abs(),
            digest: as_digest(&digest)?,
            transition: as_transition(&Event::read(row)?)?,
        });
    }
    Ok(all)
}

/// Changes of pairs since a moment, and the last one of each before it.
pub(super) fn changes(connection: &Connection, from: Time) -> Result<Vec<Change>, StoreError> {
    let sql = format!(
        "SELECT {FIELDS}, seq, digest FROM ledger WHERE kind IN ('{TRANSITION}', '{LEFT}') AND (at >= ?1 OR seq IN \
         (SELECT max(seq) FROM ledger WHERE kind IN ('{TRANSITION}', '{LEFT}') AND at < ?1 GROUP BY asset, check_id)) \
         ORDER BY seq"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut found = query.query([micros(from)])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let digest: Vec<u8> = row.get(14)?;
        let event = Event::read(row)?;
        all.push(Change {
            seq: row.get::<_, i64>(13)?.unsigned_abs(),
            digest: as_digest(&digest)?,
            asset: rows::parsed(&event.asset, "asset")?,
            zone: rows::parsed(&event.zone, "zone")?,
            check: rows::parsed(&event.check, "check_id")?,
            severity: rows::severity(&event.severity)?,
            from: state(&event.from)?,
            to: state(&event.to)?,
            at: rows::time(event.at, "at")?,
            reason: event.reason,
        });
    }
    Ok(all)
}

pub(super) fn state([state, cause]: &[Option<String>; 2]) -> Result<Option<Verdict>, StoreError> {
    state.as_deref().map(|state| rows::verdict(state, cause.as_deref())).transpose()
}

fn as_transition(event: &Event) -> Result<Transition, StoreError> {
    Ok(Transition {
        asset: rows::parsed(&event.asset, "asset")?,
        zone: rows::parsed(&event.zone, "zone")?,
        check: rows::parsed(&event.check, "check_id")?,
        severity: rows::severity(&event.severity)?,
        from: state(&event.from)?,
        to: state(&event.to)?.ok_or_else(|| rows::unreadable("to_state", "nothing"))?,
        reason: event.reason.clone(),
        at: rows::time(event.at, "at")?,
    })
}

/// Adds what a person did.
pub(super) fn act(connection: &Connection, act: &Act) -> Result<Head, StoreError> {
    let found = [&act.kind, &act.subject, &act.actor, &act.reason, &act.body].into_iter().map(String::len).sum();
    if found > ACT_CAP {
        return Err(StoreError::TooLong { found, most: ACT_CAP });
    }
    append(connection, &Event::act(act))?;
    last(connection)?.ok_or_else(|| rows::unreadable("seq", "nothing after an act"))
}

pub(super) fn acts(connection: &Connection, after: u64) -> Result<Vec<ActRecord>, StoreError> {
    let sql = format!("SELECT {FIELDS}, seq, digest FROM ledger WHERE kind = '{ACT}' AND seq > ?1 ORDER BY seq");
    let mut query = connection.prepare_cached(&sql)?;
    let mut found = query.query([stored_seq(after)])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let Event { at, asset, check, reason, act, .. } = Event::read(row)?;
        let [Some(actor), Some(body)] = act else { return Err(rows::unreadable("actor", "nothing")) };
        let digest: Vec<u8> = row.get(14)?;
        all.push(ActRecord {
            seq: row.get::<_, i64>(13)?.unsigned_abs(),
            digest: as_digest(&digest)?,
            act: Act { kind: check, subject: asset, actor, reason, body, at: rows::time(at, "at")? },
        });
    }
    Ok(all)
}

/// The chain behind a number, record by record as it is digested.
pub(super) fn chain(connection: &Connection, after: u64, limit: usize) -> Result<Vec<ChainRecord>, StoreError> {
    let sql = format!("SELECT {FIELDS}, seq, prev_digest, digest FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut query = connection.prepare_cached(&sql)?;
    let mut found = query.query(params![stored_seq(after), cap(limit)])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let Event { kind, at, asset, zone, check, severity, from, to, reason, act } = Event::read(row)?;
        let [from_state, from_cause] = from;
        let [to_state, to_cause] = to;
        let [actor, body] = act;
        let seq = row.get::<_, i64>(13)?.unsigned_abs();
        let prev = as_digest(&row.get::<_, Vec<u8>>(14)?)?.to_string();
        let digest = as_digest(&row.get::<_, Vec<u8>>(15)?)?.to_string();
        all.push(ChainRecord {
            seq,
            at,
            kind,
            asset,
            zone,
            check,
            severity,
            from_state,
            from_cause,
            to_state,
            to_cause,
            reason,
            actor,
            body,
            prev,
            digest,
        });
    }
    Ok(all)
}
