//! How the author of a sentence wants a place told: days and hours in words ("3 days", "5 hours", "26 days ago"), or names alone.

use super::sentence::{join, shown};
use crate::model::Value;

/// From this many days on a span is told in days.
const IN_DAYS: f64 = 2.0;
const HOURS_OF_A_DAY: f64 = 24.0;
const MINUTES_OF_AN_HOUR: f64 = 60.0;

/// What stands behind the colon of a place: `{observed:days}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// The names of rows, without what offends in them.
    Names,
    /// A length of time.
    Length(Unit),
    /// A moment, ahead of us or (below zero) past.
    Moment(Unit),
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Days,
    Hours,
}

impl Telling {
    /// The words, for messages.
    pub(super) const WORDS: &'static str = ":days, :hours, :in_days, :in_hours, :names";

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "days" => Self::Length(Unit::Days),
            "hours" => Self::Length(Unit::Hours),
            "in_days" => Self::Moment(Unit::Days),
            "in_hours" => Self::Moment(Unit::Hours),
            "names" => Self::Names,
            _ => return None,
        })
    }

    /// A value in words; what is no number stays as it is, with its unit.
    pub(super) fn tell(self, value: &Value) -> String {
        number(value).and_then(|number| self.words(number)).unwrap_or_else(|| match self {
            Self::Names => shown(value),
            Self::Length(Unit::Days) | Self::Moment(Unit::Days) => format!("{} days", shown(value)),
            Self::Length(Unit::Hours) | Self::Moment(Unit::Hours) => format!("{} hours", shown(value)),
        })
    }

    /// What offends, row by row: `w-1 (26 days ago)`. Rows are `name: value` by then.
    pub(super) fn tell_all(self, offenders: &Value) -> String {
        let Some(items) = offenders.as_list() else { return self.tell(offenders) };
        let row = |item: &Value| match item.as_text().and_then(|text| text.rsplit_once(": ")) {
            Some((name, _)) if self == Self::Names => name.to_owned(),
            Some((name, text)) => match text.parse().ok().and_then(|number| self.words(number)) {
                Some(words) => format!("{name} ({words})"),
                None => shown(item),
            },
            None => number(item).and_then(|number| self.words(number)).unwrap_or_else(|| shown(item)),
        };
        join(items.iter().map(row), items.len())
    }

    fn words(self, number: f64) -> Option<String> {
        let length = |unit| match unit {
            Unit::Days => days(number.abs()),
            Unit::Hours => hours(number.abs()),
        };
        Some(match self {
            Self::Names => return None,
            Self::Length(unit) => length(unit),
            Self::Moment(unit) if number < 0.0 => format!("{} ago", length(unit)),
            Self::Moment(unit) => format!("in {}", length(unit)),
        })
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "days and hours of centuries fit 53 bits")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) if number.is_finite() => Some(*number),
        _ => None,
    }
}

/// A whole number of days is told as such; a part of them in hours where there are few.
fn days(number: f64) -> String {
    if number == 0.0 {
        "less than a day".to_owned()
    } else if number >= IN_DAYS || number.fract() == 0.0 {
        counted(number, "day")
    } else {
        hours(number * HOURS_OF_A_DAY)
    }
}

fn hours(number: f64) -> String {
    let minutes = number * MINUTES_OF_AN_HOUR;
    if number >= 1.0 {
        counted(number, "hour")
    } else if minutes >= 1.0 {
        counted(minutes, "minute")
    } else {
        "less than a minute".to_owned()
    }
}

/// Rounded down, as ages are.
fn counted(number: f64, unit: &str) -> String {
    let whole = number.floor().to_string();
    let s = if whole == "1" { "" } else { "s" };
    format!("{whole} {unit}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(word: &str, number: f64) -> String {
        Telling::from_word(word).unwrap().tell(&Value::Float(number))
    }

    #[test]
    fn numbers_become_words_that_a_reader_can_take_literally() {
        for (word, number, wanted) in [
            ("days", 365.9, "365 days"),
            ("days", 1.0, "1 day"),
            ("days", 1.5, "36 hours"),
            ("days", 0.05, "1 hour"),
            ("days", 0.04, "57 minutes"),
            ("days", 0.0, "less than a day"),
            ("days", 0.0001, "less than a minute"),
            ("days", -26.32, "26 days"),
            ("in_days", -26.32, "26 days ago"),
            ("in_days", 0.5, "in 12 hours"),
            ("hours", 60.0, "60 hours"),
            ("in_hours", 5.2, "in 5 hours"),
        ] {
            assert_eq!(told(word, number), wanted, "{number} {word}");
        }
        assert_eq!(Telling::from_word("days").unwrap().tell(&Value::text("never")), "never days");
        assert_eq!(Telling::from_word("weeks"), None);
    }

    #[test]
    fn offenders_are_told_with_their_names() {
        let rows = Value::list(["w-old: -26.32", "w: b: 0.5", "w-odd: null", "… and 3 more"].map(Value::text));
        let told = Telling::from_word("in_days").unwrap().tell_all(&rows);
        assert_eq!(told, "w-old (26 days ago), w: b (in 12 hours), w-odd: null, … and 3 more");
        let names = Value::list(["csirt: false", "vendor: false"].map(Value::text));
        assert_eq!(Telling::Names.tell_all(&names), "csirt, vendor");
    }
}
