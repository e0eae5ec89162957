//! House rules of the catalogue: what a file may do and still should not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::sources::Role;
use super::{Catalog, Check, Fact};
use crate::model::{Asset, FactId, Impact, Problem, Problems, Verdict};
use crate::rule::NameRef;

/// A line that people read in a table, in characters.
const LONGEST_LINE: usize = 160;
/// Verdicts that every check must have been shown to reach.
const WANTED_FIXTURES: [&str; 3] = ["pass", "fail", "unknown"];
/// Claims that nobody may make: the first is not ours to state, the second is not law for a manufacturer.
const FORBIDDEN: [&str; 4] =
    ["nis2 compliant", "nis2-compliant", "required by 2024/2690", "required by (eu) 2024/2690"];

impl Catalog {
    /// Everything that breaks a house rule, by file.
    #[must_use]
    pub fn lint(&self) -> Problems {
        let mut problems = Problems::new();
        let mut used: BTreeSet<&FactId> = BTreeSet::new();
        let mut found = self.lint_fixtures();
        for check in self.checks.values() {
            found.extend(self.lint_check(check));
            used.extend(self.facts_of(check).into_iter().map(|fact| &fact.id));
        }
        for fact in self.facts.values() {
            let needed = fact.needs.iter().filter_map(|id| self.facts.get(id));
            let handed_on = needed.flat_map(|needed| needed.args.keys().cloned()).collect();
            found.extend(lint_fact(fact, &handed_on, used.contains(&fact.id)));
        }
        for problem in found {
            problems.push(problem);
        }
        for product in self.products.iter().filter(|product| product.lacks_example()) {
            let message = "no example shows a version rule at work; give a text and the version in it";
            problems.push(Problem::new(&*product.origin, message).key("examples"));
        }
        for pack in self.packs.keys().filter(|pack| !self.checks.values().any(|check| check.pack == **pack)) {
            problems.push(Problem::new(format!("{pack}/pack.yaml"), "the pack has no check"));
        }
        problems.sort();
        problems
    }

    fn lint_check(&self, check: &Check) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut refuse = |key: &str, message: String| found.push(Problem::new(&*check.origin, message).key(key));
        for (key, text, wanted) in [
            ("title", &check.title, true),
            ("fix", &check.fix, true),
            ("rationale", &check.rationale, true),
            ("proves", &check.proves, false),
        ] {
            if let Some(message) = wrong_line(text, wanted) {
                refuse(key, message);
            }
        }
        if check.controls.is_empty() {
            refuse("controls", "the check gives evidence for no control".into());
        }
        if check.version == 0 {
            refuse("version", "versions start at 1".into());
        }
        let wired = self.facts_of(check).iter().any(|fact| fact.touches_the_wire());
        match (check.impact, wired) {
            (Impact::None, true) => refuse("impact", "packets reach the device, so the impact is not none".into()),
            (Impact::Low | Impact::Avoid, false) => {
                refuse("impact", "no packet reaches the device: the impact is none".into());
            }
            _ => {}
        }
        let reads = self.facts_of(check).iter().any(|fact| fact.ask.standard().is_protocol_read());
        if reads && check.impact != Impact::Avoid {
            refuse("impact", "it uses a function of a control protocol, so the impact is avoid".into());
        }
        for field in unknown_asset_fields(check) {
            refuse("asset_fields", format!("{field:?} is no field of every asset; list it under `asset_fields`"));
        }
        for param in unused_params(check) {
            refuse("params", format!("no rule reads the parameter {param:?}"));
        }
        found
    }

    fn lint_fixtures(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for file in &self.fixtures {
            let Role::Fixture { check } = &file.role else { continue };
            match expected_word(&file.name) {
                Some(word) => drop(seen.entry(check).or_default().insert(word)),
                None => found.push(
                    Problem::new(&file.name, "the name does not end in .<verdict>.yaml")
                        .hint(format!("verdicts: {}", Verdict::WORDS.join(", "))),
                ),
            }
            if !self.checks.contains_key(check.as_str()) {
                found.push(Problem::new(&file.name, format!("there is no check {check:?}")));
            }
        }
        for check in self.checks.values() {
            let reached = seen.get(check.id.as_str());
            let lacks = |word: &&&str| reached.is_none_or(|words| !words.contains(**word));
            let missing: Vec<&str> = WANTED_FIXTURES.iter().filter(lacks).copied().collect();
            if !missing.is_empty() {
                found.push(Problem::new(&*check.origin, format!("no fixture shows: {}", missing.join(", "))));
            }
        }
        found
    }
}

/// The verdict in a fixture's name.
pub(super) fn expected_word(file: &std::path::Path) -> Option<String> {
    let stem = super::fact::stem(file);
    let (_, word) = stem.rsplit_once('.')?;
    Verdict::WORDS.contains(&word).then(|| word.to_owned())
}

fn wrong_line(text: &str, wanted: bool) -> Option<String> {
    let lower = text.to_lowercase();
    if let Some(claim) = FORBIDDEN.iter().find(|claim| lower.contains(**claim)) {
        return Some(format!("{claim:?} must not be claimed; say which point it gives evidence for"));
    }
    match text.chars().count() {
        0 if wanted => Some("missing".into()),
        0 => None,
        _ if text.trim().contains('\n') => Some("must be one line".into()),
        length if length > LONGEST_LINE => Some(format!("{length} characters; at most {LONGEST_LINE}")),
        _ => None,
    }
}

/// `handed_on`: arguments of the facts that it is computed from, which get those of the same name.
fn lint_fact(fact: &Fact, handed_on: &BTreeSet<Arc<str>>, used: bool) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut refuse = |key: &str, message: String| found.push(Problem::new(&*fact.origin, message).key(key));
    if let Some(message) = wrong_line(&fact.title, true) {
        refuse("title", message);
    }
    let budget = fact.budget;
    if fact.touches_the_wire() && (budget.questions == 0 || budget.bytes == 0) {
        refuse("budget", "packets reach the device: say how many questions and bytes one answer may cost".into());
    }
    let used_arguments = fact.ask.arguments();
    let goes_somewhere = |name: &Arc<str>| used_arguments.contains(name) || handed_on.contains(name);
    for name in fact.args.keys().filter(|name| !goes_somewhere(name)) {
        refuse("args", format!("the question does not use the argument {name:?}"));
    }
    // `device` answers the command `facts`, no check needs it
    if !used && fact.id.as_str() != "device" && !fact.id.as_str().starts_with("device.") {
        refuse("id", "no check needs this fact".into());
    }
    found
}

fn names_of(check: &Check) -> Vec<NameRef> {
    check.matchers().flat_map(crate::rule::Matcher::names).collect()
}

fn unknown_asset_fields(check: &Check) -> BTreeSet<String> {
    let known = |field: &str| {
        field == "labels"
            || Asset::FIELDS.contains(&field)
            || check.asset_fields.iter().any(|declared| declared == field)
    };
    let read = names_of(check).into_iter().filter_map(|name| match name {
        NameRef::Asset(field) => Some(field.split('.').next().unwrap_or_default().to_owned()),
        _ => None,
    });
    read.filter(|field| !known(field)).collect()
}

fn unused_params(check: &Check) -> BTreeSet<String> {
    let mut unused: BTreeSet<String> = check.params.keys().map(ToString::to_string).collect();
    for name in names_of(check) {
        if let NameRef::Param(param) = name {
            unused.remove(&*param);
        }
    }
    for value in check.needs.iter().flat_map(|need| need.with.values()) {
        if let Some(param) = value.as_text().and_then(|text| text.strip_prefix("params.")) {
            unused.remove(param);
        }
    }
    unused
}
