//! The controls, with candour: what is measured, what rests on a signature, what is open.

use axum::extract::State;
use maud::{Markup, html};

use super::Answer;
use super::parts::counts;
use super::shell::shell;
use crate::api::Tally;
use crate::api::router::Shared;
use crate::api::v1::{self, Query, tallies};
use crate::catalog::{Catalog, CoverageRow, Measured};

pub(super) async fn page(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let view = v1::view(&inner)?;
    let catalog = &view.catalog;
    let coverage = catalog.coverage();
    let main = {
        let board = inner.desk.board.read();
        let tallies = tallies(&board);
        html! {
            p { "Measured: at least one check runs by machine. Attested: signed statements only. Open: nothing yet. A check gives \
                evidence for a point; it does not prove that the point is fulfilled." }
            h2 { "Article 21(2) of the directive" }
            (rows(&coverage.nis2))
            h2 { "Controls" }
            table.findings.controls aria-label="Controls" {
                thead { tr { th scope="col" { "Control" } th scope="col" { "Seen to" } th scope="col" { "How its checks stand" }
                    th scope="col" { "Where the law and the standards speak of it" } } }
                tbody { @for control in catalog.controls.list.values() {
                    @let checks: Vec<_> = catalog.checks.values().filter(|check| check.controls.contains(&control.id)).collect();
                    @let tally = checks.iter().filter_map(|check| tallies.get(check.id.as_str())).fold(Tally::default(), Tally::plus);
                    tr id=(control.id) {
                        th scope="row" { (control.id) " " (control.title) br; small { (control.objective) } }
                        td data-label="Seen to" { (seen_to(catalog.evidence_for(&control.id))) }
                        td data-label="How its checks stand" {
                            @if checks.is_empty() { "no check is loaded" } @else {
                                (counts(&tally))
                                details { summary { (checks.len()) (if checks.len() == 1 { " check" } else { " checks" }) }
                                    ul { @for check in checks { li { a href={ "/checks/" (check.id) } { (check.title) } } } } }
                            }
                        }
                        td data-label="Where the law and the standards speak of it" { (references(catalog, control)) }
                    }
                } }
            }
        }
    };
    Ok(shell(&inner, "Controls", "/controls", &main))
}

fn seen_to(state: Measured) -> Markup {
    let class = match state {
        Measured::Measured => "pass",
        Measured::Attested => "warn",
        Measured::Open => "unknown",
    };
    html! { span class={ "state " (class) } { (state.word()) } }
}

fn rows(rows: &[CoverageRow]) -> Markup {
    html! {
        table.findings aria-label="Points of Article 21(2)" {
            thead { tr { th scope="col" { "Point" } th scope="col" { "Asks for" } th scope="col" { "Seen to" }
                th.number scope="col" { "Measured" } th.number scope="col" { "Attested" } th.number scope="col" { "Still planned" } } }
            tbody { @for row in rows {
                tr { th scope="row" { (row.id) } td data-label="Asks for" { (row.text) } td data-label="Seen to" { (seen_to(row.state)) }
                    td.number data-label="Measured" { (row.measured.len()) } td.number data-label="Attested" { (row.attested.len()) }
                    td.number data-label="Still planned" { (row.planned.len()) } }
            } }
        }
    }
}

fn references(catalog: &Catalog, control: &crate::catalog::Control) -> Markup {
    let named = |framework: &str| catalog.controls.sources.get(framework).cloned();
    let there = control.refs.by_framework().into_iter().filter(|(_, points)| !points.is_empty());
    html! {
        @for (framework, points) in there {
            small title=[named(framework)] { b { (framework) } " " (points.join(", ")) } br;
        }
    }
}
