//! The author's own sentences, with places that are filled by what was seen.

use super::sentence::{sentence, shown};
use super::telling::Telling;
use crate::model::Value;
use crate::rule::Context;
use crate::rule::name::{Lookup, Name};

/// A sentence of the check's author with `{observed}`, `{expected}` and `{offenders}` in it; of an exclusion with
/// `{elements}`, the names of what it looked at. `{linux.os.name}` is what a fact, a parameter or the inventory says,
/// `{-days.left}` a number with its sign turned round. Behind a colon stands how a number is told: `{observed:days}` is
/// "3 days" or "5 hours", `{offenders:in_days}` is "w-1 (26 days ago)".
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Words(String),
    Observed(Option<Telling>),
    Expected(Option<Telling>),
    Offenders(Option<Telling>),
    Said { name: Name, turned: bool, how: Option<Telling> },
}

/// What the places of a finding are filled with.
pub(super) struct Filling<'a> {
    pub(super) observed: &'a Value,
    pub(super) expected: &'a Value,
    /// In words; empty where they are what was observed.
    pub(super) offenders: &'a str,
}

impl Template {
    const PLACES: &'static str = "{observed}, {expected}, {offenders}, {elements} and names such as {device.model}";
    /// Refuses places that nothing fills.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("`say` is empty; leave it out for the generated sentence".to_owned());
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').unwrap_or((after, ""));
            pieces.push(Piece::Words(before.to_owned()));
            pieces.push(Piece::parse(place).ok_or_else(|| {
                format!("`say` has no place {{{place}}}; there are {}, each also with {}", Self::PLACES, Telling::WORDS)
            })?);
            rest = after;
        }
        pieces.push(Piece::Words(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// What it reads besides the finding, for the checks at load time.
    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Said { name, .. } => Some(name),
            _ => None,
        })
    }

    /// Fills the places in one pass, so that no text of a device is taken for a place.
    pub(super) fn fill(&self, with: &Filling<'_>, context: &Context<'_>) -> String {
        let filled = self.0.iter().fold(String::new(), |mut filled, piece| {
            match piece {
                Piece::Words(words) => filled.push_str(words),
                Piece::Observed(how) => filled.push_str(&told(with.observed, *how)),
                Piece::Expected(how) => filled.push_str(&told(with.expected, *how)),
                Piece::Offenders(Some(how)) => filled.push_str(&how.tell_all(with.observed)),
                Piece::Offenders(None) if with.offenders.is_empty() => filled.push_str(&shown(with.observed)),
                Piece::Offenders(None) => filled.push_str(with.offenders),
                Piece::Said { name, turned, how } => filled.push_str(&said(name, *turned, *how, context)),
            }
            filled
        });
        sentence(filled)
    }
}

impl Piece {
    fn parse(place: &str) -> Option<Self> {
        let (place, how) = match place.rsplit_once(':') {
            Some((place, word)) => (place, Some(Telling::from_word(word)?)),
            None => (place, None),
        };
        Some(match place {
            "observed" => Self::Observed(how),
            "expected" => Self::Expected(how),
            "offenders" | "elements" => Self::Offenders(how),
            name => {
                let turned = name.strip_prefix('-');
                let name = turned.unwrap_or(name);
                let is_name = name.contains('.') && !name.contains(char::is_whitespace);
                Self::Said { name: Name::subject(name).ok().filter(|_| is_name)?, turned: turned.is_some(), how }
            }
        })
    }
}

fn told(value: &Value, how: Option<Telling>) -> String {
    how.map_or_else(|| shown(value), |how| how.tell(value))
}

fn said(name: &Name, turned: bool, how: Option<Telling>, context: &Context<'_>) -> String {
    let Lookup::Found(value) = name.look_up(context) else { return "(not known)".to_owned() };
    match (&*value, turned) {
        (Value::Int(number), true) => told(&Value::Int(number.saturating_neg()), how),
        // not `-number`, which makes "-0" of nothing
        (Value::Float(number), true) => told(&Value::Float(0.0 - number), how),
        (value, _) => told(value, how),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::scene::Scene;

    #[test]
    fn places_are_filled_once() {
        let template = Template::parse("saw {observed}, want {expected}: {offenders}").unwrap();
        let (observed, expected) = (Value::text("{expected}"), Value::text("b"));
        let with = Filling { observed: &observed, expected: &expected, offenders: "c" };
        assert_eq!(template.fill(&with, &Scene::new().context()), "saw {expected}, want b: c");
    }

    #[test]
    fn a_sentence_names_other_facts_parameters_and_the_inventory() {
        let scene = Scene::of(r#"{"model":"X{observed}","left":-168.0,"n":3}"#);
        let template =
            Template::parse("{t.f.model} of {asset.vendor}, {-t.f.left} days, {-t.f.n}, {t.f.gone}").unwrap();
        let with = Filling { observed: &Value::Float(1.0), expected: &Value::Int(30), offenders: "" };
        assert_eq!(template.fill(&with, &scene.context()), "X{observed} of Example, 168 days, -3, (not known)");
        assert_eq!(template.names().count(), 5);
        let template = Template::parse("{-t.f.left:days} ago, {observed:days}, not {expected:days}").unwrap();
        assert_eq!(template.fill(&with, &scene.context()), "168 days ago, 1 day, not 30 days");
    }

    #[test]
    fn a_place_that_nothing_fills_is_refused() {
        for bad in ["{who}", "{", "{a b.c}", "{-observed}", " ", "{.a}", "{observed:weeks}", "{observed:}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
        assert!(Template::parse("{who}").unwrap_err().contains("{observed}"));
    }
}
