//! Ranges of versions as advisories write them: `vers:generic/>=1.0.0|<1.6.2`, `< V2.1`, `All versions`, `1.0 and 1.1`.
//!
//! What cannot be parsed, or whose order nobody can tell, is undecided; it is never taken for "not in the range".

use std::cmp::Ordering;

use crate::rule::version::{self, Scheme};

/// Longest text of a range that is read, in bytes.
const MAX_TEXT: usize = 2_000;
/// Most conditions of one range.
const MAX_CONDITIONS: usize = 100;

/// One condition on a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Not,
}

/// Which versions are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// Nothing is said of versions.
    Unstated,
    /// Every version.
    All,
    /// Those that meet conditions; the scheme is that of a `vers:` text that names one of ours.
    Conditions(Option<Scheme>, Box<[Condition]>),
    /// A text that cannot be read.
    Unreadable(Box<str>),
}

/// A sign and the version behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    sign: Sign,
    version: Box<str>,
}

impl Range {
    /// One version by itself.
    #[must_use]
    pub fn exactly(text: &str) -> Self {
        match word(text) {
            Some(version) => Self::Conditions(None, Box::new([Condition { sign: Sign::Equal, version }])),
            // a branch of the category "version" that holds a range after all
            None => Self::parse(text),
        }
    }

    /// Reads the text of a range.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let unreadable = || Self::Unreadable(super::guard::line(text).into());
        if text.len() > MAX_TEXT {
            return unreadable();
        }
        let parsed = match text.trim().strip_prefix("vers:") {
            Some(rest) => vers(rest),
            None => spoken(text),
        };
        parsed.unwrap_or_else(unreadable)
    }

    /// Whether a version is meant; `None` when that cannot be told. `scheme` is the order of the asset's own versions.
    #[must_use]
    pub fn contains(&self, version: &str, scheme: Scheme) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::Unstated | Self::Unreadable(_) => None,
            Self::Conditions(own, conditions) => holds(conditions, version, own.unwrap_or(scheme)),
        }
    }
}

/// <https://github.com/package-url/vers-spec>: `scheme/condition|condition`.
fn vers(text: &str) -> Option<Range> {
    let (scheme, conditions) = text.split_once('/')?;
    if conditions.trim() == "*" {
        return Some(Range::All);
    }
    let scheme = match scheme {
        "deb" => Some(Scheme::Debian),
        "rpm" => Some(Scheme::Rpm),
        "semver" | "npm" | "cargo" => Some(Scheme::Semver),
        "intdot" => Some(Scheme::Numeric),
        _ => None,
    };
    let conditions: Vec<&str> = conditions.split('|').collect();
    if conditions.len() > MAX_CONDITIONS {
        return None;
    }
    let conditions = conditions.into_iter().map(|one| condition(one.trim())).collect::<Option<_>>()?;
    Some(Range::Conditions(scheme, conditions))
}

fn condition(text: &str) -> Option<Condition> {
    let signs = [
        ("<=", Sign::AtMost),
        (">=", Sign::AtLeast),
        ("!=", Sign::Not),
        ("≤", Sign::AtMost),
        ("≥", Sign::AtLeast),
        ("<", Sign::Less),
        (">", Sign::Greater),
        ("=", Sign::Equal),
    ];
    let found = signs.iter().find_map(|(mark, sign)| Some((*sign, text.strip_prefix(mark)?)));
    let (sign, rest) = found.unwrap_or((Sign::Equal, text));
    Some(Condition { sign, version: word(rest)? })
}

/// One version: a word with a digit in it, `V` and `version` before it left out.
fn word(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    let text = ["versions", "version", "firmware", "fw"].iter().fold(text, |text, lead| {
        let head = text.get(..lead.len()).filter(|head| head.eq_ignore_ascii_case(lead));
        head.map_or(text, |_| text[lead.len()..].trim_start())
    });
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+~^:()".contains(c);
    let starts = text.trim_start_matches(['v', 'V']).starts_with(|c: char| c.is_ascii_digit());
    // `2.x` names a family of versions, which no order can compare
    let is_family = text.split(['.', '-']).any(|part| matches!(part, "x" | "X"));
    (starts && !is_family && text.chars().all(is_plain)).then(|| text.into())
}

/// What people write: an optional "all versions", then signs with versions, or words that mean a sign.
fn spoken(text: &str) -> Option<Range> {
    let lower = text.trim().to_lowercase();
    let said = lower.strip_prefix("all versions").or_else(|| lower.strip_prefix("all")).map(str::trim);
    if said == Some("") || lower == "*" {
        return Some(Range::All);
    }
    let body = said.unwrap_or(&lower);
    let leads = [("prior to ", "<"), ("before ", "<"), ("earlier than ", "<"), ("older than ", "<"), ("below ", "<")];
    let tails = [
        (" and earlier", "<="),
        (" and prior", "<="),
        (" and older", "<="),
        (" and below", "<="),
        (" and later", ">="),
        (" and newer", ">="),
    ];
    let body = match (
        leads.iter().find_map(|(lead, sign)| Some((*sign, body.strip_prefix(lead)?))),
        tails.iter().find_map(|(tail, sign)| Some((*sign, body.strip_suffix(tail)?))),
    ) {
        (Some((sign, version)), None) | (None, Some((sign, version))) => format!("{sign}{version}"),
        (None, None) => body.to_owned(),
        (Some(_), Some(_)) => return None,
    };
    // every sign begins a condition of its own; what stands between may be joined by commas and words
    let spaced =
        body.replace("<=", " ≤").replace(">=", " ≥").replace('<', " <").replace('>', " >").replace(" and ", ",");
    let spaced =
        spaced.replace(" or ", ",").replace(" ≤", ",≤").replace(" ≥", ",≥").replace(" <", ",<").replace(" >", ",>");
    let parts: Vec<&str> = spaced.split([',', '|', ';']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() || parts.len() > MAX_CONDITIONS {
        return None;
    }
    let conditions: Box<[Condition]> = parts.into_iter().map(condition).collect::<Option<_>>()?;
    Some(Range::Conditions(None, conditions))
}

/// By the algorithm of vers: single versions first, then the intervals between bounds in their order.
fn holds(conditions: &[Condition], version: &str, scheme: Scheme) -> Option<bool> {
    let mut bounds = Vec::new();
    let mut unclear = false;
    for one in conditions {
        let order = version::compare(version, &one.version, scheme);
        match one.sign {
            Sign::Equal if order == Some(Ordering::Equal) => return Some(true),
            Sign::Not if order == Some(Ordering::Equal) => return Some(false),
            Sign::Equal | Sign::Not => unclear |= order.is_none(),
            sign => bounds.push((sign, &*one.version, order)),
        }
    }
    if unclear || bounds.iter().any(|(.., order)| order.is_none()) {
        return None;
    }
    let mut sorted = true;
    bounds.sort_by(|(_, a, _), (_, b, _)| {
        version::compare(a, b, scheme).unwrap_or_else(|| {
            sorted = false;
            Ordering::Equal
        })
    });
    if !sorted {
        return None;
    }
    let meets = |(sign, _, order): &(Sign, &str, Option<Ordering>)| match sign {
        Sign::Less => order.is_some_and(Ordering::is_lt),
        Sign::AtMost => order.is_some_and(Ordering::is_le),
        Sign::Greater => order.is_some_and(Ordering::is_gt),
        Sign::AtLeast => order.is_some_and(Ordering::is_ge),
        Sign::Equal | Sign::Not => false,
    };
    let is_upper = |(sign, ..): &(Sign, &str, Option<Ordering>)| matches!(sign, Sign::Less | Sign::AtMost);
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else {
        // only exclusions: everything else is meant
        return Some(conditions.iter().all(|one| one.sign == Sign::Not));
    };
    let within = |pair: &[(Sign, &str, Option<Ordering>)]| {
        !is_upper(&pair[0]) && is_upper(&pair[1]) && meets(&pair[0]) && meets(&pair[1])
    };
    Some((is_upper(first) && meets(first)) || (!is_upper(last) && meets(last)) || bounds.windows(2).any(within))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, version: &str) -> &'static str {
        match Range::parse(range).contains(version, Scheme::Numeric) {
            Some(true) => "in",
            Some(false) => "out",
            None => "undecided",
        }
    }

    #[test]
    fn ranges_are_read_as_advisories_write_them() {
        let cases = [
            ("vers:generic/>=1.0.0|<1.6.2", "1.6.1", "in"),
            ("vers:generic/>=1.0.0|<1.6.2", "1.6.2", "out"),
            ("vers:generic/>=1.0.0|<1.6.2", "0.9", "out"),
            ("vers:intdot/<2.0|>=3.0|<3.4", "2.5", "out"),
            ("vers:intdot/<2.0|>=3.0|<3.4", "3.1", "in"),
            ("vers:all/*", "7", "in"),
            ("< V2.1", "V2.0.9", "in"),
            ("<V2.1", "2.1", "out"),
            ("<= 2.1", "2.1", "in"),
            ("All versions < V4.5.0", "4.4.9", "in"),
            ("All versions >= V1.0 < V2.0", "0.9", "out"),
            ("all versions", "1", "in"),
            ("V4.5.0", "4.5", "in"),
            ("1.0, 1.1 and 1.3", "1.3", "in"),
            ("1.0, 1.1 and 1.3", "1.2", "out"),
            ("prior to 3.2", "3.2", "out"),
            ("3.2 and earlier", "3.2", "in"),
            ("3.2 and later", "3.1", "out"),
        ];
        for (range, version, expected) in cases {
            assert_eq!(contains(range, version), expected, "{range} with {version}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_ordered_is_undecided_and_never_out() {
        for (range, version) in [
            ("see the manual", "1"),
            ("2.x", "2.1"),
            ("1.0 - 2.0", "1.5"),
            ("up to 2.0", "1.5"),
            ("vers:generic", "1"),
            ("", "1"),
            ("< V2.1 SP1", "2.0"),
            ("< 2.1", "2.1-beta"),
            ("all except 1.1", "1.0"),
        ] {
            assert_eq!(contains(range, version), "undecided", "{range} with {version}");
        }
        assert_eq!(Range::Unstated.contains("1", Scheme::Numeric), None);
        assert_eq!(contains(&"<1|".repeat(5_000), "1"), "undecided");
    }
}
