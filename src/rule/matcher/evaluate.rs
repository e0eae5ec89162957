//! Matchers at work: three-valued logic over facts.

use super::op::Resolved;
use super::sentence::sentence;
use super::tally::{self, Verdictless};
use super::template::Filling;
use super::test::{Selection, Test, WhenAbsent};
use super::{Finding, Form, Matcher, Outcome, sentence as words};
use crate::model::{Cause, Missing, Value};
use crate::rule::Context;
use crate::rule::name::{Lookup, unknown_verdict};

impl Matcher {
    /// Judges.
    pub(in crate::rule) fn evaluate(&self, context: &Context<'_>) -> Outcome {
        if let Some(when) = &self.when {
            match when.evaluate(context) {
                Outcome::Holds => {}
                Outcome::Offends(_) | Outcome::Vacuous => return Outcome::Vacuous,
                Outcome::Missing(missing) => return Outcome::Missing(missing),
            }
        }
        let outcome = match &self.form {
            Form::Test(test) => test.evaluate(context),
            Form::All(matchers) => all(matchers, context).outcome,
            Form::Any(matchers) => any(matchers, context),
            Form::None(matchers) => none(matchers, context),
            Form::Expr(expression) => expression.judge(context),
        };
        match outcome {
            Outcome::Offends(finding) => Outcome::Offends(Box::new(self.said(*finding, context))),
            outcome => outcome,
        }
    }

    /// The finding in the author's words, where there are any.
    fn said(&self, finding: Finding, context: &Context<'_>) -> Finding {
        if let Some(say) = &self.say {
            let Finding { observed, expected, offenders, .. } = &finding;
            let text = say.fill(&Filling { observed, expected, offenders }, context);
            return finding.worded(text);
        }
        finding
    }

    /// Why a matcher that holds excludes an asset: in the author's words, else all that it saw.
    pub(in crate::rule) fn because(&self, context: &Context<'_>) -> Finding {
        self.said(self.circumstance(context).unwrap_or_default(), context)
    }

    fn circumstance(&self, context: &Context<'_>) -> Option<Finding> {
        match &self.form {
            Form::Test(test) => test.circumstance(context),
            Form::All(matchers) => {
                let held = matchers.iter().filter(|matcher| matcher.evaluate(context) == Outcome::Holds);
                let mut seen: Vec<Finding> = held.map(|matcher| matcher.because(context)).collect();
                match seen.len() {
                    0 | 1 => seen.pop(),
                    _ => Some(Finding {
                        text: sentence(seen.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join(", and ")),
                        offenders: words::once(seen.iter().flat_map(|one| one.offenders.split(", "))),
                        ..Finding::together(seen)?
                    }),
                }
            }
            Form::Any(matchers) => {
                let holds = matchers.iter().find(|matcher| matcher.evaluate(context) == Outcome::Holds);
                holds.map(|matcher| matcher.because(context))
            }
            Form::None(_) | Form::Expr(_) => self.describe(context),
        }
    }

    /// What there is to say for a matcher that holds; nothing when it was vacuous.
    pub(in crate::rule) fn describe(&self, context: &Context<'_>) -> Option<Finding> {
        match &self.form {
            Form::Test(test) => test.describe(context),
            Form::All(matchers) | Form::Any(matchers) => {
                let holds = matchers.iter().find(|matcher| matcher.evaluate(context) == Outcome::Holds);
                holds.and_then(|matcher| matcher.describe(context))
            }
            Form::None(_) => {
                let text = sentence(self.settled(context, true).unwrap_or_default());
                Some(Finding { text, ..Finding::default() })
            }
            Form::Expr(expression) => Some(expression.describe(context)),
        }
    }

    /// The matchers without members that make this one hold, in order.
    pub(in crate::rule) fn leaves<'m>(&'m self, context: &Context<'_>) -> Vec<&'m Matcher> {
        let holds = |matcher: &&Matcher| matcher.evaluate(context) == Outcome::Holds;
        match &self.form {
            Form::All(matchers) => matchers.iter().filter(holds).flat_map(|one| one.leaves(context)).collect(),
            Form::Any(matchers) => matchers.iter().find(holds).map(|one| one.leaves(context)).unwrap_or_default(),
            Form::Test(_) | Form::None(_) | Form::Expr(_) => vec![self],
        }
    }

    /// The same in words that change only with what they say; `so` is false inside of a `none`.
    pub(in crate::rule) fn settled(&self, context: &Context<'_>, so: bool) -> Option<String> {
        let so = so && !matches!(self.form, Form::None(_));
        match &self.form {
            Form::Test(test) => test.settled(context, so),
            Form::Expr(expression) => Some(expression.settled(context, so)),
            Form::All(matchers) | Form::Any(matchers) | Form::None(matchers) => {
                let parts: Vec<String> = matchers.iter().filter_map(|one| one.settled(context, so)).collect();
                (!parts.is_empty()).then(|| sentence(parts.join(", ")))
            }
        }
    }
}

/// What a list of matchers says together, and which of them held.
pub(in crate::rule) struct Together<'m> {
    pub(in crate::rule) outcome: Outcome,
    pub(in crate::rule) held: Vec<&'m Matcher>,
}

/// Any that offends decides, else any that is missing; those that judge nothing do not count.
pub(in crate::rule) fn all<'m>(matchers: &'m [Matcher], context: &Context<'_>) -> Together<'m> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut tally = Verdictless::default();
    let mut held = Vec::new();
    for matcher in matchers {
        match matcher.evaluate(context) {
            Outcome::Holds => {
                tally.holds();
                held.push(matcher);
            }
            Outcome::Vacuous => {}
            Outcome::Missing(missing) => tally.missing(missing),
            Outcome::Offends(finding) => findings.push(*finding),
        }
    }
    let outcome =
        Finding::together(findings).map_or_else(|| tally.outcome(), |finding| Outcome::Offends(Box::new(finding)));
    Together { outcome, held }
}

/// Any that holds decides, else any that is missing; those that judge nothing do not count.
fn any(matchers: &[Matcher], context: &Context<'_>) -> Outcome {
    let mut findings = Vec::new();
    let mut missing = None;
    for matcher in matchers {
        match matcher.evaluate(context) {
            Outcome::Holds => return Outcome::Holds,
            Outcome::Vacuous => {}
            Outcome::Missing(why) => missing = missing.or(Some(why)),
            Outcome::Offends(finding) => findings.push(*finding),
        }
    }
    match (missing, Finding::instead(findings)) {
        (Some(missing), _) => Outcome::Missing(missing),
        (None, Some(finding)) => Outcome::Offends(Box::new(finding)),
        (None, None) => Outcome::Vacuous,
    }
}

/// Any that holds offends, else any that is missing decides.
fn none(matchers: &[Matcher], context: &Context<'_>) -> Outcome {
    let mut tally = Verdictless::default();
    for matcher in matchers {
        match matcher.evaluate(context) {
            Outcome::Holds => {
                let seen = matcher.describe(context).unwrap_or_default();
                return Outcome::Offends(Box::new(seen.turned()));
            }
            Outcome::Vacuous => {}
            Outcome::Missing(missing) => tally.missing(missing),
            Outcome::Offends(_) => tally.holds(),
        }
    }
    tally.outcome()
}

/// Tells what a test that holds saw.
type Teller = fn(&Test, &Resolved<'_>, &Selection<'_>, &Value) -> Finding;

impl Test {
    fn evaluate(&self, context: &Context<'_>) -> Outcome {
        if self.subject.is_verdict()
            && !self.op.mentions("unknown")
            && let Some(missing) = unknown_verdict(&self.subject, context)
        {
            return Outcome::Missing(missing);
        }
        let subject = match self.subject.look_up(context) {
            Lookup::Found(subject) => subject,
            Lookup::Absent(detail) => return self.of_absent(detail, context),
            Lookup::Missing(missing) => return Outcome::Missing(missing),
        };
        let judged = self.op.resolve(context).and_then(|resolved| {
            let selection = self.selection(context)?;
            Ok(tally::judge(self, &resolved, &selection, &subject, context.now))
        });
        judged.unwrap_or_else(Outcome::Missing)
    }

    fn of_absent(&self, detail: String, context: &Context<'_>) -> Outcome {
        match (self.op.wants_presence(), self.when_absent) {
            (Some(false), _) | (None, WhenAbsent::Holds) => Outcome::Holds,
            (Some(true), _) | (None, WhenAbsent::Fails) => {
                let wanted =
                    self.op.resolve(context).map(|resolved| words::expected(self, &resolved)).unwrap_or_default();
                let (text, rule) = (sentence(detail), words::subject(self));
                Outcome::Offends(Box::new(Finding::alone(text, rule, wanted, Value::Null, Value::Null)))
            }
            (None, WhenAbsent::Unknown) if self.subject.is_fact() => Outcome::Missing(Missing::new(
                Cause::NoData,
                format!("{detail}: the asset does not say it; `nis2watch facts` shows what it says"),
            )),
            (None, WhenAbsent::Unknown) => Outcome::Missing(Missing::new(Cause::NoData, detail)),
        }
    }

    fn describe(&self, context: &Context<'_>) -> Option<Finding> {
        self.seen(context, tally::describe)
    }

    fn circumstance(&self, context: &Context<'_>) -> Option<Finding> {
        self.seen(context, tally::circumstance)
    }

    fn settled(&self, context: &Context<'_>, so: bool) -> Option<String> {
        self.seen(context, if so { tally::settled } else { tally::unsettled }).map(|finding| finding.text)
    }

    fn seen(&self, context: &Context<'_>, tell: Teller) -> Option<Finding> {
        let subject = match self.subject.look_up(context) {
            Lookup::Found(subject) => subject,
            Lookup::Absent(detail) => return Some(Finding { text: sentence(detail), ..Finding::default() }),
            Lookup::Missing(_) => return None,
        };
        let (resolved, selection) = (self.op.resolve(context).ok()?, self.selection(context).ok()?);
        Some(tell(self, &resolved, &selection, &subject))
    }
}
