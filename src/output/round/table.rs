//! A table for a terminal: what needs somebody first, then what it means and what to do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Color, ContentArrangement, Table};

use super::{Round, Row, line};
use crate::model::{Advice, Verdict};

/// Longest reason, in characters.
const LONGEST: usize = 300;
/// Checks of an asset, and assets, that are named for one piece of advice.
const NAMED: usize = 4;
/// States in the order in which somebody should look at them.
const ORDER: [&str; 6] = ["fail", "unknown", "warn", "waived", "pass", "not_applicable"];

pub(super) fn write(round: &Round<'_>, is_terminal: bool) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["STATE", "ASSET", "CHECK", "SEVERITY", "REASON"]);
    if is_terminal {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    }
    for word in ORDER {
        for row in round.rows.iter().filter(|row| row.result.judgement.verdict.word() == word) {
            table.add_row(cells(row));
        }
    }
    let mut text = table.trim_fmt();
    text.push_str("\n\n");
    fixes(round, &mut text);
    advice(round, &mut text);
    let summary = round.summary();
    let counts: Vec<_> = ORDER.iter().map(|word| format!("{} {}", summary[word], word.replace('_', " "))).collect();
    writeln!(text, "{}", counts.join(", ")).ok();
    // an accepted finding is still one
    if summary["waived"] > 0 {
        let (net, waived) = (summary["fail"], summary["waived"]);
        writeln!(text, "findings: {} gross, {net} net of waivers", net + waived).ok();
    }
    text
}

fn cells(row: &Row<'_>) -> [Cell; 5] {
    let (result, judgement) = (row.result, &row.result.judgement);
    let (state, color) = match judgement.verdict {
        Verdict::Pass => ("pass".to_owned(), Color::Green),
        Verdict::Warn => ("warn".to_owned(), Color::Yellow),
        Verdict::Fail => ("fail".to_owned(), Color::Red),
        Verdict::Unknown(cause) => (format!("unknown ({cause})"), Color::Magenta),
        other => (other.word().replace('_', " "), Color::Grey),
    };
    [
        Cell::new(state).fg(color),
        Cell::new(&result.asset),
        Cell::new(&result.check),
        Cell::new(result.severity),
        Cell::new(line(&judgement.reason, LONGEST)),
    ]
}

/// What to do, once per check that fails.
fn fixes(round: &Round<'_>, text: &mut String) {
    let failing = round.rows.iter().filter(|row| row.result.judgement.verdict == Verdict::Fail);
    let fixes: BTreeMap<_, _> = failing.map(|row| (row.result.check.as_str(), row.one.check.fix.as_str())).collect();
    if fixes.is_empty() {
        return;
    }
    text.push_str("What to do:\n");
    for (check, fix) in fixes {
        writeln!(text, "  {check}: {fix}").ok();
    }
    text.push('\n');
}

/// What to do about unknowns, each piece of advice once with where it holds.
fn advice(round: &Round<'_>, text: &mut String) {
    let mut by_advice: BTreeMap<Advice, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for row in &round.rows {
        if let Some(advice) = row.advice() {
            let assets = by_advice.entry(advice).or_default();
            assets.entry(row.result.asset.as_str()).or_default().push(row.result.check.as_str());
        }
    }
    if by_advice.is_empty() {
        return;
    }
    text.push_str("What to do about unknowns:\n");
    for (advice, assets) in by_advice {
        writeln!(text, "  {advice}").ok();
        for (asset, checks) in assets.iter().take(NAMED) {
            let more = checks.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            writeln!(text, "    {asset}: {}{more}", checks[..checks.len().min(NAMED)].join(", ")).ok();
        }
        if assets.len() > NAMED {
            writeln!(text, "    and {} more assets", assets.len() - NAMED).ok();
        }
    }
    text.push('\n');
}
