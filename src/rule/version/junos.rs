//! Versions of Junos: `21.4R3-S5.4`, `22.3R1.11`, `15.1X49-D120.3`, each with or without `-EVO`.
//!
//! An X release is a line of its own, ordered within itself; Junos and Junos Evolved are not comparable.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::digits;

/// Year, quarter, kind, release with spin, service release with spin, Evolved.
static FORM: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^([0-9]+)\.([0-9]+)([RXFBI])([0-9]+)(?:\.([0-9]+))?(?:-([SD])([0-9]+)(?:\.([0-9]+))?)?(-EVO)?$";
    Regex::new(pattern).expect("a fixed pattern")
});

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (FORM.captures(a)?, FORM.captures(b)?);
    if a.get(9).is_some() != b.get(9).is_some() {
        return None;
    }
    let number = |at: usize| digits(group(&a, at), group(&b, at));
    let main = number(1).then_with(|| number(2));
    if main.is_ne() {
        return Some(main);
    }
    if group(&a, 3) != group(&b, 3) || (group(&a, 3) == "X" && number(4).is_ne()) {
        return None;
    }
    // a spin of the release itself comes before the first service release
    Some(number(4).then_with(|| number(7)).then_with(|| spin(&a, &b)))
}

fn spin(a: &Captures<'_>, b: &Captures<'_>) -> Ordering {
    digits(group(a, 5), group(b, 5)).then_with(|| digits(group(a, 8), group(b, 8)))
}

fn group<'a>(captures: &Captures<'a>, at: usize) -> &'a str {
    captures.get(at).map_or("", |found| found.as_str())
}
