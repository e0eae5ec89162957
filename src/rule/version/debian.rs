//! Debian versions: `[epoch:]upstream[-revision]` (Debian policy, section 5.6.12).

use std::cmp::Ordering;

use super::{digits, epoch};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parts(a)?, parts(b)?);
    Some(digits(a.0, b.0).then_with(|| run(a.1, b.1)).then_with(|| run(a.2, b.2)))
}

fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (epoch, rest) = epoch(text)?;
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'~' | b':');
    (!upstream.is_empty() && rest.bytes().all(known)).then_some((epoch, upstream, revision))
}

/// Compares a non-digit run, then a digit run, in turn, until they differ or both end.
fn run(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (word_a, rest_a) = a.split_at(a.find(|c: char| c.is_ascii_digit()).unwrap_or(a.len()));
        let (word_b, rest_b) = b.split_at(b.find(|c: char| c.is_ascii_digit()).unwrap_or(b.len()));
        let (number_a, next_a) = rest_a.split_at(rest_a.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest_a.len()));
        let (number_b, next_b) = rest_b.split_at(rest_b.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest_b.len()));
        let order = words(word_a, word_b).then_with(|| digits(number_a, number_b));
        if order.is_ne() {
            return order;
        }
        (a, b) = (next_a, next_b);
    }
    Ordering::Equal
}

/// `~` sorts before the end of the run, letters before everything else.
fn words(a: &str, b: &str) -> Ordering {
    let weight = |text: &str, at: usize| match text.as_bytes().get(at) {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    (0..a.len().max(b.len()))
        .map(|at| weight(a, at).cmp(&weight(b, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}
