//! RPM versions: `[epoch:]version[-release]`, in the order of rpm's own `rpmvercmp`.
//!
//! One difference on purpose: rpm leaves releases out of the comparison when one side has none. Here no
//! release sorts before any release, so that the order is total and `1.2` does not pass for `1.2-3`.

use std::cmp::Ordering;

use super::{digits, epoch};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parts(a)?, parts(b)?);
    Some(digits(a.0, b.0).then_with(|| run(a.1, b.1)).then_with(|| run(a.2, b.2)))
}

fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (epoch, rest) = epoch(text)?;
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    let known = |byte: u8| byte.is_ascii_graphic();
    (version.bytes().any(|byte| byte.is_ascii_alphanumeric()) && rest.bytes().all(known))
        .then_some((epoch, version, release))
}

fn run(mut a: &str, mut b: &str) -> Ordering {
    let separator = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
    loop {
        a = a.trim_start_matches(separator);
        b = b.trim_start_matches(separator);
        // a tilde sorts before everything, also before the end
        match (a.strip_prefix('~'), b.strip_prefix('~')) {
            (Some(rest_a), Some(rest_b)) => {
                (a, b) = (rest_a, rest_b);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        // a caret sorts after the end, but before anything else
        match (a.strip_prefix('^'), b.strip_prefix('^')) {
            (Some(rest_a), Some(rest_b)) => {
                (a, b) = (rest_a, rest_b);
                continue;
            }
            (Some(_), None) => return if b.is_empty() { Ordering::Greater } else { Ordering::Less },
            (None, Some(_)) => return if a.is_empty() { Ordering::Less } else { Ordering::Greater },
            (None, None) => {}
        }
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let (order, rest_a, rest_b) = segment(a, b);
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Compares the first run of digits or of letters; a number is newer than a word.
fn segment<'a, 'b>(a: &'a str, b: &'b str) -> (Ordering, &'a str, &'b str) {
    let numeric = a.starts_with(|c: char| c.is_ascii_digit());
    let inside = |c: char| if numeric { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
    let (head_a, rest_a) = a.split_at(a.find(|c| !inside(c)).unwrap_or(a.len()));
    let (head_b, rest_b) = b.split_at(b.find(|c| !inside(c)).unwrap_or(b.len()));
    let order = match (head_b.is_empty(), numeric) {
        (true, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, true) => digits(head_a, head_b),
        (false, false) => head_a.cmp(head_b),
    };
    (order, rest_a, rest_b)
}
