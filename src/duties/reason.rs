//! What counts as a reason in a register, and what only looks like one.
//!
//! Nobody can tell by machine whether a reason is good. What can be told is that a text is none: a bare word, a placeholder, a
//! yes or no in the wrong place.

use std::collections::BTreeSet;

/// Different words that a reason has at least.
const WORDS: usize = 3;
/// Letters that they have together at least.
const LETTERS: usize = 10;
/// Words that stand for an answer, with what they mean.
const ANSWERS: [&str; 14] =
    ["yes", "no", "y", "n", "true", "false", "ja", "nein", "oui", "non", "si", "sí", "nej", "nee"];
/// Words that stand where something is still to be written; they do not count.
const PLACEHOLDERS: [&str; 26] = [
    "na",
    "none",
    "nil",
    "null",
    "nothing",
    "tbd",
    "tba",
    "tbc",
    "todo",
    "wip",
    "xxx",
    "xx",
    "yyy",
    "asdf",
    "foo",
    "bar",
    "test",
    "dummy",
    "pending",
    "open",
    "unknown",
    "missing",
    "applicable",
    "keine",
    "keiner",
    "offen",
];

/// Whether a text is a bare yes or no, in any case: where a value is wanted too, it must be written as one.
pub(super) fn is_answer(text: &str) -> bool {
    let text = text.trim().trim_end_matches(['.', '!']).to_lowercase();
    ANSWERS.contains(&text.as_str())
}

/// Whether a text can be a reason: at least three different words of two letters or more, ten letters together, answers and
/// placeholders not counted. In scripts without spaces each sign of one counts as a word of two letters.
pub(super) fn is_reason(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words: BTreeSet<String> = BTreeSet::new();
    for run in lower.split(|c: char| !c.is_alphanumeric()) {
        let (signs, letters): (Vec<char>, Vec<char>) =
            run.chars().filter(|c| c.is_alphabetic()).partition(|c| is_word_alone(*c));
        words.extend(signs.into_iter().map(|sign| format!("{sign}{sign}")));
        let word: String = letters.into_iter().collect();
        if word.chars().count() >= 2 && !ANSWERS.contains(&word.as_str()) && !PLACEHOLDERS.contains(&word.as_str()) {
            words.insert(word);
        }
    }
    words.len() >= WORDS && words.iter().map(|word| word.chars().count()).sum::<usize>() >= LETTERS
}

/// Chinese, Japanese and Korean signs, which carry a word without a space around it.
const fn is_word_alone(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_no_reason_and_a_sentence_is_one() {
        for text in [
            "",
            " ",
            "-",
            "--",
            "?",
            "n/a",
            "N/A",
            "none",
            "None.",
            "tbd",
            "TBD",
            "t.b.d.",
            "nein",
            "No",
            "NO",
            "yes",
            "x",
            "xxx xxx xxx",
            "not applicable",
            "see contract",
            "no no no",
            "tbd tbd tbd",
            "a b c d e f g",
            "1 2 3 4",
            "none / n/a / tbd",
            "keine offen tbd",
        ] {
            assert!(!is_reason(text), "{text:?}");
        }
        for text in [
            "certified to IEC 62443-4-1 every year",
            "certified every year",
            "No staff of theirs enters the plant.",
            "wird jährlich zertifiziert",
            "поставляет только товар",
            "每年由第三方认证",
        ] {
            assert!(is_reason(text), "{text:?}");
        }
    }

    #[test]
    fn a_yes_or_no_is_seen_in_any_case() {
        assert!(["no", "NO", "No.", " nein ", "Ja", "TRUE", "y"].into_iter().all(is_answer));
        assert!(!["not yet agreed", "none", "-", "nominal"].into_iter().any(is_answer));
    }
}
