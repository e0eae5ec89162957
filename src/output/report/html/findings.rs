//! What is open, what could not be seen, and what was good and did not stay so.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{SHOWN, more, table};
use crate::model::{CheckId, Verdict};
use crate::output::report::{Report, Row, plural, shown};
use crate::output::round;

/// Assets that are named below one requirement.
const ASSETS: usize = 5;
/// Requirements that are shown.
const GROUPS: usize = 30;
/// Longest text of a finding on the page, in characters; the CSV has it longer.
const LONGEST: usize = 240;

/// Requirement by requirement: the way to mend it is the same for all its assets, and is said once.
pub(super) fn open(report: &Report) -> Markup {
    let rows = report.in_state(|row| row.verdict == Verdict::Fail);
    let mut groups: Vec<(&CheckId, Vec<&Row>)> = Vec::new();
    let mut places: BTreeMap<&CheckId, usize> = BTreeMap::new();
    for row in &rows {
        let place = *places.entry(&row.check).or_insert_with(|| {
            groups.push((&row.check, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(row);
    }
    let left_out: usize = groups.iter().skip(GROUPS).map(|(_, rows)| rows.len()).sum();
    html! {
        @if rows.is_empty() { p { "No finding is open. What could not be seen stands in the next section." } }
        @else {
            p {
                (plural(rows.len(), "finding")) " of " (plural(groups.len(), "requirement")) ", the most urgent first. "
                "Waived findings stand under Accepted."
            }
        }
        div.findings { @for (check, rows) in groups.iter().take(GROUPS) { (group(check, rows)) } }
        (more(left_out, "CSV"))
    }
}

fn group(check: &CheckId, rows: &[&Row]) -> Markup {
    let info = &rows[0].info;
    html! {
        article.finding {
            h3 { span class={ "badge " (rows[0].severity) } { (rows[0].severity) } " " (info.title) " " small { (check) } }
            p.fix { b { "What to do: " } (info.fix) }
            ul {
                @for row in rows.iter().take(ASSETS) {
                    li {
                        b { (row.asset) } " " small { (row.zone) } ": " (round::line(&row.reason, LONGEST)) " "
                        small {
                            @if let Some(since) = row.since { "since " (shown(since)) }
                            @if let Some(record) = &row.record { ", record " span title=(record.digest) { (record.seq) } }
                            @if row.waiver_suspended { ", a waiver is suspended" }
                        }
                    }
                }
            }
            (more(rows.len().saturating_sub(ASSETS), "CSV"))
            @if !info.nis2.is_empty() { p.law { (info.nis2.join(", ")) } }
        }
    }
}

pub(super) fn unseen(report: &Report) -> Markup {
    let rows = html! {
        @for one in &report.unknown {
            tr {
                th scope="row" { (one.cause) }
                td.number.unknown { (one.pairs) }
                td {
                    @for (at, asset) in one.assets.iter().enumerate() { @if at > 0 { ", " } (asset) }
                    @if one.asset_count > one.assets.len() { ", and " (one.asset_count - one.assets.len()) " more" }
                }
                td { (one.advice.unwrap_or_default()) }
            }
        }
    };
    html! {
        @if report.unknown.is_empty() { p { "Everything could be seen." } }
        @else {
            p { "An unknown is neither good nor bad: there is no evidence. It counts as not met in every score of this report." }
            (table("unseen", &["Cause", "#Pairs", "Assets", "What helps most of them"], &rows))
        }
    }
}

pub(super) fn drift(report: &Report) -> Markup {
    let rows = html! {
        @for one in report.drift.iter().take(SHOWN) {
            tr {
                td.when { (shown(one.at)) }
                td { span class={ "badge " (one.severity) } { (one.severity) } }
                th scope="row" { (one.asset) small { (one.check) } }
                td { (one.from) " to " span class=(one.to) { (one.to) } @if let Some(cause) = one.cause { small { (cause) } } }
                td.found { (round::line(&one.reason, LONGEST)) }
                td.when {
                    @if let Some(back) = one.back_at { (shown(back)) } @else if one.left_plan { "left the plan" } @else { span.fail { "not yet" } }
                }
                td.number { span title=(one.record.digest) { (one.record.seq) } }
            }
        }
    };
    html! {
        @if report.drift.is_empty() { p { "Nothing that was good was left in this period." } }
        @else {
            p {
                "What was good (pass, warn or waived) and became fail or unknown in the period, newest first: "
                (report.summary.drifts) ", of which " (report.summary.drifts_not_back) " have not come back."
            }
            (table("drift", &["When", "Severity", "Asset", "Change", "Found", "Back", "#Record"], &rows))
            (more(report.drift.len().saturating_sub(SHOWN), "JSON"))
        }
    }
}
