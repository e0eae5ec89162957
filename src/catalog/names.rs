//! Names between files: a check may only speak of facts, fields, parameters, controls and checks that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::{Check, CheckDraft, Need};
use super::controls::Controls;
use super::fact::{Fact, FactDraft};
use super::form::{Spot, suggest};
use super::rows::{RowField, row_fields};
use crate::model::{CheckId, ControlId, FactId, Problem, Problems, did_you_mean};
use crate::rule::{NameRef, split_fact};

/// Everything that was read.
pub(super) struct Known<'a> {
    pub(super) controls: &'a Controls,
    pub(super) facts: BTreeMap<FactId, &'a Fact>,
    pub(super) checks: BTreeMap<CheckId, &'a Check>,
    /// Facts and checks whose files have mistakes of their own.
    pub(super) broken: &'a BTreeSet<String>,
}

impl Known<'_> {
    /// Verifies what a fact is computed from.
    pub(super) fn verify_fact(&self, draft: &FactDraft, problems: &mut Problems) {
        self.verify_history(draft, problems);
        for (spot, id) in draft.needs.iter().zip(&draft.fact.needs) {
            match self.facts.get(id) {
                None => self.unknown_fact(
                    spot.wrong(&draft.document, format!("there is no fact {id}")),
                    id.as_str(),
                    problems,
                ),
                Some(_) if self.leads_back(&draft.fact.id, id) => {
                    problems
                        .push(spot.wrong(&draft.document, format!("{id} is itself computed from {}", draft.fact.id)));
                }
                Some(_) => {}
            }
        }
        for source in draft.fact.ask.standard().computed_from() {
            if draft.fact.needs.contains(source) {
                continue;
            }
            let problem = draft.document.wrong(&["ask".into()], format!("it is computed from {source}"));
            problems.push(problem.hint(format!("add `needs: [{source}]`")));
        }
    }

    /// Verifies what the product's own share of a change is taken from.
    fn verify_history(&self, draft: &FactDraft, problems: &mut Problems) {
        let Some(less) = draft.fact.history.as_ref().and_then(|history| history.less.as_ref()) else { return };
        let wrong =
            |key: &str, message: String| draft.document.wrong(&["history".into(), "less".into(), key.into()], message);
        match self.facts.get(&less.fact) {
            None => self.unknown_fact(
                wrong("fact", format!("there is no fact {}", less.fact)),
                less.fact.as_str(),
                problems,
            ),
            Some(fact) if !fact.history.as_ref().is_some_and(|history| history.keep.contains(&less.field)) => {
                let problem = wrong("field", format!("{} keeps no {:?}", less.fact, less.field));
                problems.push(problem.hint(format!("add `history: {{ keep: [{}] }}` there", less.field)));
            }
            Some(_) => {}
        }
    }

    fn leads_back(&self, start: &FactId, from: &FactId) -> bool {
        let needs = |id: &FactId| self.facts.get(id).map(|fact| fact.needs.clone()).unwrap_or_default();
        reaches(start, from, &needs)
    }

    /// Verifies every name that a check mentions.
    pub(super) fn verify_check(&self, draft: &CheckDraft, problems: &mut Problems) {
        let check = &draft.check;
        for (spot, id) in draft.controls.iter().zip(&check.controls) {
            if !self.controls.list.contains_key(id) {
                let problem = spot.wrong(&draft.document, format!("there is no control {id}"));
                problems.push(suggest(problem, id.as_str(), self.controls.list.keys().map(ControlId::as_str)));
            }
        }
        for (at, (spot, need)) in draft.needs.iter().zip(&check.needs).enumerate() {
            if check.needs[..at].iter().any(|earlier| earlier.fact == need.fact) {
                problems.push(spot.wrong(&draft.document, format!("{} is needed twice", need.fact)));
            }
            self.verify_need(draft, spot, need, problems);
        }
        for (spot, id) in draft.needs_checks.iter().zip(&check.needs_checks) {
            self.verify_needed_check(draft, spot, id, problems);
        }
        for (spot, matcher) in draft.matchers.iter().zip(check.matchers()) {
            for name in matcher.names() {
                self.verify_name(draft, spot, &name, problems);
            }
        }
        for row_field in row_fields(&draft.document) {
            self.verify_row_field(draft, &row_field, problems);
        }
        let wrong = |message| draft.document.wrong(&["drift".into(), "of".into()], message);
        if let Some(problem) = check.drift.as_ref().and_then(|drift| self.wrong_path(draft, &drift.of, &wrong)) {
            problems.push(problem);
        }
        if let Some(path) = check.drift.as_ref().and_then(|drift| drift.required_unless.as_deref()) {
            let is_known = path.strip_prefix("params.").is_some_and(|name| check.params.contains_key(name));
            if !is_known {
                let at = ["drift".into(), "required_unless".into()];
                problems
                    .push(draft.document.wrong(&at, format!("{path} is no parameter of this check, as params.name")));
            }
        }
        let wrong = |message| draft.document.wrong(&["lists".into()], message);
        if let Some(problem) = check.lists.as_ref().and_then(|lists| self.wrong_path(draft, lists.of(), &wrong)) {
            problems.push(problem);
        }
    }

    fn verify_need(&self, draft: &CheckDraft, spot: &Spot, need: &Need, problems: &mut Problems) {
        let wrong = |message: String| spot.wrong(&draft.document, message);
        let Some(fact) = self.facts.get(&need.fact) else {
            return self.unknown_fact(wrong(format!("there is no fact {}", need.fact)), need.fact.as_str(), problems);
        };
        let mut arguments = fact.args.clone();
        for (name, value) in &need.with {
            if !fact.args.contains_key(name) {
                let problem = wrong(format!("{} has no argument {name:?}", fact.id));
                problems.push(suggest(problem, name, fact.args.keys().map(|name| &**name)));
            }
            match value.as_text().and_then(|text| text.split_once('.')) {
                Some(("params", param)) => {
                    arguments.extend(draft.check.params.get(param).map(|default| (name.clone(), default.clone())));
                    if !draft.check.params.contains_key(param) {
                        let message = format!("there is no parameter {param:?}");
                        problems.push(unknown_param(draft, spot.wrong_about(&draft.document, param, message), param));
                    }
                }
                // known per asset only; the engine reports what does not fit as a missing fact
                Some(("asset", _)) => {}
                _ => drop(arguments.insert(name.clone(), value.clone())),
            }
        }
        if let Err(report) = fact.ask.bind(&arguments) {
            let first = report.iter().next().map(|problem| problem.message.clone()).unwrap_or_default();
            problems.push(wrong(format!("{} cannot be asked with these arguments: {first}", fact.id)));
        }
    }

    fn verify_needed_check(&self, draft: &CheckDraft, spot: &Spot, id: &CheckId, problems: &mut Problems) {
        let needs = |id: &CheckId| self.checks.get(id).map(|check| check.needs_checks.clone()).unwrap_or_default();
        if !self.checks.contains_key(id) {
            if !self.broken.contains(id.as_str()) {
                let problem = spot.wrong(&draft.document, format!("there is no check {id}"));
                problems.push(suggest(problem, id.as_str(), self.checks.keys().map(CheckId::as_str)));
            }
        } else if reaches(&draft.check.id, id, &needs) {
            let message = format!("{id} itself waits for the verdict of {}, in a circle", draft.check.id);
            problems.push(spot.wrong(&draft.document, message));
        }
    }

    fn verify_name(&self, draft: &CheckDraft, spot: &Spot, name: &NameRef, problems: &mut Problems) {
        let (NameRef::Fact(word) | NameRef::Param(word) | NameRef::Verdict(word) | NameRef::Asset(word)) = name;
        let wrong = |message: String| spot.wrong_about(&draft.document, word, message);
        let problem = match name {
            NameRef::Fact(path) => self.wrong_path(draft, path, &wrong),
            NameRef::Param(param) => (!draft.check.params.contains_key(param))
                .then(|| unknown_param(draft, wrong(format!("there is no parameter {param:?}")), param)),
            NameRef::Verdict(id) => {
                (!draft.check.needs_checks.iter().any(|needed| needed.as_str() == &**id)).then(|| {
                    wrong(format!("the verdict of {id:?} is read without being listed"))
                        .hint(format!("add `needs_checks: [{id}]`"))
                })
            }
            NameRef::Asset(_) => None,
        };
        if let Some(problem) = problem {
            problems.push(problem);
        }
    }

    /// What is wrong with a path that begins with a fact; nothing when the fact's own file is wrong.
    fn wrong_path(&self, draft: &CheckDraft, path: &str, wrong: &dyn Fn(String) -> Problem) -> Option<Problem> {
        let needed = |id: &str| draft.check.needs.iter().any(|need| need.fact.as_str() == id);
        if let Some((id, field)) = split_fact(path, needed) {
            let fact = self.facts.get(id)?;
            return (!fact.yields(field)).then(|| {
                let problem = wrong(format!("{id} yields no {field:?}"));
                suggest_field(problem, field, &fact.fields_below(""))
            });
        }
        if let Some((id, _)) = split_fact(path, |id| self.facts.contains_key(id)) {
            return Some(wrong(format!("{id} is read without being listed")).hint(format!("add {id} to `needs`")));
        }
        if split_fact(path, |id| self.broken.contains(id)).is_some() {
            return None;
        }
        let needs = draft.check.needs.iter().map(|need| need.fact.as_str());
        Some(suggest(wrong(format!("no fact is named by {path:?}")), path, needs))
    }

    /// Verifies a field that a matcher looks for in rows; the fact's own path is verified elsewhere.
    fn verify_row_field(&self, draft: &CheckDraft, row: &RowField<'_>, problems: &mut Problems) {
        let needed = |id: &str| draft.check.needs.iter().any(|need| need.fact.as_str() == id);
        let Some((id, rows)) = split_fact(row.subject, needed) else { return };
        let Some(fact) = self.facts.get(id).filter(|fact| fact.yields(rows)) else { return };
        let path = if rows.is_empty() { row.field.to_owned() } else { format!("{rows}.{}", row.field) };
        if !fact.yields(&path) {
            let message = format!("the rows of {} have no field {:?}", row.subject, row.field);
            let problem = row.spot.wrong(&draft.document, message);
            problems.push(suggest_field(problem, row.field, &fact.fields_below(rows)));
        }
    }

    fn unknown_fact(&self, problem: Problem, id: &str, problems: &mut Problems) {
        if !self.broken.contains(id) {
            problems.push(suggest(problem, id, self.facts.keys().map(FactId::as_str)));
        }
    }
}

/// Fields that a hint lists at most.
const MOST_FIELDS: usize = 24;

/// Adds "did you mean", and which fields there are.
fn suggest_field(problem: Problem, word: &str, known: &[&str]) -> Problem {
    let listed = known.iter().take(MOST_FIELDS).copied().collect::<Vec<_>>().join(", ");
    let list = match known.len() {
        0 => "the fact declares no fields".to_owned(),
        count if count > MOST_FIELDS => format!("its first fields of {}: {listed}, …", known.len()),
        _ => format!("its fields: {listed}"),
    };
    problem.hint(match did_you_mean(word, known.iter().copied()) {
        Some(close) => format!("did you mean {close:?}? {list}"),
        None => list,
    })
}

fn unknown_param(draft: &CheckDraft, problem: Problem, name: &str) -> Problem {
    suggest(problem, name, draft.check.params.keys().map(|name: &Arc<str>| &**name))
}

/// Whether `goal` can be reached from `from` along `next`.
fn reaches<T: Ord + Clone>(goal: &T, from: &T, next: &dyn Fn(&T) -> Vec<T>) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from.clone()];
    while let Some(id) = open.pop() {
        if id == *goal {
            return true;
        }
        if seen.insert(id.clone()) {
            open.extend(next(&id));
        }
    }
    false
}
