//! One line for Nagios, Icinga, Zabbix and Checkmk (Monitoring Plugins Development Guidelines, sections 2 and 2.6).

use super::{Outcome, Round, line};

/// Findings that are named in the line.
const NAMED: usize = 3;
/// Longest reason, in characters.
const LONGEST: usize = 120;

/// What a plug-in's exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// 0
    Ok = 0,
    /// 1
    Warning = 1,
    /// 2
    Critical = 2,
    /// 3
    Unknown = 3,
}

impl Light {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl Round<'_> {
    /// The exit code of a plug-in: a fail that counts is critical; unknown comes before warning, because it can hide a
    /// fail; a warning, and a fail below the severity that counts, is a warning.
    #[must_use]
    pub fn light(&self) -> Light {
        let summary = self.summary();
        match self.outcome() {
            Outcome::Failed => Light::Critical,
            Outcome::Unknown => Light::Unknown,
            Outcome::Good if summary["warn"] + summary["fail"] + summary["unknown"] > 0 => Light::Warning,
            Outcome::Good => Light::Ok,
        }
    }
}

pub(super) fn write(round: &Round<'_>) -> String {
    let summary = round.summary();
    let wanted = |word: &str| summary[word] > 0 && !matches!(word, "pass" | "not_applicable");
    let mut parts: Vec<_> = ["fail", "unknown", "warn", "waived"]
        .into_iter()
        .filter(|word| wanted(word))
        .map(|word| format!("{} {word}", summary[word]))
        .collect();
    parts.push(format!("{} pass", summary["pass"]));
    let bad = ["fail", "unknown", "warn"]
        .into_iter()
        .flat_map(|word| round.rows.iter().filter(move |row| row.result.judgement.verdict.word() == word));
    let named: Vec<_> = bad
        .take(NAMED)
        .map(|row| {
            let reason = line(&row.result.judgement.reason, LONGEST);
            format!("{} {}: {reason}", row.result.asset, row.result.check)
        })
        .collect();
    let detail = if named.is_empty() { String::new() } else { format!("; {}", named.join("; ")) };
    // the bar ends the text, so that a device must not bring one
    let text = format!("NIS2WATCH {} - {}{detail}", round.light().word(), parts.join(", ")).replace('|', "/");
    let data: Vec<_> = summary.iter().map(|(word, count)| format!("{word}={count};;;0")).collect();
    format!("{text} | {}\n", data.join(" "))
}
