//! What was sent to devices.

use maud::{Markup, html};

use super::{SHOWN, more, table};
use crate::model::Transport;
use crate::output::report::{Report, grouped, shown};

pub(super) fn sent(report: &Report) -> Markup {
    let traffic = &report.traffic;
    let day = traffic.at_most_a_day;
    let mut assets: Vec<_> = traffic.assets.iter().collect();
    // fragile devices are what the reader worries about
    assets.sort_by_key(|row| (row.class, std::cmp::Reverse(row.at_most_a_day.connections), &row.asset));
    let rows = html! {
        @for row in assets.iter().take(SHOWN) {
            tr {
                th scope="row" { (row.asset) small { (row.zone) ", " (row.kind) } }
                td { (row.class) }
                td.when {
                    @if let Some(visit) = row.last_visit { (shown(visit)) } @else { "never" }
                    @if let Some(took) = row.took_ms { small { (took) " ms" } }
                }
                td { (words(&row.answered)) @if !row.silent.is_empty() { small { "silent: " (words(&row.silent)) } } @if let Some(why) = &row.inactive { small { "nothing is sent: " (why) } } }
                td.number { (row.answers) }
                td.number { (grouped(row.at_most_a_day.questions)) }
                td.number { (grouped(row.at_most_a_day.connections)) }
            }
        }
    };
    let heads = [
        "Device",
        "Class",
        "Last visit",
        "Answered",
        "#Answers kept",
        "#Questions a day, at most",
        "#Connections a day, at most",
    ];
    html! {
        @if traffic.stopped { p.fail { b { "All traffic is stopped by an operator." } } }
        p {
            (traffic.reached) " of " (traffic.devices) " devices answered in their last visit. All together are sent at most "
            (grouped(day.questions)) " questions over " (grouped(day.connections)) " connections in a day. Nothing is ever written to a device: the program has no "
            "function that would."
        }
        (table("traffic", &heads, &rows))
        (more(assets.len().saturating_sub(SHOWN), "JSON"))
        p.law { (traffic.covers) }
    }
}

fn words(transports: &[Transport]) -> String {
    transports.iter().map(|transport| transport.word()).collect::<Vec<_>>().join(", ")
}
