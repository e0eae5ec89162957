//! Small pieces that several pages are made of.

use maud::{Markup, html};

use crate::api::Tally;
use crate::api::v1::Entry;
use crate::model::{Cause, Time, Verdict};

/// Longest text of a device that is shown, in characters.
const LONGEST: usize = 400;
/// Longest reason in a row of a table; the page of the pair has it whole.
const IN_A_ROW: usize = 160;

/// A state, with its cause in words and as the word that filters, labels and logs have.
pub(super) fn state(word: &str, cause: Option<&str>) -> Markup {
    html! {
        span class={ "state " (word) } { (word.replace('_', " ")) }
        @if let Some(cause) = cause { " " small { (because(cause)) } }
    }
}

/// A cause in words, with its own word beside.
pub(super) fn because(cause: &str) -> Markup {
    html! { @if let Some(known) = Cause::from_word(cause) { (known.meaning()) " " } code { (cause) } }
}

/// How a pair stands, how much it matters, and why it is unknown; what was not judged yet has no cause of its own.
pub(super) fn standing(entry: &Entry) -> Markup {
    html! {
        (state(entry.state, None)) small { ", " (entry.severity) }
        @if let Some(cause) = entry.cause.filter(|_| entry.reason.is_some()) { br; small { (because(cause)) } }
    }
}

/// Our own text, with what stands between backticks as code.
pub(super) fn prose(text: &str) -> Markup {
    html! { @for (at, part) in text.split('`').enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } } }
}

/// A moment, to the minute.
pub(super) fn minute(time: Time) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A moment, to the second.
pub(super) fn second(time: Time) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moment that machines read, too.
pub(super) fn moment(time: Time) -> Markup {
    html! { time datetime=(time.to_rfc3339()) { (minute(time)) } }
}

/// A span until or since a moment, in its two largest units.
pub(super) fn span(seconds: i64) -> String {
    let mut left = seconds.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if left >= size && parts.len() < 2 {
            parts.push(format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// What may be a device's own words, cut to a length that leaves the page readable.
pub(super) fn bounded(text: &str) -> String {
    cut(text, LONGEST)
}

fn cut(text: &str, longest: usize) -> String {
    let mut short: String = text.chars().take(longest).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(longest).is_some() {
        short.push('…');
    }
    short
}

/// Counts by state, in words; states of which there is none are left out.
pub(super) fn counts(tally: &Tally) -> Markup {
    let counted = Verdict::WORDS.iter().zip(tally.states()).filter(|(_, count)| *count > 0);
    html! {
        ul.counts {
            @for (word, count) in counted { li { b class=(word) { (count) } " " (word.replace('_', " ")) } }
        }
    }
}

/// A table of pairs. `with_asset` and `with_check` leave out what the page is about.
pub(super) fn pairs(entries: &[Entry], with_asset: bool, with_check: bool) -> Markup {
    html! {
        table.findings aria-label="Verdicts with their reasons" {
            thead { tr {
                th scope="col" { "State" }
                @if with_asset { th scope="col" { "Asset" } }
                @if with_check { th scope="col" { "Check" } }
                th scope="col" { "Reason" } th scope="col" { "What to do" } th scope="col" { "Since" }
            } }
            tbody { @for entry in entries {
                tr {
                    td data-label="State" { (standing(entry)) }
                    @if with_asset {
                        td data-label="Asset" { a href={ "/assets/" (entry.asset) } { (entry.asset) } br; small { (entry.zone) } }
                    }
                    @if with_check {
                        td data-label="Check" { a href={ "/assets/" (entry.asset) "/" (entry.check) } { (entry.title) }
                            br; small { a href={ "/checks/" (entry.check) } { (entry.check) } } }
                    }
                    td data-label="Reason" { @match &entry.reason {
                        Some(reason) => (cut(reason, IN_A_ROW)),
                        None => "not judged yet; the next visit will tell",
                    }
                    @if !with_check { " " a href={ "/assets/" (entry.asset) "/" (entry.check) } { "Evidence" } } }
                    td data-label="What to do" { (prose(what_to_do(entry))) }
                    td data-label="Since" { @if let Some(since) = entry.since { (moment(since)) } }
                }
            } }
        }
    }
}

/// The fix of a fail, the advice for an unknown; nothing for what is well.
pub(super) fn what_to_do(entry: &Entry) -> &str {
    match entry.state {
        "fail" | "warn" | "waived" => &entry.fix,
        "unknown" => entry.advice.unwrap_or_default(),
        _ => "",
    }
}

/// The way to the neighbours of a page of a list; `query` is what filters it.
pub(super) fn pager(path: &str, query: &str, offset: usize, limit: usize, total: usize) -> Markup {
    let at = |offset: usize| format!("{path}?{query}{}offset={offset}", if query.is_empty() { "" } else { "&" });
    html! {
        @if total > limit {
            p.pager {
                @if offset > 0 { a href=(at(offset.saturating_sub(limit))) rel="prev" { "Before" } " " }
                (offset + 1) " to " (total.min(offset + limit)) " of " (total) " "
                @if offset + limit < total { a href=(at(offset + limit)) rel="next" { "Next" } }
            }
        }
    }
}

/// A select box of a filter form.
pub(super) fn choice<'a>(
    label: &str,
    name: &str,
    chosen: Option<&str>,
    all: impl IntoIterator<Item = &'a str>,
) -> Markup {
    html! {
        label { (label) " "
            select name=(name) {
                option value="" { "all" }
                @for word in all { option value=(word) selected[chosen == Some(word)] { (word.replace('_', " ")) } }
            }
        }
    }
}
