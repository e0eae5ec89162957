//! Text that a device says about itself, made fit to be kept: bounded, printable, and no stopgap of its maker.

use std::sync::Arc;

/// Longest value of a field, in characters; a longer one is dropped, because a cut version is another version.
const LONGEST_FIELD: usize = 64;
/// Longest text that is looked at, in bytes; a `DisplayString` has 255 (RFC 2579 section 2), some agents exceed it.
const LONGEST_TEXT: usize = 1024;
/// From this length on an agent may have cut its text off; what touches the end is not believed.
pub(super) const CUT_LENGTH: usize = 255;
/// What makers write where they have nothing to say.
const STOPGAPS: [&str; 14] = [
    "none",
    "n/a",
    "na",
    "null",
    "unknown",
    "undefined",
    "default string",
    "not available",
    "not applicable",
    "not specified",
    "not set",
    "empty",
    "to be filled by o.e.m.",
    "0123456789",
];

/// A value of vendor, model, version or serial number as it may be shown: spaces tidied, at most 64 characters.
/// `None` for what is longer, not printable, or a maker's stopgap such as `N/A`.
#[must_use]
pub fn identity_text(text: &str) -> Option<Arc<str>> {
    if text.len() > LONGEST_TEXT {
        return None;
    }
    let tidy = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_stopgap = |lower: &str| STOPGAPS.contains(&lower) || lower.chars().all(|c| !c.is_alphanumeric() || c == '0');
    let fits = tidy.chars().count() <= LONGEST_FIELD && !tidy.chars().any(is_unseen);
    (fits && !is_stopgap(&tidy.to_lowercase())).then(|| Arc::from(tidy))
}

/// Control characters and those that change the direction of what stands around them.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Whether a text may be looked at: bounded, and not the hexadecimal form of octets that are no text.
pub(super) fn is_readable(text: &str) -> bool {
    let hex = |digits: &str| digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.len() <= LONGEST_TEXT && !text.strip_prefix("0x").is_some_and(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_tidied_or_dropped_but_never_cut() {
        assert_eq!(identity_text("  EDS-408A \t 3C ").as_deref(), Some("EDS-408A 3C"));
        assert_eq!(identity_text("Århus 9").as_deref(), Some("Århus 9"));
        assert!(identity_text(&"9".repeat(64)).is_some());
        for dropped in ["", " ", "N/A", "Unknown", "0000000000", "---", "a\u{1b}[2J", "a\u{202e}b", &"9".repeat(65)] {
            assert_eq!(identity_text(dropped), None, "{dropped:?}");
        }
    }

    #[test]
    fn octets_that_are_no_text_and_floods_are_not_looked_at() {
        assert!(is_readable("0x is not hex") && is_readable("V1.2"));
        assert!(!is_readable("0x1b5b324a") && !is_readable(&"a".repeat(65_536)));
    }
}
