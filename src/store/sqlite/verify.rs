//! Holds everything that the store keeps against the chain.
//!
//! The walk checks the chain itself and gathers what it says about host keys, first-seen times, flags and the state as a
//! whole; then each table is held against that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::Connection;

use super::approvals::Book;
use super::checkpoint::{self, State};
use super::ledger::{self, Event, FIELDS, GENESIS, stored_seq};
use super::rows::COLUMNS;
use super::seal::{self, Bound, Columns};
use crate::store::{Break, Digest, Head, StoreError, Verification};

/// A broken chain is told by its first places; one edit breaks all that follows.
const MOST_BREAKS: usize = 20;
/// The records that tell what became of a pair.
const OF_PAIRS: &str = "kind IN ('transition', 'judgement', 'left')";

/// What the chain says about tables that have no digest of their own.
#[derive(Default)]
struct Replay {
    /// Asset, endpoint, fingerprint and when it was learnt.
    host_keys: BTreeSet<(String, String, String, i64)>,
    /// The last record about the keys of a fact, by asset and fact.
    first_seen: BTreeMap<(String, String), (i64, Option<String>)>,
    flags: BTreeMap<String, (i64, String)>,
    baselines: Book,
    checkpoint: Option<(i64, State)>,
    /// Entries of the history up to this one are older than what vouches for them.
    adopted: i64,
}

/// Walks the chain at one moment, while the writer goes on.
pub(super) fn verify(connection: &Connection, noted: &[Head]) -> Result<Verification, StoreError> {
    if !connection.is_autocommit() {
        return whole(connection, noted);
    }
    let moment = connection.unchecked_transaction()?;
    whole(&moment, noted)
}

fn whole(connection: &Connection, noted: &[Head]) -> Result<Verification, StoreError> {
    let mut found = Verification::default();
    let replay = walk(connection, noted, &mut found)?;
    compare_latest(connection, &mut found)?;
    compare_gone(connection, &mut found)?;
    compare_history(connection, replay.adopted, &mut found)?;
    compare_gaps(connection, &mut found)?;
    compare_host_keys(connection, &replay, &mut found)?;
    compare_first_seen(connection, &replay, &mut found)?;
    compare_flags(connection, &replay, &mut found)?;
    for (seq, problem) in replay.baselines.differing(connection)? {
        found.note(seq, problem);
    }
    compare_state(connection, &replay, &mut found)?;
    Ok(found)
}

fn walk(connection: &Connection, noted: &[Head], found: &mut Verification) -> Result<Replay, StoreError> {
    let mut elsewhere: HashMap<u64, Vec<Digest>> = HashMap::new();
    for head in noted {
        elsewhere.entry(head.seq).or_default().push(head.digest);
    }
    let mut replay = Replay::default();
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
        let event = Event::read(row)?;
        if stored != event.digest(seq, &previous).0 {
            found.note(seq, "was changed: its content does not give its digest");
        }
        let head = Head { seq: seq.unsigned_abs(), digest: Digest(stored.try_into().unwrap_or(GENESIS)) };
        if elsewhere.get(&head.seq).is_some_and(|digests| digests.iter().any(|digest| *digest != head.digest)) {
            found.note(seq, "differs from the head that was noted elsewhere: the past was rewritten");
        }
        (found.records, found.head) = (found.records + 1, Some(head));
        replay.take(seq, event);
    }
    let last = found.head.map_or(0, |head| head.seq);
    let farthest = noted.iter().max_by_key(|head| head.seq).copied();
    for (noted, where_noted) in [(ledger::head(connection)?, "in the store"), (farthest, "elsewhere")] {
        if let Some(noted) = noted.filter(|noted| noted.seq > last) {
            found.note(stored_seq(last) + 1, format!("missing: the head noted {where_noted} is record {}", noted.seq));
        }
    }
    Ok(replay)
}

impl Replay {
    fn take(&mut self, seq: i64, event: Event) {
        if event.kind == ledger::ACT {
            self.baselines.take(seq, &event);
        }
        let [_, body] = event.act;
        match event.kind.as_str() {
            ledger::KEY_LEARNT => {
                self.host_keys.insert((event.asset, event.check, body.unwrap_or_default(), event.at));
            }
            ledger::KEYS_FORGOTTEN => self.host_keys.retain(|(asset, ..)| *asset != event.asset),
            ledger::FIRST_SEEN => {
                self.first_seen.insert((event.asset, event.check), (seq, digest_in(body.as_deref())));
            }
            ledger::CHECKPOINT => {
                let state = body.and_then(|body| serde_json::from_str(&body).ok());
                self.checkpoint = state.map(|state| (seq, state));
            }
            ledger::ADOPTED => {
                let body: serde_json::Value =
                    body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
                self.adopted = body["evidence_up_to"].as_i64().unwrap_or(0);
            }
            ledger::ACT => {
                if let Some(name) = event.check.strip_prefix(ledger::FLAG) {
                    self.flags.insert(name.to_owned(), (seq, event.asset));
                }
            }
            _ => {}
        }
    }
}

fn digest_in(body: Option<&str>) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body?).ok()?;
    Some(body["digest"].as_str()?.to_owned())
}

/// A judgement that was changed, added or made older beside the chain.
fn compare_latest(connection: &Connection, found: &mut Verification) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, digest, (SELECT max(seq) FROM ledger WHERE ledger.asset = latest.asset \
         AND ledger.check_id = latest.check_id AND {OF_PAIRS}) FROM latest"
    );
    let mut query = connection.prepare(&sql)?;
    let mut said = connection.prepare("SELECT to_state, body FROM ledger WHERE seq = ?1")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let columns = Columns::read(row)?;
        let (asset, check, state) = (columns.asset, columns.check, columns.state);
        let Some(seq) = row.get::<_, Option<i64>>(19)? else {
            found.note(0, format!("{asset} {check} is stored as {state}, the chain says no record"));
            continue;
        };
        let last = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (to, body): (Option<String>, Option<String>) = said.query_row([seq], last)?;
        let judgement = columns.judgement();
        if to.as_deref() != Some(state) {
            let to = to.as_deref().unwrap_or("that it left the plan");
            found.note(seq, format!("{asset} {check} is stored as {state}, the chain says {to}"));
        } else if Bound::read(body.as_deref()).judgement != Some(judgement.to_string()) {
            found.note(seq, format!("the judgement of {asset} {check} is not the one that the chain vouches for"));
        } else if row.get::<_, Option<Vec<u8>>>(18)?.as_deref() != Some(&columns.entry(judgement).0[..]) {
            found
                .note(seq, format!("the times or the evidence of {asset} {check} were changed since it was last seen"));
        }
    }
    Ok(())
}

/// A judgement that was taken away.
fn compare_gone(connection: &Connection, found: &mut Verification) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT last.asset, last.check_id, last.seq FROM \
           (SELECT asset, check_id, max(seq) AS seq, kind FROM ledger WHERE {OF_PAIRS} GROUP BY asset, check_id) AS last \
         LEFT JOIN latest ON latest.asset = last.asset AND latest.check_id = last.check_id \
         WHERE latest.asset IS NULL AND last.kind <> 'left' LIMIT {MOST_BREAKS}"
    );
    let mut query = connection.prepare(&sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (asset, check, seq): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        found.note(seq, format!("the judgement of {asset} {check} is gone, and the chain does not say that it left"));
    }
    Ok(())
}

/// Entries of the history that were changed or put in.
fn compare_history(connection: &Connection, adopted: i64, found: &mut Verification) -> Result<(), StoreError> {
    let sql = format!("SELECT {COLUMNS}, digest, ended_by, id FROM evidence ORDER BY id");
    let mut query = connection.prepare(&sql)?;
    let mut said = connection.prepare("SELECT asset, check_id, body FROM ledger WHERE seq = ?1")?;
    let mut rows = query.query([])?;
    let mut older: u64 = 0;
    while let Some(row) = rows.next()? {
        let columns = Columns::read(row)?;
        let (ended_by, id): (Option<i64>, i64) = (row.get(19)?, row.get(20)?);
        let place = format!("entry {id} of the history of {} {}", columns.asset, columns.check);
        let entry = columns.entry(columns.judgement());
        let Some(seq) = ended_by else {
            if id > adopted {
                found.note(0, format!("{place} is in no record of the chain"));
            }
            older += 1;
            continue;
        };
        let mut record = said.query([seq])?;
        let ended = match record.next()? {
            Some(record)
                if record.get_ref(0)?.as_str().ok() == Some(columns.asset)
                    && record.get_ref(1)?.as_str().ok() == Some(columns.check) =>
            {
                Bound::read(record.get::<_, Option<String>>(2)?.as_deref()).ended
            }
            _ => None,
        };
        if ended != Some(entry.to_string()) {
            found.note(seq, format!("{place} is not the one that the chain vouches for"));
        }
    }
    if older > 0 {
        found.notes.push(format!("{older} entries of the history are older than the records that vouch for entries"));
    }
    Ok(())
}

/// Entries that are missing from the middle or the end of a pair's history: only the oldest ones are ever dropped.
fn compare_gaps(connection: &Connection, found: &mut Verification) -> Result<(), StoreError> {
    let mut query = connection.prepare(
        "SELECT asset, check_id, min(ended_by), count(*) FROM evidence WHERE ended_by IS NOT NULL GROUP BY asset, check_id",
    )?;
    let mut noted = connection.prepare(&format!(
        "SELECT count(*) FROM ledger WHERE asset = ?1 AND check_id = ?2 AND seq >= ?3 AND {OF_PAIRS} \
         AND instr(body, '\"ended\"') > 0"
    ))?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (asset, check, first, entries): (String, String, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let records: i64 = noted.query_row(rusqlite::params![asset, check, first], |row| row.get(0))?;
        if records != entries {
            let problem = format!("the history of {asset} {check} has {entries} entries, the chain says {records}");
            found.note(first, problem);
        }
    }
    Ok(())
}

fn compare_host_keys(connection: &Connection, replay: &Replay, found: &mut Verification) -> Result<(), StoreError> {
    let mut query = connection.prepare("SELECT asset, endpoint, fingerprint, learnt_at FROM host_keys")?;
    let keys = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let keys: BTreeSet<(String, String, String, i64)> = keys.collect::<Result<_, _>>()?;
    for (asset, endpoint, fingerprint, _) in keys.difference(&replay.host_keys) {
        found.note(0, format!("the host key {fingerprint} of {asset} at {endpoint} was not learnt so"));
    }
    for (asset, endpoint, fingerprint, _) in replay.host_keys.difference(&keys) {
        found.note(0, format!("the host key {fingerprint} of {asset} at {endpoint} was learnt and is not there so"));
    }
    Ok(())
}

fn compare_first_seen(connection: &Connection, replay: &Replay, found: &mut Verification) -> Result<(), StoreError> {
    let mut query = connection.prepare("SELECT DISTINCT asset, fact FROM first_seen")?;
    let facts = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let facts: BTreeSet<(String, String)> = facts.collect::<Result<_, _>>()?;
    for (asset, fact) in facts.iter().chain(replay.first_seen.keys()).collect::<BTreeSet<_>>() {
        let (digest, items) = seal::first_seen(connection, asset, fact)?;
        match replay.first_seen.get(&(asset.clone(), fact.clone())) {
            None => {
                found.note(0, format!("when keys of {fact} on {asset} were first seen is in no record of the chain"));
            }
            Some((seq, said)) if *said != Some(digest.to_string()) => {
                let problem = format!("when the {items} keys of {fact} on {asset} were first seen was changed");
                found.note(*seq, problem);
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn compare_flags(connection: &Connection, replay: &Replay, found: &mut Verification) -> Result<(), StoreError> {
    let mut query = connection.prepare("SELECT substr(name, 6), value FROM settings WHERE name LIKE 'flag.%'")?;
    let flags = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let flags: BTreeMap<String, String> = flags.collect::<Result<_, _>>()?;
    for name in flags.keys().chain(replay.flags.keys()).collect::<BTreeSet<_>>() {
        let stored = flags.get(name).map_or("off", String::as_str);
        let (seq, said) = replay.flags.get(name).map_or((0, "off"), |(seq, said)| (*seq, said.as_str()));
        if stored != said {
            found.note(seq, format!("the flag {name} is {stored}, the chain says {said}"));
        }
    }
    Ok(())
}

/// What is renewed too often for a record each: it can be compared as long as nothing was written since.
fn compare_state(connection: &Connection, replay: &Replay, found: &mut Verification) -> Result<(), StoreError> {
    let now = checkpoint::state(connection)?;
    let Some((seq, then)) = &replay.checkpoint else {
        if now.writes > 0 {
            found.notes.push("no checkpoint yet: times of repeats, visits and samples are not vouched for".into());
        }
        return Ok(());
    };
    if then.writes != now.writes {
        found.notes.push(format!(
            "{} writes since the checkpoint in record {seq}: times of repeats, visits and samples were not compared",
            now.writes.abs_diff(then.writes)
        ));
        return Ok(());
    }
    for (table, digest) in &then.tables {
        if now.tables.get(table) != Some(digest) {
            found.note(*seq, format!("the table {table} differs from this checkpoint, and nothing was recorded since"));
        }
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
