//! The chain: each record holds the digest of the one before, so that a change of the past shows.
//!
//! Inside one file a chain only shows careless changes: who can write the file can also compute it anew. So its
//! head is to be kept elsewhere, and a noted head proves everything before it.

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest as _, Sha256};

use super::baselines;
use super::results::{cap, conditions};
use super::rows::{self, micros};
use crate::model::{Cause, Time, Transition};
use crate::store::{Act, ActRecord, Break, Digest, Filter, Head, Latest, LedgerRecord, StoreError, Verification};

/// Separates these digests from all others, and names the encoding.
const DOMAIN: &[u8] = b"nis2watch ledger 1\0";
/// What comes before the first record.
const GENESIS: [u8; 32] = [0; 32];
/// A broken chain is told by its first places; one edit breaks all that follows.
const MOST_BREAKS: usize = 20;

const TRANSITION: &str = "transition";
const LEFT: &str = "left";
const ACT: &str = "act";
const FIELDS: &str =
    "kind, at, asset, zone, check_id, severity, from_state, from_cause, to_state, to_cause, reason, actor, body";
/// Most text of an act.
const ACT_CAP: usize = 64 * 1024;

/// One thing that happened, as it is digested.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    kind: String,
    at: i64,
    asset: String,
    zone: String,
    check: String,
    severity: String,
    from: [Option<String>; 2],
    to: [Option<String>; 2],
    reason: String,
    /// Who did it and what else there is to it; only acts of persons have either.
    act: [Option<String>; 2],
}

impl Event {
    /// A change of verdict.
    pub(super) fn of(transition: &Transition) -> Self {
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
            act: [None, None],
        }
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
    pub(super) fn left(pair: &Latest, zone: &str, severity: &str, now: Time) -> Self {
        Self {
            kind: LEFT.into(),
            at: micros(now),
            asset: pair.asset.to_string(),
            zone: zone.into(),
            check: pair.check.to_string(),
            severity: severity.into(),
            from: words(pair.verdict),
            to: [None, None],
            reason: "no longer in the plan".into(),
            act: [None, None],
        }
    }

    /// Reads [`FIELDS`].
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
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

    /// SHA-256 over domain, previous digest, number, time and every text with its length before it; an absent
    /// text is a byte 0, a present one a byte 1, its length in four bytes, big-endian, and itself. Actor and body come last,
    /// where there are any.
    fn digest(&self, seq: i64, previous: &[u8]) -> Digest {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(previous);
        hash.update(seq.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        let texts = [&self.kind, &self.asset, &self.zone, &self.check, &self.severity].map(Some).into_iter();
        let states = [&self.from[0], &self.from[1], &self.to[0], &self.to[1]].map(Option::as_ref);
        let is_act = self.act.iter().any(Option::is_some);
        let act = self.act.iter().map(Option::as_ref).filter(|_| is_act);
        for text in texts.chain(states).chain([Some(&self.reason)]).chain(act) {
            hash.update([u8::from(text.is_some())]);
            if let Some(text) = text {
                hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                hash.update(text.as_bytes());
            }
        }
        Digest(hash.finalize().into())
    }
}

fn words(verdict: crate::model::Verdict) -> [Option<String>; 2] {
    [Some(verdict.word().into()), verdict.cause().map(|cause: Cause| cause.word().into())]
}

/// Adds one record, in the transaction of what it tells about.
pub(super) fn append(connection: &Connection, event: &Event) -> Result<(), StoreError> {
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
    Ok(())
}

/// The head that was noted beside the chain, which outlives a cut of the chain's tail.
pub(super) fn head(connection: &Connection) -> Result<Option<Head>, StoreError> {
    one_head(connection, "SELECT seq, digest FROM ledger_head")
}

fn last(connection: &Connection) -> Result<Option<Head>, StoreError> {
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

fn stored_seq(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(super) fn transitions(
    connection: &Connection,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<LedgerRecord>, StoreError> {
    let (conditions, bound) = conditions(filter, "to_state");
    let sql = format!(
        "SELECT {FIELDS}, seq, digest FROM ledger WHERE kind = '{TRANSITION}' AND {conditions} ORDER BY seq DESC LIMIT {}",
        cap(limit)
    );
    let mut query = connection.prepare_cached(&sql)?;
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

fn as_transition(event: &Event) -> Result<Transition, StoreError> {
    let verdict = |[state, cause]: &[Option<String>; 2]| {
        state.as_deref().map(|state| rows::verdict(state, cause.as_deref())).transpose()
    };
    Ok(Transition {
        asset: rows::parsed(&event.asset, "asset")?,
        zone: rows::parsed(&event.zone, "zone")?,
        check: rows::parsed(&event.check, "check_id")?,
        severity: rows::severity(&event.severity)?,
        from: verdict(&event.from)?,
        to: verdict(&event.to)?.ok_or_else(|| rows::unreadable("to_state", "nothing"))?,
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

/// Walks the chain at one moment, while the writer goes on.
pub(super) fn verify(connection: &Connection, anchor: Option<Head>) -> Result<Verification, StoreError> {
    if !connection.is_autocommit() {
        return walk(connection, anchor);
    }
    let moment = connection.unchecked_transaction()?;
    walk(&moment, anchor)
}

fn walk(connection: &Connection, anchor: Option<Head>) -> Result<Verification, StoreError> {
    let mut found = Verification { records: 0, head: None, breaks: Vec::new() };
    let sql = format!("SELECT {FIELDS}, seq, prev_digest, digest FROM ledger ORDER BY seq");
    let mut query = connection.prepare(&sql)?;
    let mut chain = query.query([])?;
    while let Some(row) = chain.next()? {
        let (seq, previous, stored): (i64, Vec<u8>, Vec<u8>) = (row.get(13)?, row.get(14)?, row.get(15)?);
        let before = found.head.map_or((0, GENESIS), |head| (stored_seq(head.seq), head.digest.0));
        if seq != before.0 + 1 {
            found.note(before.0 + 1, format!("missing: the next one is {seq}"));
        }
        if previous != before.1 {
            found.note(seq, "does not follow the record before it");
        }
        let digest = Event::read(row)?.digest(seq, &previous);
        if stored != digest.0 {
            found.note(seq, "was changed: its content does not give its digest");
        }
        let head = Head { seq: seq.unsigned_abs(), digest: Digest(stored.try_into().unwrap_or(GENESIS)) };
        if anchor.is_some_and(|anchor| anchor.seq == head.seq && anchor.digest != head.digest) {
            found.note(seq, "differs from the head that was noted elsewhere: the past was rewritten");
        }
        (found.records, found.head) = (found.records + 1, Some(head));
    }
    let last = found.head.map_or(0, |head| head.seq);
    for (noted, where_noted) in [(head(connection)?, "in the store"), (anchor, "elsewhere")] {
        if let Some(noted) = noted.filter(|noted| noted.seq > last) {
            found.note(stored_seq(last) + 1, format!("missing: the head noted {where_noted} is record {}", noted.seq));
        }
    }
    compare_latest(connection, &mut found)?;
    baselines::differing(connection)?.into_iter().for_each(|(seq, problem)| found.note(seq, problem));
    Ok(found)
}

/// A verdict that was changed beside the chain.
fn compare_latest(connection: &Connection, found: &mut Verification) -> Result<(), StoreError> {
    let mut query = connection.prepare(
        "SELECT latest.asset, latest.check_id, latest.state, ledger.to_state, ledger.seq FROM latest LEFT JOIN ledger \
         ON ledger.seq = 
           (SELECT max(seq) FROM ledger WHERE asset = latest.asset AND check_id = latest.check_id AND kind <> 'act') \
         WHERE ledger.to_state IS NOT latest.state LIMIT 20",
    )?;
    let mut differing = query.query([])?;
    while let Some(row) = differing.next()? {
        let (asset, check, state): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let last: Option<String> = row.get(3)?;
        let said = last.unwrap_or_else(|| "no record".into());
        let seq: Option<i64> = row.get(4)?;
        found.note(seq.unwrap_or(0), format!("{asset} {check} is stored as {state}, the chain says {said}"));
    }
    Ok(())
}

impl Verification {
    fn note(&mut self, seq: i64, problem: impl Into<String>) {
        if self.breaks.len() < MOST_BREAKS {
            self.breaks.push(Break { seq: seq.unsigned_abs(), problem: problem.into() });
        }
    }
}
