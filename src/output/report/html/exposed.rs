//! What is open by advisories, and what people did to baselines.

use maud::{Markup, html};

use super::{SHOWN, more, table};
use crate::output::report::{Report, shown};

pub(super) fn exposed(report: &Report) -> Markup {
    let exposures = &report.exposures;
    let rows = html! {
        @for one in exposures.rows.iter().take(SHOWN) {
            tr {
                th scope="row" { (one.what.id) small { (one.what.advisory) } }
                td class=(one.what.severity) { (one.what.severity)
                    @if one.what.ransomware { small.fail { "used for extortion" } } @else if one.what.exploited { small.fail { "exploited" } } }
                td { (one.asset) small { (one.zone) } }
                td.found { (one.product) }
                td { (one.what.confidence) @if !one.what.certain { small { "undecided" } } }
                td.when { (one.what.due.as_deref().unwrap_or("–")) }
                td { span class=(one.state) { (one.state) } @if let Some(at) = one.at { small { (shown(at)) } } }
            }
        }
    };
    let heads = ["Vulnerability", "Severity", "Asset", "Product", "Recognised by", "Mend by", "Verdict"];
    html! {
        p { (report.exposure_sentence()) }
        @if !exposures.rows.is_empty() {
            (table("exposed", &heads, &rows))
            (more(exposures.rows.len().saturating_sub(SHOWN), "JSON"))
        }
    }
}

pub(super) fn approved(report: &Report) -> Markup {
    let rows = html! {
        @for one in report.baselines.iter().take(SHOWN) {
            tr {
                td.when { (shown(one.at)) }
                td { (one.act) }
                th scope="row" { (one.asset) small { (one.check) } }
                td.found { (one.difference()) @if let Some(ticket) = &one.ticket { small { "Change " (ticket) } } }
                td { (one.by) }
                td.found { (one.reason) @if let Some(until) = one.until { small { "until " (shown(until)) } } }
                td.number { span title=(one.record.digest) { (one.record.seq) } }
            }
        }
    };
    html! {
        @if report.baselines.is_empty() { p { "Nobody approved a baseline in this period, or took an approval back." } }
        @else {
            p { "Values that somebody took for right, approvals that were taken back, and changes that were announced, newest first." }
            (table("approved", &["When", "Act", "Value", "Against what was approved before", "Who", "Why", "#Record"], &rows))
            (more(report.baselines.len().saturating_sub(SHOWN), "JSON"))
        }
    }
}
