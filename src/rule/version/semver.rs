//! Semantic versions, <https://semver.org> section 11; build metadata does not count.

use std::cmp::Ordering;

use super::{digits, is_number, numeric};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parts(a)?, parts(b)?);
    Some(numeric(&a.0, &b.0).then_with(|| pre_release(&a.1, &b.1)))
}

fn parts(text: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(version, _build)| version);
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let core: Vec<&str> = core.split('.').collect();
    let pre: Vec<&str> = pre.map(|pre| pre.split('.').collect()).unwrap_or_default();
    let known = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (core.len() <= 3 && core.iter().all(|part| is_number(part)) && pre.iter().all(known)).then_some((core, pre))
}

/// A release is newer than its pre-releases; numbers are older than words; more parts are newer.
fn pre_release(a: &[&str], b: &[&str]) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let part = |(a, b): (&&str, &&str)| match (is_number(a), is_number(b)) {
        (true, true) => digits(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    };
    a.iter().zip(b).map(part).find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
}
