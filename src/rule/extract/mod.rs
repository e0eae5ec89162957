//! From what an asset said to a typed fact: one extractor a file, chosen by `read:` in a fact file.
//!
//! Nothing here guesses. A cut answer, a failed command, an empty output or a form that does not fit is a
//! [`Reading::Missing`] with its cause; only what was positively read becomes [`Reading::Known`].

mod by_profile;
mod capture;
mod cell;
mod config;
mod ini;
mod json;
mod key_values;
mod lines;
mod nagios;
mod network;
mod octets;
mod row_index;
mod sections;
mod snmp;
mod spec;
mod table;

use std::sync::Arc;

use crate::model::{Answer, Cause, Missing, Reading, TextAnswer, Value};

pub use spec::ReadSpec;
use spec::{Extractor, Part};

/// Most rows of any list, unless the fact says fewer or more.
const DEFAULT_MAX_ROWS: usize = 10_000;
/// Most rows that a fact may ask for.
const HARD_MAX_ROWS: usize = 100_000;
/// Longest output that is read, in bytes; transports cut far below.
const MAX_TEXT: usize = 16 << 20;
/// Longest piece of an answer that is quoted in a message, in characters.
const MAX_QUOTE: usize = 120;

/// What one extractor makes of an answer.
type Extracted = Result<Value, Missing>;

/// What an empty output means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Empty {
    /// It proves nothing.
    #[default]
    Missing,
    /// The asset does not have this.
    Absent,
    /// There are none of these.
    Ok,
}

impl ReadSpec {
    /// Reads one answer.
    #[must_use]
    pub fn extract(&self, answer: &Answer) -> Reading {
        let extracted = match answer {
            Answer::Text(text) => match self.refuse(text) {
                Some(reading) => return reading,
                None => self.part.extractor.of_text(&text.stdout, text.exit.unwrap_or_default()),
            },
            Answer::Varbinds(varbinds) => match &self.part.extractor {
                Extractor::Snmp(snmp) => Ok(snmp.extract(varbinds, self.part.empty == Empty::Ok)),
                _ => Err(mismatch("SNMP objects")),
            },
            Answer::Value(value) => match &self.part.extractor {
                Extractor::Json(json) => json.pick(value),
                _ => Err(mismatch("a typed answer")),
            },
        };
        match extracted.and_then(|value| self.bound(value)) {
            Ok(value) if is_empty(&value) => self.of_nothing(value, answer),
            Ok(value) => Reading::Known(value),
            Err(missing) => Reading::Missing(missing),
        }
    }

    /// What the state of a command says before its output is looked at.
    fn refuse(&self, answer: &TextAnswer) -> Option<Reading> {
        if answer.truncated || answer.stdout.len() > MAX_TEXT {
            return Some(Reading::missing(Cause::Parse, cut(answer)));
        }
        let Some(exit) = answer.exit else {
            let detail = "the exit status never came, so the output may be cut; look at the asset's session limits";
            return Some(Reading::missing(Cause::Protocol, detail));
        };
        if self.absent_exits.contains(&exit) {
            return Some(Reading::Absent(Arc::from(format!("the command ended with {exit}"))));
        }
        (!self.ok_exits().contains(&exit)).then(|| Reading::Missing(failed(exit, &answer.stderr)))
    }

    fn of_nothing(&self, value: Value, answer: &Answer) -> Reading {
        match self.part.empty {
            Empty::Ok => Reading::Known(value),
            Empty::Absent => Reading::Absent(Arc::from("the answer was empty")),
            Empty::Missing => Reading::Missing(nothing(answer)),
        }
    }

    fn bound(&self, value: Value) -> Extracted {
        let longest = longest_list(&value);
        if longest > self.max_rows {
            return Err(unreadable(format!(
                "the answer has {longest} rows, more than the {} that the fact allows; narrow the question or raise max_rows",
                self.max_rows
            )));
        }
        Ok(value)
    }
}

impl Extractor {
    fn of_text(&self, text: &str, exit: i32) -> Extracted {
        match self {
            Self::KeyValues(spec) => Ok(spec.extract(text)),
            Self::Lines(spec) => spec.extract(text),
            Self::Table(spec) => Ok(spec.extract(text)),
            Self::Regex(spec) if text.trim().is_empty() => spec.extract(text).or(Ok(Value::Null)),
            Self::Regex(spec) => spec.extract(text),
            // empty output is not broken JSON: `empty:` decides
            Self::Json(_) | Self::Nagios(_) | Self::Sections(_) | Self::ByProfile(_) if text.trim().is_empty() => {
                Ok(Value::Null)
            }
            Self::Json(spec) => spec.extract(text),
            Self::Ini(spec) => Ok(spec.extract(text)),
            Self::Nagios(_) => Ok(nagios::Nagios::extract(text, exit)),
            Self::Sections(spec) => spec.extract(text),
            Self::Config(spec) => spec.extract(text),
            Self::ByProfile(spec) => spec.extract(text),
            Self::Snmp(_) => Err(mismatch("text")),
        }
    }
}

fn mismatch(kind: &str) -> Missing {
    Missing::new(Cause::Internal, format!("the fact's `read:` does not fit {kind}; mend the fact file"))
}

fn unreadable(detail: String) -> Missing {
    Missing::new(Cause::Parse, detail)
}

/// Why a cut answer says nothing.
fn cut(answer: &TextAnswer) -> String {
    format!(
        "the answer was cut at {} bytes, and half of it proves nothing; see on the asset why it is so long, or raise max_bytes in a fact of your own",
        answer.stdout.len().min(MAX_TEXT)
    )
}

/// Why a command that failed says nothing.
fn failed(exit: i32, stderr: &str) -> Missing {
    if denied(stderr) {
        let detail = format!("the login may not read this ({}); grant it, or set privilege: sudo", first_line(stderr));
        return Missing::new(Cause::Privilege, detail);
    }
    let said = if stderr.trim().is_empty() { String::new() } else { format!(": {}", first_line(stderr)) };
    match exit {
        126 | 127 => Missing::new(
            Cause::NoData,
            format!(
                "the command is not installed or not in PATH{said}; install it on the asset, or judge this by hand where another tool does its work"
            ),
        ),
        _ => {
            Missing::new(Cause::NoData, format!("the command ended with {exit}{said}; run it on the asset to see why"))
        }
    }
}

fn nothing(answer: &Answer) -> Missing {
    match answer {
        Answer::Text(text) if denied(&text.stderr) => failed(0, &text.stderr),
        Answer::Text(text) if text.stdout.trim().is_empty() => {
            let said = if text.stderr.trim().is_empty() { String::new() } else { first_line(&text.stderr) + ": " };
            Missing::new(
                Cause::NoData,
                format!("{said}the command printed nothing, which proves nothing; run it on the asset"),
            )
        }
        Answer::Text(_) => Missing::new(
            Cause::NoData,
            "nothing in the output has the form that is read here; run the command on the asset and look at what it prints",
        ),
        _ => Missing::new(Cause::NoData, "the asset has none of what was asked for; check that it supports it"),
    }
}

/// Whether an error output speaks of missing rights, in the words of the shell, sudo and common tools.
fn denied(stderr: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "permission denied",
        "operation not permitted",
        "must be root",
        "password is required",
        "must be superuser",
        "need to be root",
        "is not in the sudoers file",
    ];
    let text: String = stderr.chars().take(4096).collect::<String>().to_lowercase();
    SIGNS.iter().any(|sign| text.contains(sign))
}

fn first_line(text: &str) -> String {
    quote(text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default())
}

/// A piece of an answer for a message: escaped and cut.
fn quote(text: &str) -> String {
    let cut: String = text.chars().take(MAX_QUOTE).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}

fn is_comment(line: &str, marks: &str) -> bool {
    line.chars().next().is_some_and(|first| marks.contains(first))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(fields) => fields.is_empty(),
        _ => false,
    }
}

fn longest_list(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().map(longest_list).fold(items.len(), usize::max),
        Value::Map(fields) => fields.values().map(longest_list).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
