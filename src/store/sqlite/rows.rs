//! Between values of the model and columns: words, microseconds, bounded JSON.

use std::sync::Arc;

use chrono::DateTime;
use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{CheckResult, Evidence, Judgement, Params, Severity, Time, Value, Verdict};
use crate::store::{StoreError, Stored};

/// Longest JSON text of one column; a device must not fill the disk.
pub(super) const TEXT_CAP: usize = 16 * 1024;
/// Longest reason.
const REASON_CAP: usize = 2 * 1024;
/// Longest question in the evidence; scripts are named by their fact, their text is in the catalogue.
const QUESTION_CAP: usize = 1024;

/// The columns that [`stored`] reads, in its order.
pub(super) const COLUMNS: &str = "asset, check_id, zone, check_version, severity, controls, state, cause, since, \
    first_at, at, times, duration_ms, reason, observed, expected, params, evidence";

pub(super) fn micros(time: Time) -> i64 {
    time.timestamp_micros()
}

pub(super) fn time(micros: i64, column: &'static str) -> Result<Time, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| unreadable(column, &micros.to_string()))
}

pub(super) fn unreadable(column: &'static str, value: &str) -> StoreError {
    StoreError::Unreadable { column, value: value.chars().take(120).collect() }
}

/// Reads an id or any other text with rules.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, column: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| unreadable(column, text))
}

pub(super) fn verdict(state: &str, cause: Option<&str>) -> Result<Verdict, StoreError> {
    Verdict::from_words(state, cause).ok_or_else(|| unreadable("state", state))
}

pub(super) fn severity(word: &str) -> Result<Severity, StoreError> {
    Severity::from_word(word).ok_or_else(|| unreadable("severity", word))
}

/// Cuts a text at a character, and says that it did.
pub(super) fn bounded(text: &str, cap: usize) -> String {
    if text.len() <= cap {
        return text.to_owned();
    }
    let note = format!("… ({} bytes, cut)", text.len());
    format!("{}{note}", &text[..text.floor_char_boundary(cap.saturating_sub(note.len()))])
}

pub(super) fn reason(text: &str) -> String {
    bounded(text, REASON_CAP)
}

/// A value as JSON; a longer one becomes the beginning of its JSON, as a text.
pub(super) fn value(value: &Value) -> String {
    let whole = json(value);
    // quoting a JSON text may double it
    if whole.len() <= TEXT_CAP { whole } else { json(&bounded(&whole, TEXT_CAP / 2)) }
}

pub(super) fn params(params: &Params) -> String {
    let whole = json(params);
    if whole.len() <= TEXT_CAP {
        return whole;
    }
    json(&serde_json::json!({ "cut": bounded(&whole, TEXT_CAP / 2) }))
}

/// The evidence as JSON; questions are cut first, then the last ones are left out, then rows of lists.
pub(super) fn evidence(evidence: &Evidence) -> String {
    let whole = json(evidence);
    if whole.len() <= TEXT_CAP {
        return whole;
    }
    let mut less = evidence.clone();
    for item in &mut less.items {
        item.question = bounded(&item.question, QUESTION_CAP);
    }
    less.vantage = bounded(&less.vantage, QUESTION_CAP);
    while json(&less).len() > TEXT_CAP && !less.items.is_empty() {
        less.items.truncate(less.items.len() / 2);
    }
    while json(&less).len() > TEXT_CAP && less.listed.as_mut().is_some_and(crate::model::Listed::halve) {}
    json(&less)
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| unreadable(column, text))
}

/// Reads a row of [`COLUMNS`].
pub(super) fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    let result = CheckResult {
        asset: parsed(&text(row, 0)?, "asset")?,
        check: parsed(&text(row, 1)?, "check_id")?,
        zone: parsed(&text(row, 2)?, "zone")?,
        check_version: get(row, 3)?,
        severity: severity(&text(row, 4)?)?,
        controls: from_json(&text(row, 5)?, "controls")?,
        judgement: Judgement {
            verdict: verdict(&text(row, 6)?, get::<Option<String>>(row, 7)?.as_deref())?,
            reason: text(row, 13)?,
            observed: from_json(&text(row, 14)?, "observed")?,
            expected: from_json(&text(row, 15)?, "expected")?,
            params: Arc::new(from_json(&text(row, 16)?, "params")?),
        },
        evidence: from_json(&text(row, 17)?, "evidence")?,
        at: time(get(row, 10)?, "at")?,
        duration_ms: get::<i64>(row, 12)?.unsigned_abs(),
    };
    Ok(Stored {
        result,
        since: time(get(row, 8)?, "since")?,
        first_at: time(get(row, 9)?, "first_at")?,
        times: get::<i64>(row, 11)?.unsigned_abs(),
    })
}

fn get<T: FromSql>(row: &Row<'_>, at: usize) -> Result<T, StoreError> {
    Ok(row.get(at)?)
}

fn text(row: &Row<'_>, at: usize) -> Result<String, StoreError> {
    get(row, at)
}
