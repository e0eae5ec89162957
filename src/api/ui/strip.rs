//! The history of one pair as a strip: which state it was in, when.

use maud::{Markup, html};

use crate::model::{Time, Transition, Verdict};

/// Width of a strip, in its own units.
const WIDTH: f64 = 200.0;
/// The thinnest piece that can be seen.
const THINNEST: f64 = 2.0;
/// Changes that a strip shows; more would be thinner than a line.
const MOST: usize = 100;

/// A strip from `from` to `now`. `changes` are the changes within, oldest first; `state` is how it stands now, since `since`.
pub(super) fn strip(changes: &[&Transition], state: &str, since: Option<Time>, from: Time, now: Time) -> Markup {
    let whole = (now - from).as_seconds_f64().max(1.0);
    let place = |time: Time| ((time - from).as_seconds_f64() / whole).clamp(0.0, 1.0) * (WIDTH - THINNEST);
    let changes = &changes[changes.len().saturating_sub(MOST)..];
    let mut pieces: Vec<(f64, &str)> = Vec::new();
    match changes.first() {
        Some(first) => pieces.extend(first.from.map(|before| (0.0, before.word()))),
        None => pieces.extend(since.map(|since| (place(since), state))),
    }
    pieces.extend(changes.iter().map(|change| (place(change.at), change.to.word())));
    let ends = pieces.iter().skip(1).map(|(start, _)| *start).chain([WIDTH]);
    let said = match changes.len() {
        0 => format!("{state} throughout"),
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    };
    html! {
        svg.strip viewBox="0 0 200 12" role="img" aria-label=(said) preserveAspectRatio="none" {
            rect.ground x="0" y="0" width="200" height="12" {}
            @for ((start, word), end) in pieces.iter().zip(ends) {
                @let code = Verdict::WORDS.iter().position(|known| known == word).unwrap_or_default();
                // the worse, the higher: the strip is read without colours, too
                @let height = [4, 7, 12, 9, 5, 2][code];
                rect class=(word) x=(format!("{start:.2}")) y=(12 - height) width=(format!("{:.2}", (end - start).max(THINNEST))) height=(height) {}
            }
        }
    }
}
