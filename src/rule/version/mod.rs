//! The order of versions, by the rules of whoever gave them out.
//!
//! Two versions that a scheme cannot order compare as nothing, which a check reports as unknown: a
//! guessed order would be a guessed verdict.

mod cisco;
mod debian;
mod junos;
mod mixed;
mod rpm;
mod semver;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// Longest version that is compared, in bytes; real ones stay far below.
const MAX_LEN: usize = 256;

/// How versions of one maker are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Numbers between dots (`4.10.2`), a leading `v` allowed; `1.2` equals `1.2.0`.
    #[default]
    #[serde(alias = "numeric-dotted")]
    Numeric,
    /// <https://semver.org>, one to three numbers.
    Semver,
    /// Debian policy, section 5.6.12.
    Debian,
    /// The order of rpm, with `~` and `^`.
    Rpm,
    /// Numbers and words of firmware: `V4.5.1`, `FW 02.06.03`, `10.2.9-h1`.
    Mixed,
    /// IOS, IOS XE, NX-OS and ASA; different trains are not comparable.
    Cisco,
    /// Junos; X releases of different numbers are not comparable.
    Junos,
    /// No order: equal or not comparable.
    #[serde(alias = "opaque-list")]
    Opaque,
}

impl Scheme {
    /// The scheme that this word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "numeric" | "numeric-dotted" => Self::Numeric,
            "semver" => Self::Semver,
            "debian" => Self::Debian,
            "rpm" => Self::Rpm,
            "mixed" => Self::Mixed,
            "cisco" => Self::Cisco,
            "junos" => Self::Junos,
            "opaque" | "opaque-list" => Self::Opaque,
            _ => return None,
        })
    }

    /// The word that names it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Semver => "semver",
            Self::Debian => "debian",
            Self::Rpm => "rpm",
            Self::Mixed => "mixed",
            Self::Cisco => "cisco",
            Self::Junos => "junos",
            Self::Opaque => "opaque",
        }
    }

    /// Every word that names a scheme, for messages.
    pub const WORDS: &'static str = "numeric, semver, debian, rpm, mixed, cisco, junos, opaque";
}

/// Orders `a` against `b`; `None` when the scheme cannot read one of them.
#[must_use]
pub fn compare(a: &str, b: &str, scheme: Scheme) -> Option<Ordering> {
    let (a, b) = (a.trim(), b.trim());
    if [a, b].iter().any(|text| text.is_empty() || text.len() > MAX_LEN || !text.is_ascii()) {
        return None;
    }
    match scheme {
        Scheme::Numeric => Some(numeric(&numbers(a)?, &numbers(b)?)),
        Scheme::Semver => semver::compare(a, b),
        Scheme::Debian => debian::compare(a, b),
        Scheme::Rpm => rpm::compare(a, b),
        Scheme::Mixed => mixed::compare(a, b),
        Scheme::Cisco => cisco::compare(a, b),
        Scheme::Junos => junos::compare(a, b),
        Scheme::Opaque => (a == b).then_some(Ordering::Equal),
    }
}

/// The digit runs of a dotted version, or nothing when anything else stands in it.
fn numbers(text: &str) -> Option<Vec<&str>> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let parts: Vec<&str> = text.split(['.', '-', '_']).collect();
    parts.iter().all(|part| is_number(part)).then_some(parts)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn numeric(a: &[&str], b: &[&str]) -> Ordering {
    let part = |parts: &[&str], at: usize| parts.get(at).map_or("0", |part| part).to_owned();
    (0..a.len().max(b.len()))
        .map(|at| digits(&part(a, at), &part(b, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Orders two runs of digits of any length by their numeric value; the empty run is zero.
fn digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Splits `epoch:rest`; a missing epoch is zero, one that is no number is refused.
fn epoch(text: &str) -> Option<(&str, &str)> {
    match text.split_once(':') {
        None => Some(("0", text)),
        Some((epoch, rest)) => is_number(epoch).then_some((epoch, rest)),
    }
}

#[cfg(test)]
mod tests;
