//! Regular expressions that cannot cost more than their text.

use std::fmt;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// Longest source of a pattern, in bytes.
const MAX_SOURCE: usize = 1024;
/// Largest compiled program, in bytes; `\w{100}` alone takes several hundred thousand with Unicode classes.
const MAX_COMPILED: usize = 2 << 20;

/// A compiled regular expression; matching takes time linear in the text.
#[derive(Clone)]
pub struct Pattern(Arc<Regex>);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// One line for the writer of the pattern: too long, too large once compiled, or not a regular expression.
    pub fn parse(source: &str) -> Result<Self, String> {
        if source.len() > MAX_SOURCE {
            return Err(format!("a pattern has at most {MAX_SOURCE} characters, this one has {}", source.len()));
        }
        RegexBuilder::new(source).size_limit(MAX_COMPILED).build().map(|regex| Self(Arc::new(regex))).map_err(|error| {
            match error {
                regex::Error::CompiledTooBig(_) => {
                    format!("the pattern {source:?} grows too large; use smaller repetitions")
                }
                other => format!("{source:?} is no regular expression: {}", last_line(&other.to_string())),
            }
        })
    }

    /// The regular expression.
    #[must_use]
    pub fn regex(&self) -> &Regex {
        &self.0
    }

    /// Whether it has named groups.
    pub(super) fn has_names(&self) -> bool {
        self.0.capture_names().flatten().next().is_some()
    }
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Source;
        impl Visitor<'_> for Source {
            type Value = Pattern;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a regular expression as text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Pattern, E> {
                Pattern::parse(text).map_err(E::custom)
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Pattern, E> {
                Err(E::invalid_type(Unexpected::Signed(number), &self))
            }
        }
        deserializer.deserialize_str(Source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_pattern_is_refused_in_one_line() {
        let error = Pattern::parse("a(").unwrap_err();
        assert!(error.contains("unclosed group") && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_pattern_that_explodes_is_refused() {
        assert!(Pattern::parse("(?:(?:a{1000}){1000}){1000}").unwrap_err().contains("too large"));
        assert!(Pattern::parse(&"a".repeat(2000)).is_err());
    }
}
