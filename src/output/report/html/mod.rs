//! One page for a person: no script, nothing fetched, readable on a screen and printed.
//!
//! Every text goes through maud, which escapes it; what devices and people wrote was bounded before. Lists are cut and say so.

mod chart;
mod evidence;
mod exposed;
mod findings;
mod overview;
mod papers;
mod traffic;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Report, shown};

/// The looks of the page.
const STYLE: &str = include_str!("report.css");
/// Nothing is loaded, whatever a text may say.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// Rows of a list on a page.
const SHOWN: usize = 40;

/// The sections, in order: anchor and heading.
const SECTIONS: [(&str, &str); 13] = [
    ("summary", "Summary"),
    ("nis2", "NIS2, point by point"),
    ("open", "Open findings"),
    ("exposed", "Known vulnerabilities"),
    ("unseen", "What could not be seen"),
    ("drift", "Drift"),
    ("time", "Time in compliance"),
    ("accepted", "Accepted"),
    ("attested", "Attested"),
    ("baselines", "Baselines"),
    ("incidents", "Incidents"),
    ("traffic", "What we sent to your devices"),
    ("method", "Method and candour"),
];

pub(super) fn write(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "Evidence report: " (report.subject()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Evidence report" span { (report.subject()) } }
                    p { (shown(report.period.from)) " to " (shown(report.period.until)) }
                }
                nav aria-label="Sections" { @for (id, title) in SECTIONS { a href={ "#" (id) } { (title) } " " } }
                main {
                    (section("summary", &overview::summary(report)))
                    (section("nis2", &evidence::points(report)))
                    (section("open", &findings::open(report)))
                    (section("exposed", &exposed::exposed(report)))
                    (section("unseen", &findings::unseen(report)))
                    (section("drift", &findings::drift(report)))
                    (section("time", &evidence::time(report)))
                    (section("accepted", &papers::accepted(report)))
                    (section("attested", &papers::attested(report)))
                    (section("baselines", &exposed::approved(report)))
                    (section("incidents", &papers::incidents(report)))
                    (section("traffic", &traffic::sent(report)))
                    (section("method", &overview::method(report)))
                }
            }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

fn section(id: &str, content: &Markup) -> Markup {
    let title = SECTIONS.iter().find(|(known, _)| *known == id).map_or("", |(_, title)| title);
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            (content)
        }
    }
}

/// That rows were left out, and where they stand.
fn more(count: usize, format: &str) -> Markup {
    html! { @if count > 0 { p.more { "and " (count) " more, see " (format) } } }
}

/// A table with its heads; the marked ones hold numbers. A scroll box keeps a wide one inside a narrow screen.
fn table(class: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="group" aria-label="table" {
            table class=(class) {
                thead { tr { @for head in heads { th scope="col" class=[head.strip_prefix('#').map(|_| "number")] { (head.trim_start_matches('#')) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// A number; nothing is quieter than something.
fn number(count: usize, class: &str) -> Markup {
    html! { @if count == 0 { td.number.none { "0" } } @else { td class={ "number " (class) } { (count) } } }
}
