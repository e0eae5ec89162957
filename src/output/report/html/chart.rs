//! The trend as bars of one SVG: met below, then waived, open and unknown.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use crate::output::report::{Report, Tick, percent, shown};

/// Size of the drawing, in its own units.
const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 120.0;
/// Free space between bars, as a share of a bar.
const GAP: f64 = 0.18;

pub(super) fn trend(report: &Report) -> Markup {
    let ticks: Vec<&Tick> = report.trend.iter().collect();
    let watched: Vec<&&Tick> = ticks.iter().filter(|tick| tick.gross_score.is_some()).collect();
    let (Some(first), Some(last)) = (watched.first(), watched.last()) else {
        return html! { p { "Nothing was watched in this period." } };
    };
    let told = format!(
        "Gross score {} on {}, {} on {}.",
        percent(first.gross_score),
        shown(first.at),
        percent(last.gross_score),
        shown(last.at)
    );
    html! {
        figure {
            (PreEscaped(bars(&ticks, &told)))
            div.ends { @if let [first, .., last] = ticks.as_slice() { span { (shown(first.at)) } span { (shown(last.at)) } } }
            figcaption {
                span.key.met { "met" } span.key.waived { "waived" } span.key.fail { "open" } span.key.unknown { "unknown" }
                span { (told) " Each bar is one moment, with all pairs that were watched then." }
            }
        }
    }
}

/// Only numbers and our own words go into it.
#[expect(clippy::cast_precision_loss, reason = "counts of pairs are small")]
fn bars(ticks: &[&Tick], told: &str) -> String {
    let most = ticks.iter().map(|tick| parts(tick).iter().map(|(_, count)| count).sum::<usize>()).max().unwrap_or(0);
    let (step, scale) = (WIDTH / ticks.len().max(1) as f64, HEIGHT / most.max(1) as f64);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{told}\">"
    );
    for (at, tick) in ticks.iter().enumerate() {
        let (x, mut y) = (at as f64 * step + step * GAP / 2.0, HEIGHT);
        write!(svg, "<g><title>{}: ", tick.at.format("%Y-%m-%d %H:%M UTC")).ok();
        let words: Vec<String> = parts(tick).iter().map(|(class, count)| format!("{count} {class}")).collect();
        write!(svg, "{}</title>", words.join(", ")).ok();
        for (class, count) in parts(tick) {
            let height = count as f64 * scale;
            y -= height;
            if count > 0 {
                let width = (step * (1.0 - GAP)).min(60.0);
                write!(
                    svg,
                    "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
                )
                .ok();
            }
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    svg
}

fn parts(tick: &Tick) -> [(&'static str, usize); 4] {
    [("met", tick.met), ("waived", tick.waived), ("fail", tick.open), ("unknown", tick.unknown)]
}
