//! Forms of acts. The script sends what they say to the API as JSON: a name with a dot is a key within another, a field that is
//! empty is left out, and a time is that of the reader's clock.

use maud::{Markup, html};
use serde_json::Value;

/// Longest line that is typed, in characters.
const LONGEST: &str = "500";

/// A line of text.
pub(super) fn text(label: &str, name: &str, is_needed: bool) -> Markup {
    html! { label { (label) " " input name=(name) required[is_needed] maxlength=(LONGEST); } }
}

/// Words with commas or spaces between them; `filled` stands there at first.
pub(super) fn words(label: &str, name: &str, is_needed: bool, filled: &str) -> Markup {
    html! { label { (label) " " input name=(name) value=(filled) required[is_needed] maxlength=(LONGEST) data-kind="list"; } }
}

/// Lines of `name=value`.
pub(super) fn pairs(label: &str, name: &str) -> Markup {
    html! { label { (label) " " textarea name=(name) rows="2" maxlength=(LONGEST) data-kind="pairs" {} } }
}

/// Labels of assets as lines of `name=value`, each name with one value or more.
pub(super) fn labels(label: &str, name: &str) -> Markup {
    html! { label { (label) " " textarea name=(name) rows="2" maxlength=(LONGEST) data-kind="labels" {} } }
}

/// Files, of which the digests are sent.
pub(super) fn files(label: &str, name: &str, is_needed: bool) -> Markup {
    html! { label { (label) " " input type="file" multiple name=(name) required[is_needed]; } }
}

/// A number of days.
pub(super) fn days(label: &str, name: &str) -> Markup {
    html! { label { (label) " " input type="number" name=(name) min="1" max="3653"; } }
}

/// A moment.
pub(super) fn time(label: &str, name: &str, is_needed: bool) -> Markup {
    html! { label { (label) " " input type="datetime-local" name=(name) required[is_needed]; } }
}

/// Something that is so when it is ticked.
pub(super) fn tick(label: &str, name: &str) -> Markup {
    html! { label { input type="checkbox" name=(name); " " (label) } }
}

/// One of a few words; the first is chosen.
pub(super) fn one_of<'a>(label: &str, name: &str, all: impl IntoIterator<Item = &'a str>) -> Markup {
    html! {
        label { (label) " "
            select name=(name) { @for word in all { option value=(word) { (word.replace('_', " ")) } } }
        }
    }
}

/// The reason, which every act has.
pub(super) fn reason() -> Markup {
    text("Reason", "reason", true)
}

/// What sends the form; `body` is what the fields do not say.
pub(super) fn send(label: &str, path: &str, body: Option<&Value>) -> Markup {
    html! { button type="button" data-act={ "/api/v1" (path) } data-body=[body] { (label) } }
}

/// A form that is opened first.
pub(super) fn behind(title: &str, fields: &Markup) -> Markup {
    html! { details { summary { (title) } form.act { (fields) } } }
}
