//! Firmware versions of numbers and words: `V4.5.1`, `FW 02.06.03`, `W.15.08.0012`, `10.2.9-h1`, `V200R010C00SPC600`.
//!
//! Numbers decide by value. A word has an order only where its meaning is known: `rc` before the release, `hotfix`
//! after it. Any other word must stand in both versions; two lines of firmware are not comparable.

use std::cmp::Ordering;

use super::numeric;

/// Words in front of a version that are no part of it.
const LABELS: [&str; 11] =
    ["v", "ver", "version", "fw", "firmware", "sw", "software", "rev", "revision", "rel", "release"];
/// Words of what comes before the release, in their order.
const EARLIER: [&str; 3] = ["alpha", "beta", "rc"];
/// Words of what comes after it.
const LATER: [&str; 14] =
    ["h", "hf", "hotfix", "sp", "spc", "sph", "p", "pl", "patch", "s", "su", "mr", "update", "build"];

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parts(a)?, parts(b)?);
    if a.numbers.is_empty() != b.numbers.is_empty() {
        return None;
    }
    let order = numeric(&a.numbers, &b.numbers);
    if order.is_ne() {
        return Some(order);
    }
    for at in 0..a.rest.len().max(b.rest.len()) {
        let order = part(a.rest.get(at), b.rest.get(at))?;
        if order.is_ne() {
            return Some(order);
        }
    }
    Some(Ordering::Equal)
}

/// A version taken apart: numbers, then words with their numbers.
struct Version<'a> {
    numbers: Vec<&'a str>,
    rest: Vec<Part<'a>>,
}

struct Part<'a> {
    word: String,
    numbers: Vec<&'a str>,
    /// Follows a digit without anything between.
    is_attached: bool,
}

/// What a word says about the order.
#[derive(PartialEq, Eq)]
enum Meaning {
    /// Comes before the release, at this place of [`EARLIER`].
    Earlier(usize),
    Release,
    Later,
    /// A letter that counts on: `9.1.1a`, `9.1.1b`.
    Letter,
    Unknown,
}

impl Part<'_> {
    fn meaning(&self) -> Meaning {
        if self.numbers.is_empty() && self.word.len() == 1 {
            return if self.is_attached { Meaning::Letter } else { Meaning::Unknown };
        }
        match EARLIER.iter().position(|word| *word == self.word) {
            Some(place) => Meaning::Earlier(place),
            None if LATER.contains(&&*self.word) => Meaning::Later,
            None => Meaning::Unknown,
        }
    }
}

fn part(a: Option<&Part<'_>>, b: Option<&Part<'_>>) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (a, b)
        && a.word == b.word
    {
        return (a.meaning() == b.meaning()).then(|| numeric(&a.numbers, &b.numbers));
    }
    let meaning = |part: Option<&Part<'_>>| part.map_or(Meaning::Release, Part::meaning);
    match (meaning(a), meaning(b)) {
        (Meaning::Letter, Meaning::Letter) => Some(a?.word.cmp(&b?.word)),
        (Meaning::Earlier(a), Meaning::Earlier(b)) => Some(a.cmp(&b)),
        (Meaning::Earlier(_), Meaning::Release | Meaning::Later) | (Meaning::Release, Meaning::Later) => {
            Some(Ordering::Less)
        }
        (Meaning::Later, Meaning::Release | Meaning::Earlier(_)) | (Meaning::Release, Meaning::Earlier(_)) => {
            Some(Ordering::Greater)
        }
        _ => None,
    }
}

fn parts(text: &str) -> Option<Version<'_>> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_() /".contains(&byte);
    if !text.bytes().all(known) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut version = Version { numbers: Vec::new(), rest: Vec::new() };
    let (mut rest, mut is_attached) = (text, false);
    while let Some(first) = rest.bytes().next() {
        let is_number = first.is_ascii_digit();
        let inside = |c: char| if is_number { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        if !first.is_ascii_alphanumeric() {
            (rest, is_attached) = (&rest[1..], false);
            continue;
        }
        let (run, after) = rest.split_at(rest.find(|c| !inside(c)).unwrap_or(rest.len()));
        if is_number {
            version.rest.last_mut().map_or(&mut version.numbers, |part| &mut part.numbers).push(run);
        } else {
            let word = run.to_ascii_lowercase();
            let is_label = version.numbers.is_empty() && version.rest.is_empty() && LABELS.contains(&&*word);
            if !is_label {
                version.rest.push(Part { word, numbers: Vec::new(), is_attached });
            }
        }
        (rest, is_attached) = (after, is_number);
    }
    Some(version)
}
