//! What stands behind the question mark: each name once, none that the resource does not know.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Refusal;
use crate::model::{Severity, Time, Verdict, did_you_mean};

/// Entries of a page where nothing is said.
const USUAL: usize = 100;
/// Entries of a page whose rows are long, where nothing is said.
pub(in crate::api) const SHORT: usize = 25;
/// Most entries of a page.
const MOST: usize = 1_000;
/// Parameters that are looked at.
const MOST_PARAMETERS: usize = 32;

/// The parameters of a request. Take them one by one, then [`Query::finish`] refuses what nobody took.
#[derive(Debug, Default)]
pub(in crate::api) struct Query {
    left: BTreeMap<String, String>,
    twice: Option<String>,
    known: Vec<&'static str>,
}

/// Which entries of a list are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Page {
    /// At most so many.
    pub(in crate::api) limit: usize,
    /// So many are left out at the beginning.
    pub(in crate::api) offset: usize,
}

impl Page {
    /// The part of a list that is wanted.
    pub(in crate::api) fn of<T>(self, all: &[T]) -> &[T] {
        let start = self.offset.min(all.len());
        &all[start..all.len().min(start.saturating_add(self.limit))]
    }

    /// Where the next page begins; `None` behind the last one.
    pub(in crate::api) fn next(self, total: usize) -> Option<usize> {
        Some(self.offset.saturating_add(self.limit)).filter(|next| *next < total)
    }
}

impl Query {
    /// Reads a query string.
    pub(in crate::api) fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()).take(MOST_PARAMETERS) {
            if query.left.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                query.twice.get_or_insert(name.into_owned());
            }
        }
        query
    }

    /// All of it but one parameter, as it stands behind the question mark.
    pub(in crate::api) fn without(&self, name: &str) -> String {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(self.left.iter().filter(|(known, value)| *known != name && !value.is_empty()));
        text.finish()
    }

    /// The text of a parameter; an empty one is none, as forms send what nobody filled in.
    pub(in crate::api) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.left.remove(name).filter(|value| !value.is_empty())
    }

    /// A parameter of a type with a rule.
    pub(in crate::api) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Refusal::InvalidValue(format!("{name}: {error}")))
    }

    /// A whole number.
    pub(in crate::api) fn number<T: FromStr>(&mut self, name: &'static str) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().map(Some);
        number.map_err(|_| Refusal::InvalidValue(format!("{name}: {text:?} is no whole number from 0 on")))
    }

    /// `true` or `false`.
    pub(in crate::api) fn truth(&mut self, name: &'static str) -> Result<Option<bool>, Refusal> {
        Ok(self.words(name, &["true", "false"])?.first().map(|word| *word == "true"))
    }

    /// A moment, RFC 3339.
    pub(in crate::api) fn time(&mut self, name: &'static str) -> Result<Option<Time>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let time = chrono::DateTime::parse_from_rfc3339(&text).map(|time| Some(time.to_utc()));
        time.map_err(|_| {
            Refusal::InvalidValue(format!("{name}: {text:?} is no time such as 2026-11-26T08:00:00Z (RFC 3339)"))
        })
    }

    /// Words of a closed set, separated by commas; empty when nothing is said.
    pub(in crate::api) fn words(
        &mut self,
        name: &'static str,
        known: &[&'static str],
    ) -> Result<Vec<&'static str>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(Vec::new()) };
        let word = |word: &str| {
            known.iter().find(|one| **one == word).copied().ok_or_else(|| stranger(name, word, known.iter().copied()))
        };
        text.split(',').map(str::trim).map(word).collect()
    }

    /// States of pairs.
    pub(in crate::api) fn states(&mut self) -> Result<Vec<&'static str>, Refusal> {
        self.words("state", &Verdict::WORDS)
    }

    /// Severities.
    pub(in crate::api) fn severities(&mut self) -> Result<Vec<Severity>, Refusal> {
        let known: Vec<_> = Severity::ALL.iter().map(|one| one.word()).collect();
        Ok(self.words("severity", &known)?.into_iter().filter_map(Severity::from_word).collect())
    }

    /// `limit` and `offset`.
    pub(in crate::api) fn page(&mut self) -> Result<Page, Refusal> {
        self.page_of(USUAL)
    }

    /// The same with another limit where nothing is said.
    pub(in crate::api) fn page_of(&mut self, usual: usize) -> Result<Page, Refusal> {
        let limit = self.limit(usual)?;
        Ok(Page { limit, offset: self.number("offset")?.unwrap_or(0) })
    }

    /// `limit` alone.
    pub(in crate::api) fn limit(&mut self, usual: usize) -> Result<usize, Refusal> {
        let limit = self.number("limit")?.unwrap_or(usual);
        if (1..=MOST).contains(&limit) {
            return Ok(limit);
        }
        Err(Refusal::InvalidValue(format!("limit: {limit} is not between 1 and {MOST}")))
    }

    /// Refuses what is left.
    pub(in crate::api) fn finish(self) -> Result<(), Refusal> {
        if let Some(name) = self.twice {
            return Err(Refusal::UnknownParameter(format!("{name:?} is given twice; it is taken once")));
        }
        let Some(name) = self.left.into_keys().next() else { return Ok(()) };
        let known = self.known.join(", ");
        let known = if known.is_empty() { "this resource takes none".to_owned() } else { format!("known: {known}") };
        Err(Refusal::UnknownParameter(format!("there is no parameter {name:?}; {known}")))
    }
}

/// What is said about a value that does not exist.
pub(in crate::api) fn stranger<'a>(name: &str, value: &str, known: impl IntoIterator<Item = &'a str>) -> Refusal {
    let near = did_you_mean(value, known);
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    Refusal::InvalidValue(format!("{name}: there is no {value:?}{hint}"))
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_known_and_one_that_comes_twice_are_refused_by_name() {
        let mut query = Query::parse("zone=cell-1&colour=red");
        assert_eq!(query.text("zone").as_deref(), Some("cell-1"));
        assert!(matches!(query.finish(), Err(Refusal::UnknownParameter(text)) if text.contains("colour")));
        let mut query = Query::parse("zone=a&zone=b");
        query.text("zone");
        assert!(matches!(query.finish(), Err(Refusal::UnknownParameter(text)) if text.contains("zone")));
    }

    #[test]
    fn pages_are_bounded_and_end() {
        for wrong in ["limit=0", "limit=1001", "limit=-1", "offset=x"] {
            assert!(matches!(Query::parse(wrong).page(), Err(Refusal::InvalidValue(_))), "{wrong}");
        }
        let page = Query::parse("limit=2&offset=1").page().unwrap();
        assert_eq!((page.of(&[1, 2, 3, 4]), page.next(4), page.next(3)), (&[2, 3][..], Some(3), None));
        let beyond = Page { limit: 5, offset: usize::MAX };
        assert!(beyond.of(&[1]).is_empty() && beyond.next(1).is_none());
    }

    #[test]
    fn a_word_outside_its_set_is_named_with_the_nearest_one() {
        let refused = Query::parse("state=fial").states();
        assert!(matches!(refused, Err(Refusal::InvalidValue(text)) if text.contains("fial") && text.contains("fail")));
        assert_eq!(Query::parse("state=fail,unknown").states().unwrap(), ["fail", "unknown"]);
    }
}
