//! Versions of Cisco: IOS and NX-OS `15.2(7)E3`, `7.0(3)I7(9)`, `9.0(0.123)`, ASA `9.12(4)24`, IOS XE `17.3.4a`.
//!
//! Releases of different trains (`E`, `M`, `SE`) carry different code under like numbers, so they are not comparable.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::digits;

/// Major, minor, maintenance with letter and interim build, train, rebuild with letter, and its own rebuild.
static BRACKETED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^([0-9]+)\.([0-9]+)\(([0-9]+)([a-z]?)(?:\.([0-9]+))?\)([A-Z]*)([0-9]*)([a-z]?)(?:\(([0-9]+)\))?$";
    Regex::new(pattern).expect("a fixed pattern")
});
/// Three or four numbers, rebuild letter, train with its number.
static DOTTED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^([0-9]+)\.([0-9]+)\.([0-9]+)(?:\.([0-9]+))?([a-z]?)(?:\.?([A-Z]+)([0-9]*))?$";
    Regex::new(pattern).expect("a fixed pattern")
});

/// The place of the train among the groups of each form.
const TRAIN: usize = 6;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    [&*BRACKETED, &*DOTTED].into_iter().find_map(|form| {
        let (a, b) = (form.captures(a)?, form.captures(b)?);
        (group(&a, TRAIN) == group(&b, TRAIN)).then(|| groups(&a, &b))
    })
}

fn groups(a: &Captures<'_>, b: &Captures<'_>) -> Ordering {
    let one = |at: usize| {
        let (a, b) = (group(a, at), group(b, at));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number(a) && is_number(b) { digits(a, b) } else { a.cmp(b) }
    };
    (1..a.len()).map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn group<'a>(captures: &Captures<'a>, at: usize) -> &'a str {
    captures.get(at).map_or("", |found| found.as_str())
}
