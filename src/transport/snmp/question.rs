//! What fact files ask over SNMP, checked when the file is loaded.

use serde::{Deserialize, Serialize};

/// Longest object identifier (RFC 2578 section 3.5).
const MOST_ARCS: usize = 128;
/// Most communities one version probe may try: two versions each make four datagrams.
const MOST_COMMUNITIES: usize = 2;
/// Longest community that is tried.
const LONGEST_COMMUNITY: usize = 64;

/// Objects to read: `snmp: { get: [oid…], walk: [oid…] }`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Draft")]
pub struct Question {
    /// Instances to read with GET, dotted, without a leading dot.
    pub get: Vec<String>,
    /// Roots of the subtrees to walk, likewise.
    pub walk: Vec<String>,
}

/// Which versions and well-known communities an agent answers: `snmp_versions: { communities: [public, private] }`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionProbe {
    /// Communities to try, two at most: each costs one datagram a version.
    #[serde(deserialize_with = "communities")]
    pub communities: Vec<String>,
}

/// Why text is no object identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidError {
    /// Not numbers separated by dots.
    #[error("{0:?} is not an object identifier: numbers up to 4294967295 separated by dots, like 1.3.6.1.2.1.1.1.0")]
    Syntax(String),
    /// One arc, or more than 128.
    #[error("{0:?} has {1} numbers; an object identifier has 2 to 128")]
    Length(String, usize),
    /// The first two arcs are out of their range.
    #[error("{0:?} does not exist: it starts with 0 to 2, and after 0 or 1 comes at most 39")]
    Start(String),
    /// Neither an object to get nor a root to walk.
    #[error("nothing is asked: give `get` or `walk` at least one object identifier")]
    Nothing,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Draft {
    get: Vec<String>,
    walk: Vec<String>,
}

impl TryFrom<Draft> for Question {
    type Error = OidError;

    fn try_from(draft: Draft) -> Result<Self, OidError> {
        Self::parse(&draft.get, &draft.walk)
    }
}

impl Question {
    /// Checks object identifiers and writes them without a leading dot.
    ///
    /// # Errors
    ///
    /// The first one that is none, or that there is none.
    pub fn parse(get: &[impl AsRef<str>], walk: &[impl AsRef<str>]) -> Result<Self, OidError> {
        if get.is_empty() && walk.is_empty() {
            return Err(OidError::Nothing);
        }
        Ok(Self {
            get: get.iter().map(|text| canonical(text.as_ref())).collect::<Result<_, _>>()?,
            walk: walk.iter().map(|text| canonical(text.as_ref())).collect::<Result<_, _>>()?,
        })
    }
}

fn canonical(text: &str) -> Result<String, OidError> {
    Ok(arcs(text)?.iter().map(u32::to_string).collect::<Vec<_>>().join("."))
}

/// Reads dotted numbers, with or without a leading dot.
pub(super) fn arcs(text: &str) -> Result<Vec<u32>, OidError> {
    let quoted = || text.chars().take(80).collect::<String>();
    let dotted = text.strip_prefix('.').unwrap_or(text);
    let numbers = dotted.split('.').map(|arc| {
        let digits = !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| arc.parse::<u32>().ok()).flatten().ok_or_else(|| OidError::Syntax(quoted()))
    });
    let arcs = numbers.take(MOST_ARCS + 1).collect::<Result<Vec<u32>, _>>()?;
    if !(2..=MOST_ARCS).contains(&arcs.len()) {
        return Err(OidError::Length(quoted(), arcs.len()));
    }
    if arcs[0] > 2 || (arcs[0] < 2 && arcs[1] > 39) {
        return Err(OidError::Start(quoted()));
    }
    Ok(arcs)
}

fn communities<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    use serde::de::Error;
    let found = Vec::<String>::deserialize(deserializer)?;
    if found.is_empty() || found.len() > MOST_COMMUNITIES {
        return Err(D::Error::custom("give one or two communities: each costs the asset two datagrams"));
    }
    if found.iter().any(|community| community.is_empty() || community.len() > LONGEST_COMMUNITY) {
        return Err(D::Error::custom("a community has 1 to 64 bytes"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_checked_and_written_one_way_when_it_is_loaded() {
        let question: Question =
            serde_json::from_str(r#"{"get": [".1.3.6.1.2.1.1.1.0"], "walk": ["1.3.6.1.2.1.2.2"]}"#).unwrap();
        assert_eq!(question.get, ["1.3.6.1.2.1.1.1.0"]);
        let again = serde_json::to_string(&question).unwrap();
        assert_eq!(serde_json::from_str::<Question>(&again).unwrap(), question);
    }

    #[test]
    fn what_is_no_object_identifier_does_not_load() {
        for (oid, message) in [
            ("sysDescr.0", "not an object identifier"),
            ("1.3..6", "not an object identifier"),
            ("1.3.+6", "not an object identifier"),
            ("1.3.4294967296", "not an object identifier"),
            ("", "not an object identifier"),
            ("1", "2 to 128"),
            ("3.1", "does not exist"),
            ("1.40.1", "does not exist"),
        ] {
            let error = Question::parse(&[oid], &[""; 0]).unwrap_err().to_string();
            assert!(error.contains(message), "{oid}: {error}");
        }
        let long = ["1"; 129].join(".");
        assert_eq!(Question::parse(&[""; 0], &[&long]).unwrap_err(), OidError::Length(long[..80].into(), 129));
        assert_eq!(Question::parse(&[""; 0], &[""; 0]), Err(OidError::Nothing));
    }

    #[test]
    fn an_unknown_key_does_not_load() {
        assert!(serde_json::from_str::<Question>(r#"{"get": ["1.3.6"], "set": []}"#).is_err());
        assert!(serde_json::from_str::<VersionProbe>(r#"{"communities": ["public"], "x": 1}"#).is_err());
    }

    #[test]
    fn a_version_probe_cannot_become_a_guessing_machine() {
        assert!(serde_json::from_str::<VersionProbe>(r#"{"communities": ["public", "private"]}"#).is_ok());
        assert!(serde_json::from_str::<VersionProbe>(r#"{"communities": ["a", "b", "c"]}"#).is_err());
        assert!(serde_json::from_str::<VersionProbe>(r#"{"communities": []}"#).is_err());
    }
}
