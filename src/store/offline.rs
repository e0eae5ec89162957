//! Proves an exported chain without a store.
//!
//! Written from `docs/ledger.md` alone: it shares no code with what writes the chain, not even the hash function, so that
//! a mistake of the writer does not prove itself right.

use std::io::{self, BufRead, Read};

use ring::digest::{Context, SHA256};

use super::{Break, ChainRecord, Digest, Head, Verification};

/// Longest line; a record has at most 64 KiB of text, and each byte of it becomes six at most.
const LONGEST: u64 = 1 << 20;
/// A broken chain is told by its first places.
const MOST_BREAKS: usize = 20;

/// Reads JSON Lines as `ledger export` writes them, checks each record and each link, and that the heads that were noted
/// elsewhere are in the chain.
///
/// # Errors
///
/// The text cannot be read. What is wrong with the chain is a finding in the answer.
pub fn verify(mut text: impl BufRead, noted: &[Head]) -> io::Result<Verification> {
    let mut found = Verification::default();
    let (mut expected, mut previous) = (1, "0".repeat(64));
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut text).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let record: ChainRecord = match serde_json::from_slice(&line) {
            Ok(record) => record,
            Err(error) => {
                report(&mut found, expected, format!("cannot be read: {error}"));
                break;
            }
        };
        if record.seq != expected {
            report(&mut found, expected, format!("missing: the next one is {}", record.seq));
        }
        if record.prev != previous {
            report(&mut found, record.seq, "does not follow the record before it".into());
        }
        let digest = digest(&record);
        if digest.map(|digest| digest.to_string()).as_ref() != Some(&record.digest) {
            report(&mut found, record.seq, "was changed: its content does not give its digest".into());
        }
        let head = format!("{}:{}", record.seq, record.digest).parse().ok();
        let differs = |noted: &&Head| noted.seq == record.seq && Some(**noted) != head;
        if noted.iter().any(|noted| differs(&noted)) {
            let problem = "differs from the head that was noted elsewhere: the past was rewritten";
            report(&mut found, record.seq, problem.into());
        }
        (found.records, found.head) = (found.records + 1, head);
        (expected, previous) = (record.seq.saturating_add(1), record.digest);
    }
    if let Some(farthest) = noted.iter().map(|head| head.seq).max().filter(|seq| *seq >= expected) {
        report(&mut found, expected, format!("missing: the head noted elsewhere is record {farthest}"));
    }
    Ok(found)
}

fn report(found: &mut Verification, seq: u64, problem: String) {
    if found.breaks.len() < MOST_BREAKS {
        found.breaks.push(Break { seq, problem });
    }
}

/// The digest that a record should have; `None` when the one before it is no digest.
fn digest(record: &ChainRecord) -> Option<Digest> {
    let previous: Head = format!("0:{}", record.prev).parse().ok()?;
    let mut context = Context::new(&SHA256);
    context.update(b"nis2watch ledger 1\0");
    context.update(&previous.digest.0);
    context.update(&record.seq.to_be_bytes());
    context.update(&record.at.to_be_bytes());
    let mut fields = vec![
        Some(&record.kind),
        Some(&record.asset),
        Some(&record.zone),
        Some(&record.check),
        Some(&record.severity),
        record.from_state.as_ref(),
        record.from_cause.as_ref(),
        record.to_state.as_ref(),
        record.to_cause.as_ref(),
        Some(&record.reason),
    ];
    if record.actor.is_some() || record.body.is_some() {
        fields.extend([record.actor.as_ref(), record.body.as_ref()]);
    }
    for field in fields {
        match field {
            None => context.update(&[0]),
            Some(text) => {
                context.update(&[1]);
                context.update(&u32::try_from(text.len()).ok()?.to_be_bytes());
                context.update(text.as_bytes());
            }
        }
    }
    Some(Digest(context.finish().as_ref().try_into().ok()?))
}
