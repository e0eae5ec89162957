//! The one door from facts to a verdict.

use super::matcher::{Finding, Matcher, Outcome, all};
use super::{Context, Rule};
use crate::model::{Cause, Judgement, Missing, Verdict};

/// Longest reason, in characters.
const MAX_REASON: usize = 1_500;

/// Assertions that a pass tells of besides the first.
const MAX_TOLD: usize = 5;

/// Judges one asset by one rule.
///
/// In this order: what positively excludes the asset, then what the evidence must show to count at all, then
/// the assertions, then the warnings. Facts that no deciding assertion needs may be missing. Assertions that
/// all had nothing to judge give no pass.
#[must_use]
pub fn judge(rule: &Rule, context: &Context<'_>) -> Judgement {
    excluded(rule, context).or_else(|| unmet(rule, context)).unwrap_or_else(|| asserted(rule, context))
}

fn excluded(rule: &Rule, context: &Context<'_>) -> Option<Judgement> {
    let holds = |matcher: &&Matcher| matcher.evaluate(context) == Outcome::Holds;
    let matcher = rule.not_applicable_when.iter().find(holds)?;
    let mut seen = matcher.because(context);
    seen.text = format!("does not apply: {}", seen.text);
    Some(conclude(Verdict::NotApplicable, seen, context))
}

fn unmet(rule: &Rule, context: &Context<'_>) -> Option<Judgement> {
    rule.requires.iter().find_map(|matcher| match matcher.evaluate(context) {
        Outcome::Holds | Outcome::Vacuous => None,
        Outcome::Missing(missing) => Some(unknown(&missing, context)),
        Outcome::Offends(mut seen) => {
            seen.text = format!("the evidence does not count: {}", seen.text);
            Some(conclude(Verdict::Unknown(matcher.cause()), *seen, context))
        }
    })
}

fn asserted(rule: &Rule, context: &Context<'_>) -> Judgement {
    let assertions = all(&rule.assert, context);
    match assertions.outcome {
        Outcome::Offends(seen) => conclude(Verdict::Fail, *seen, context),
        Outcome::Missing(missing) => unknown(&missing, context),
        Outcome::Vacuous => unknown(
            &Missing::new(Cause::NoData, "nothing was judged: the asset has none of what this check looks at"),
            context,
        ),
        Outcome::Holds => warned(rule, passed(&assertions.held, context), context),
    }
}

/// A warning that cannot be judged does not take a pass away: the requirement itself is met.
fn warned(rule: &Rule, mut seen: Finding, context: &Context<'_>) -> Judgement {
    match all(&rule.warn, context).outcome {
        Outcome::Offends(warning) => return conclude(Verdict::Warn, *warning, context),
        Outcome::Missing(missing) => {
            seen.text = format!("{}; a warning could not be judged: {}", seen.text, missing.detail);
        }
        Outcome::Holds | Outcome::Vacuous => {}
    }
    conclude(Verdict::Pass, seen, context)
}

/// What the first assertion saw, and what the others say.
fn passed(held: &[&Matcher], context: &Context<'_>) -> Finding {
    let leaves: Vec<&Matcher> = held.iter().flat_map(|matcher| matcher.leaves(context)).collect();
    let mut seen = leaves.first().and_then(|matcher| matcher.describe(context)).unwrap_or_default();
    let mut others: Vec<String> = Vec::new();
    for text in leaves.iter().skip(1).filter_map(|matcher| matcher.settled(context, true)) {
        if !others.contains(&text) {
            others.push(text);
        }
    }
    let more = others.len().saturating_sub(MAX_TOLD);
    for text in others.into_iter().take(MAX_TOLD) {
        seen.text = format!("{}; {text}", seen.text);
    }
    if more > 0 {
        seen.text = format!("{}; and {more} more", seen.text);
    }
    seen
}

fn unknown(missing: &Missing, context: &Context<'_>) -> Judgement {
    let seen = Finding { text: missing.detail.clone(), ..Finding::default() };
    conclude(Verdict::Unknown(missing.cause), seen, context)
}

fn conclude(verdict: Verdict, seen: Finding, context: &Context<'_>) -> Judgement {
    let reason = line(&seen.text);
    let (observed, expected) = seen.kept();
    Judgement { verdict, reason, observed, expected, params: context.params.clone() }
}

/// One bounded line without control characters.
fn line(text: &str) -> String {
    text.chars().take(MAX_REASON).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
