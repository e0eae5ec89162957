//! Points of the directive, and for how long what was met.

use maud::{Markup, html};

use super::{SHOWN, more, number, table};
use crate::output::report::{Counts, Report, Source, percent};

/// Weakest controls and assets that are listed.
const WEAKEST: usize = 15;

pub(super) fn points(report: &Report) -> Markup {
    let rows = html! {
        @for point in &report.points {
            tr {
                th scope="row" { (point.point) small { (point.text) } }
                td class=(if point.evidence == Source::None { "unknown" } else { "" }) { (point.evidence.word()) }
                (numbers(point.counts))
                td.number { (percent(point.time_in_compliance)) }
                td.records {
                    @for (at, record) in point.records.iter().enumerate() {
                        @if at > 0 { ", " }
                        span title=(record.digest) { (record.seq) }
                    }
                    @if point.record_count > point.records.len() { ", and " (point.record_count - point.records.len()) " more" }
                }
            }
        }
    };
    let heads =
        ["Point", "Evidence", "#Measured", "#Attested", "#Waived", "#Open", "#Unknown", "#Time met", "Ledger records"];
    let blank: Vec<_> = report.controls.iter().filter(|one| one.is_mapped() && !one.current_evidence).collect();
    html! {
        p { "Pairs of an asset and a check by what speaks for or against each point. Evidence for a point is not proof that it is fulfilled." }
        (table("points", &heads, &rows))
        @if !blank.is_empty() {
            p {
                b { "Mapped controls without current evidence: " }
                @for (at, one) in blank.iter().take(SHOWN).enumerate() { @if at > 0 { "; " } (one.control) " " (one.title) }
                "."
            }
            (more(blank.len().saturating_sub(SHOWN), "JSON"))
        }
    }
}

fn numbers(counts: Counts) -> Markup {
    html! {
        (number(counts.measured, "pass")) (number(counts.attested, "pass")) (number(counts.waived, "waived"))
        (number(counts.open, "fail")) (number(counts.unknown, "unknown"))
    }
}

pub(super) fn time(report: &Report) -> Markup {
    let mut controls: Vec<_> = report.controls.iter().filter(|one| one.time_in_compliance.is_some()).collect();
    controls.sort_by(|one, other| weaker(one.time_in_compliance, other.time_in_compliance));
    let mut assets: Vec<_> = report.assets.iter().filter(|one| one.time_in_compliance.is_some()).collect();
    assets.sort_by(|one, other| weaker(one.time_in_compliance, other.time_in_compliance));
    let control_rows = html! {
        @for one in controls.iter().take(WEAKEST) {
            tr {
                th scope="row" { (one.control) small { (one.title) } }
                (number(one.counts.open, "fail")) (number(one.counts.unknown, "unknown"))
                td.number { (percent(one.time_in_compliance)) }
            }
        }
    };
    let asset_rows = html! {
        @for one in assets.iter().take(WEAKEST) {
            tr {
                th scope="row" { (one.asset) small { (one.zone) @if let Some(kind) = one.kind { ", " (kind) } } }
                (number(one.counts.open, "fail")) (number(one.counts.unknown, "unknown"))
                td.number { (percent(one.time_in_compliance)) }
            }
        }
    };
    html! {
        p { "The weakest first: the share of the watched time in which pairs were met. Waived and unknown time is not." }
        div.halves {
            div {
                h3 { "Controls" }
                (table("", &["Control", "#Open", "#Unknown", "#Time met"], &control_rows))
                (more(controls.len().saturating_sub(WEAKEST), "JSON"))
            }
            div {
                h3 { "Assets" }
                (table("", &["Asset", "#Open", "#Unknown", "#Time met"], &asset_rows))
                (more(assets.len().saturating_sub(WEAKEST), "CSV"))
            }
        }
    }
}

fn weaker(one: Option<f64>, other: Option<f64>) -> std::cmp::Ordering {
    one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal)
}
