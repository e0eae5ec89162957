//! Operators that judge a subject as a whole: how many, whether any, whether all of these, whether twice.

use std::collections::BTreeSet;

use super::elements::{Item, Row, visit};
use super::op::Resolved;
use super::sentence::{sentence, shown};
use super::tally::{Tally, label};
use super::test::{Selection, Test, WhenAbsent};
use super::{Finding, Outcome, sentence as words};
use crate::model::{Cause, Missing, Value};
use crate::rule::sameness::Sameness;
use crate::rule::set::Set;

/// Judges, when the operator is one of these.
pub(super) fn judge<'a>(
    test: &Test,
    resolved: &Resolved<'a>,
    selection: &Selection<'a>,
    subject: &'a Value,
) -> Option<Outcome> {
    let whole = Whole { test, resolved, selection, subject };
    match resolved {
        Resolved::Count { at_least, at_most } => Some(whole.count(*at_least, *at_most)),
        Resolved::Empty(true) => Some(whole.count(None, Some(0))),
        Resolved::Empty(false) => Some(whole.count(Some(1), None)),
        Resolved::Exists(wanted) => Some(whole.exists(*wanted)),
        Resolved::Unique => Some(whole.unique()),
        Resolved::SupersetOf(set) => Some(whole.superset(set)),
        Resolved::Equals(value, set) if value.as_list().is_some() => Some(whole.equal(set, true)),
        Resolved::NotEquals(value, set) if value.as_list().is_some() => Some(whole.equal(set, false)),
        _ => None,
    }
}

struct Whole<'t, 'a> {
    test: &'t Test,
    resolved: &'t Resolved<'a>,
    selection: &'t Selection<'a>,
    subject: &'a Value,
}

/// What a visit without judging finds.
#[derive(Default)]
struct Found<'a> {
    values: Vec<(&'a Value, Option<Row<'a>>)>,
    /// Rows that lack the field.
    absent: usize,
    /// Rows of which nobody can tell whether they count, and why.
    unclear: usize,
    missing: Option<Missing>,
}

impl<'a> Whole<'_, 'a> {
    fn find(&self, flat: bool) -> Found<'a> {
        let mut found = Found::default();
        let mut tally = Tally::default();
        visit(self.subject, self.selection, flat, |item| match item {
            Item::Value(value, row) => found.values.push((value, row)),
            Item::Absent(row) => {
                found.absent += 1;
                tally.lacking(self.test, row, self.test.field.as_deref().unwrap_or_default());
            }
            Item::Unclear(row, field) => {
                found.unclear += 1;
                tally.lacking(self.test, row, field);
            }
        });
        found.missing = tally.missing;
        found
    }

    fn offends(&self, observed: &Value, seen: &str) -> Outcome {
        let (rule, wanted) = (words::subject(self.test), words::expected(self.test, self.resolved));
        let text = sentence(format!("{rule}: {seen}; expected {wanted}"));
        let expected = words::expected_value(self.resolved);
        Outcome::Offends(Box::new(Finding {
            offenders: shown(observed),
            ..Finding::alone(text, rule, wanted, words::clip(observed), expected)
        }))
    }

    fn count(&self, at_least: Option<i64>, at_most: Option<i64>) -> Outcome {
        let (values, unclear, missing) = match self.subject {
            Value::List(_) => self.counted(),
            Value::Map(_) if self.selection.wants_rows() => self.counted(),
            Value::Map(fields) => (fields.len(), 0, None),
            Value::Text(text) if matches!(self.resolved, Resolved::Empty(_)) => {
                (usize::from(!text.trim().is_empty()), 0, None)
            }
            other => {
                return Outcome::Missing(Missing::new(
                    Cause::Parse,
                    format!(
                        "{} is {}, which cannot be counted; mend the fact or the check",
                        self.test.subject,
                        shown(other)
                    ),
                ));
            }
        };
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (low, high) = (number(values), number(values + unclear));
        if at_least.is_some_and(|bound| high < bound) || at_most.is_some_and(|bound| low > bound) {
            return self.miscounted(low);
        }
        match missing {
            Some(missing) if at_least.is_some_and(|bound| low < bound) || at_most.is_some_and(|bound| high > bound) => {
                Outcome::Missing(missing)
            }
            _ => Outcome::Holds,
        }
    }

    fn counted(&self) -> (usize, usize, Option<Missing>) {
        let found = self.find(false);
        (found.values.len(), found.unclear, found.missing)
    }

    fn miscounted(&self, count: i64) -> Outcome {
        if matches!(self.resolved, Resolved::Empty(true)) {
            let values = Value::list(self.find(false).values.into_iter().map(|(value, _)| value.clone()));
            let seen = if self.subject.as_list().is_some() { values } else { self.subject.clone() };
            return self.offends(&seen, &shown(&seen));
        }
        self.offends(&Value::Int(count), &format!("there are {count}"))
    }

    fn exists(&self, wanted: bool) -> Outcome {
        if !self.selection.wants_rows() {
            return if wanted {
                Outcome::Holds
            } else {
                self.offends(self.subject, &format!("is {}", shown(self.subject)))
            };
        }
        let found = self.find(false);
        match (found.values.first(), found.missing.filter(|_| found.unclear > 0)) {
            (Some(_), _) if wanted => Outcome::Holds,
            (Some((value, _)), _) => self.offends(value, &format!("there is {}", shown(value))),
            (None, Some(missing)) => Outcome::Missing(missing),
            (None, None) if wanted => self.offends(&Value::Null, "there is none"),
            (None, None) => Outcome::Holds,
        }
    }

    fn unique(&self) -> Outcome {
        let found = self.find(true);
        let (mut seen, mut tally) = (BTreeSet::new(), Tally::over(found.values.len()));
        for (value, _) in found.values {
            if !seen.insert(value.to_string()) {
                tally.offends(|| None, value);
            }
        }
        tally.missing = found.missing.filter(|_| found.unclear > 0 || self.test.when_absent != WhenAbsent::Holds);
        tally.outcome(self.test, self.resolved, self.subject, false)
    }

    /// Every wanted element is there: in each row whose field is a list, else in the column as a whole.
    fn superset(&self, wanted: &Set) -> Outcome {
        let found = self.find(false);
        let by_row = |(value, row): &(&Value, Option<Row<'_>>)| row.is_some() && value.as_list().is_some();
        let (rows, column): (Vec<_>, Vec<_>) = found.values.into_iter().partition(by_row);
        let mut tally = Tally::over(rows.len());
        for (value, row) in &rows {
            let name = row.and_then(|row| label(row, self.test)).unwrap_or_else(|| "a row".to_owned());
            lacking(wanted, value).for_each(|item| tally.offends(|| Some(format!("{name} lacks")), item));
        }
        if tally.any_offends() {
            return tally.outcome(self.test, self.resolved, self.subject, false);
        }
        if rows.is_empty() || !column.is_empty() {
            let column = match column.as_slice() {
                [(Value::List(items), _)] => Value::List(items.clone()),
                _ => Value::list(column.into_iter().map(|(value, _)| value.clone())),
            };
            let lacking: Vec<Value> = lacking(wanted, &column).cloned().collect();
            if !lacking.is_empty() {
                let lacking = Value::list(lacking);
                return found
                    .missing
                    .map_or_else(|| self.offends(&lacking, &format!("missing {}", shown(&lacking))), Outcome::Missing);
            }
            return Outcome::Holds;
        }
        found.missing.map_or(Outcome::Holds, Outcome::Missing)
    }

    /// The elements, or each row's list, are these and no others, in any order.
    fn equal(&self, wanted: &Set, must: bool) -> Outcome {
        let found = self.find(false);
        let lists: Vec<(Option<String>, Value)> = if self.selection.field.is_some() {
            let named =
                |(value, row): (&Value, Option<Row<'_>>)| (row.and_then(|row| label(row, self.test)), value.clone());
            found.values.into_iter().map(named).collect()
        } else {
            vec![(None, Value::list(self.elements(found.values)))]
        };
        let mut tally = Tally::over(lists.len());
        tally.missing = found.missing;
        for (name, list) in lists {
            let Some(items) = list.as_list() else {
                tally.unclear(Cause::Parse, || format!("{} is no list; mend the fact or the check", shown(&list)));
                continue;
            };
            let standing: Vec<Sameness> = items.iter().map(|item| wanted.find(item)).collect();
            let equal =
                standing.iter().all(|found| *found == Sameness::Same) && lacking(wanted, &list).next().is_none();
            let unlike = standing.iter().any(|found| matches!(found, Sameness::Unlike | Sameness::Incomparable));
            if !equal && !must && unlike {
                tally.unclear(Cause::Parse, || format!("{} holds another kind of value than expected", shown(&list)));
            } else if equal != must {
                tally.offends(|| name, &list);
            }
        }
        tally.outcome(self.test, self.resolved, &Value::Null, true)
    }

    fn elements(&self, values: Vec<(&Value, Option<Row<'_>>)>) -> Vec<Value> {
        match self.subject {
            Value::List(_) => values.into_iter().map(|(value, _)| value.clone()).collect(),
            other => vec![other.clone()],
        }
    }
}

/// The wanted elements that a list does not have.
fn lacking<'s>(wanted: &'s Set, list: &Value) -> impl Iterator<Item = &'s Value> {
    let there = Set::of(list);
    wanted.items().iter().filter(move |item| there.find(item) != Sameness::Same)
}
