//! Counting what a test finds among the elements of its subject.

use super::elements::{Item, Row, is_keyed, row_name, visit};
use super::op::Resolved;
use super::sentence::{cut, join, sentence, shown};
use super::test::{Selection, Test, WhenAbsent};
use super::{Finding, Outcome, decide, sentence as words, whole};
use crate::model::{Cause, Missing, Time, Value};

/// Offenders that are kept; the rest is counted.
const KEPT: usize = 50;

/// What is left to say when nothing offends.
#[derive(Default)]
pub(super) struct Verdictless {
    seen: bool,
    missing: Option<Missing>,
}

impl Verdictless {
    pub(super) fn holds(&mut self) {
        self.seen = true;
    }

    pub(super) fn missing(&mut self, missing: Missing) {
        self.missing.get_or_insert(missing);
    }

    pub(super) fn outcome(self) -> Outcome {
        match self.missing {
            Some(missing) => Outcome::Missing(missing),
            None if self.seen => Outcome::Holds,
            None => Outcome::Vacuous,
        }
    }
}

/// Offenders, and what could not be judged.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) seen: usize,
    count: usize,
    offenders: Vec<(Option<String>, Value)>,
    pub(super) missing: Option<Missing>,
}

impl Tally {
    /// A tally that has looked at this many elements already.
    pub(super) fn over(seen: usize) -> Self {
        Self { seen, ..Self::default() }
    }

    pub(super) fn offends(&mut self, label: impl FnOnce() -> Option<String>, value: &Value) {
        self.count += 1;
        if self.offenders.len() < KEPT {
            self.offenders.push((label(), value.clone()));
        }
    }

    pub(super) fn unclear(&mut self, cause: Cause, detail: impl FnOnce() -> String) {
        if self.missing.is_none() {
            self.missing = Some(Missing::new(cause, cut(detail(), 500)));
        }
    }

    /// A row that lacks the field of `where` or of `field`.
    pub(super) fn lacking(&mut self, test: &Test, row: Row<'_>, field: &str) {
        let name = || row.label(None).unwrap_or_else(|| shown(row.fields));
        match row.why() {
            Some((cause, why)) => self.unclear(cause, || format!("{}: {}: {why}", test.subject, name())),
            None => self.unclear(Cause::NoData, || {
                format!("{}: {} has no `{field}`; `nis2watch facts` shows what the asset says", test.subject, name())
            }),
        }
    }

    pub(super) fn any_offends(&self) -> bool {
        self.count > 0
    }

    /// `positive`: the test wants to see something, so no element at all is no proof.
    pub(super) fn outcome(self, test: &Test, resolved: &Resolved<'_>, subject: &Value, positive: bool) -> Outcome {
        match self {
            Self { count: 1.., .. } => Outcome::Offends(Box::new(self.finding(test, resolved, subject))),
            Self { missing: Some(missing), .. } => Outcome::Missing(missing),
            Self { seen: 0, .. } if positive => Outcome::Vacuous,
            _ => Outcome::Holds,
        }
    }

    fn finding(self, test: &Test, resolved: &Resolved<'_>, subject: &Value) -> Finding {
        let named = |(label, value): &(Option<String>, Value)| match label {
            Some(label) => format!("{label}: {}", shown(value)),
            None => shown(value),
        };
        let offenders = join(self.offenders.iter().map(named), self.count);
        let (subject_words, expected) = (words::subject(test), words::expected(test, resolved));
        let several =
            subject.as_list().is_some() || self.seen > 1 || self.offenders.iter().any(|(label, _)| label.is_some());
        let observed = if several {
            let value = |(label, value): (Option<String>, Value)| match label {
                Some(label) => Value::text(format!("{label}: {}", shown(&value))),
                None => value,
            };
            // whoever reads the offenders must see that there are others
            let more = self.count - self.offenders.len();
            let more = (more > 0).then(|| Value::text(format!("… and {more} more")));
            let kept = words::clip(&Value::list(self.offenders.into_iter().map(value)));
            Value::list(kept.as_list().unwrap_or_default().iter().cloned().chain(more))
        } else {
            words::clip(&self.offenders.into_iter().next().map(|(_, value)| value).unwrap_or_default())
        };
        let said = if several && self.seen > 0 {
            format!("{subject_words}: {} of {} offend ({offenders}); expected {expected}", self.count, self.seen)
        } else {
            format!("{subject_words} is {offenders}; expected {expected}")
        };
        let value = words::expected_value(resolved);
        Finding { offenders, ..Finding::alone(sentence(said), subject_words, expected, observed, value) }
    }
}

/// Judges a subject.
pub(super) fn judge<'a>(
    test: &Test,
    resolved: &Resolved<'a>,
    selection: &Selection<'a>,
    subject: &'a Value,
    now: Time,
) -> Outcome {
    if let Some(outcome) = whole::judge(test, resolved, selection, subject) {
        return outcome;
    }
    let mut tally = Tally::default();
    visit(subject, selection, true, |item| match item {
        Item::Unclear(row, field) => tally.lacking(test, row, field),
        Item::Absent(row) => {
            tally.seen += 1;
            absent(&mut tally, test, row);
        }
        Item::Value(value, row) => {
            tally.seen += 1;
            match decide::holds(resolved, value, now) {
                Some(true) => {}
                Some(false) => tally.offends(|| row.and_then(|row| label(row, test)), value),
                None => tally.unclear(Cause::Parse, || {
                    let row =
                        row.and_then(|row| label(row, test)).map(|label| format!(" ({label})")).unwrap_or_default();
                    format!("{}{row}: {}", words::subject(test), decide::why_unclear(resolved, value, now))
                }),
            }
        }
    });
    tally.outcome(test, resolved, subject, decide::is_positive(resolved))
}

fn absent(tally: &mut Tally, test: &Test, row: Row<'_>) {
    match test.when_absent {
        WhenAbsent::Holds => {}
        WhenAbsent::Fails => tally.offends(|| label(row, test), &Value::Null),
        WhenAbsent::Unknown => tally.lacking(test, row, test.field.as_deref().unwrap_or_default()),
    }
}

/// The name of a row among others.
pub(super) fn label(row: Row<'_>, test: &Test) -> Option<String> {
    row.label(test.field.as_deref())
}

/// What a test that holds saw.
pub(super) fn describe(test: &Test, resolved: &Resolved<'_>, selection: &Selection<'_>, subject: &Value) -> Finding {
    let (seen, observed, names) = column(test, selection, subject).unwrap_or_else(|| (1, words::clip(subject), vec![]));
    let expected = words::expected(test, resolved);
    let said = match &observed {
        Value::List(_) if seen == 0 => format!("{}: none", words::subject(test)),
        Value::List(items) if seen == 1 && items.len() == 1 && items[0].as_map().is_none() => {
            format!("{} is {}, as expected: {expected}", words::subject(test), shown(&items[0]))
        }
        Value::List(items) if items.len() > 3 || items.iter().any(|item| item.as_map().is_some()) => {
            let names = words::some(&names, seen);
            format!("{}: {}{names}, as expected: {expected}", words::subject(test), words::counted(seen))
        }
        Value::Map(_) => format!("{}: as expected: {expected}", words::subject(test)),
        other => format!("{} is {}, as expected: {expected}", words::subject(test), shown(other)),
    };
    Finding::alone(sentence(said), words::subject(test), expected, observed, words::expected_value(resolved))
}

/// What a test that holds says beside others.
pub(super) fn settled(test: &Test, resolved: &Resolved<'_>, selection: &Selection<'_>, subject: &Value) -> Finding {
    beside(test, resolved, selection, subject, true)
}

/// What a test that does not hold, and must not, says beside others.
pub(super) fn unsettled(test: &Test, resolved: &Resolved<'_>, selection: &Selection<'_>, subject: &Value) -> Finding {
    beside(test, resolved, selection, subject, false)
}

fn beside(test: &Test, resolved: &Resolved<'_>, selection: &Selection<'_>, subject: &Value, so: bool) -> Finding {
    let name = words::subject(test);
    let said = match column(test, selection, subject) {
        None => words::settled(&name, resolved, Some(subject), so),
        Some((0, ..)) if !matches!(resolved, Resolved::Count { .. }) => format!("{name}: none"),
        Some((1, observed, _)) => {
            let only = observed.as_list().and_then(<[Value]>::first).filter(|value| value.as_map().is_none());
            words::settled(&name, resolved, only, so)
        }
        Some(_) => words::settled(&name, resolved, None, so),
    };
    Finding { text: said, ..Finding::default() }
}

/// What a test that holds says of the asset: plainly what is so, not what was asked for.
pub(super) fn circumstance(
    test: &Test,
    resolved: &Resolved<'_>,
    selection: &Selection<'_>,
    subject: &Value,
) -> Finding {
    let rows = column(test, selection, subject);
    let (subject_words, wanted) = (words::subject(test), words::expected(test, resolved));
    let expected = words::expected_value(resolved);
    let Some((seen, observed, names)) = rows else {
        let observed = words::clip(subject);
        let said = sentence(words::alone(&subject_words, resolved, &observed));
        let offenders = shown(&observed);
        return Finding { offenders, ..Finding::alone(said, subject_words, wanted, observed, expected) };
    };
    let values = observed.as_list().unwrap_or_default();
    let said = sentence(words::together(&subject_words, resolved, seen, values));
    let offenders = join(names.iter().cloned(), seen);
    Finding { offenders, ..Finding::alone(said, subject_words, wanted, observed, expected) }
}

/// How many elements counted, those that are kept, and their names; nothing for a subject without rows.
fn column(test: &Test, selection: &Selection<'_>, subject: &Value) -> Option<(usize, Value, Vec<String>)> {
    if subject.as_list().is_none() && !is_keyed(subject, selection) {
        return None;
    }
    let (mut seen, mut kept, mut names) = (0, Vec::new(), Vec::new());
    visit(subject, selection, false, |item| {
        if let Item::Value(value, row) = item {
            seen += 1;
            if kept.len() <= KEPT {
                names.push(row.and_then(|row| label(row, test)).unwrap_or_else(|| row_name(value)));
                kept.push(value.clone());
            }
        }
    });
    Some((seen, words::clip(&Value::list(kept)), names))
}
