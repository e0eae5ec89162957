//! The first page, and the last: what it comes to, and how the numbers came about.

use maud::{Markup, html};

use super::chart;
use crate::output::report::{Report, percent, plural, shown};

pub(super) fn summary(report: &Report) -> Markup {
    let (summary, counts) = (&report.summary, report.summary.counts);
    let open: Vec<String> = summary
        .open_by_severity
        .iter()
        .rev()
        .filter(|(_, count)| **count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    html! {
        p.sentence { (summary.sentence) "." }
        p {
            (plural(summary.assets, "asset")) ", " (plural(summary.pairs, "pair")) " of an asset and a check; "
            (counts.not_applicable) " of these do not concern their asset."
            @if summary.never_judged > 0 { " " (summary.never_judged) " were never judged." }
        }
        ul.tiles {
            (tile("fail", &counts.open.to_string(), "open", &open.join(", ")))
            (tile("unknown", &counts.unknown.to_string(), "unknown", "no evidence, for or against"))
            (tile("waived", &counts.waived.to_string(), "waived", "found, and accepted by somebody"))
            (tile("pass", &counts.measured.to_string(), "met, measured", "by machine"))
            (tile("pass", &counts.attested.to_string(), "met, attested", "by signature"))
            (tile("fail", &summary.drifts.to_string(), "drifted", &format!("{} not back", summary.drifts_not_back)))
        }
        div.pairs {
            dl {
                dt { "Gross score" } dd { b { (percent(summary.gross_score)) } small { "of pairs are met; waived findings are not" } }
                dt { "Net score" } dd { b { (percent(summary.net_score)) } small { "the same, waived findings counted as met" } }
            }
            dl {
                dt { "Time in compliance, gross" } dd { b { (percent(summary.gross_time)) } small { "of the watched time" } }
                dt { "Time in compliance, net" } dd { b { (percent(summary.net_time)) } small { "the same, waived time counted" } }
            }
        }
        h3 { "Trend" }
        (chart::trend(report))
        (made(report))
    }
}

fn tile(class: &str, value: &str, name: &str, note: &str) -> Markup {
    html! { li class=(class) { b { (value) } span { (name) } @if !note.is_empty() { small { (note) } } } }
}

fn made(report: &Report) -> Markup {
    let made = &report.made;
    html! {
        p.made {
            "Made " (shown(made.at)) " by nis2watch " (made.version) ". "
            @if let Some(head) = &made.head { "Ledger head " code { (head.seq) ":" (head.digest) } ". " } @else { "The ledger is empty. " }
            "Configuration " code { (made.configuration) } "."
        }
    }
}

pub(super) fn method(report: &Report) -> Markup {
    html! {
        ul.method { @for sentence in &report.method { li { (sentence) } } }
        p {
            "Whoever keeps this page can hold it against the plant: "
            code { "nis2watch ledger verify --head NUMBER:DIGEST" } " with the ledger head of the first section proves that everything before it is "
            "still as it was."
        }
    }
}
