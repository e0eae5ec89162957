//! Expressions at work.

use std::borrow::Cow;
use std::sync::Arc;

use cel::{Context as Scope, ExecutionError, Value as CelValue};

use super::data::{Given, Tree, rows};
use super::guard::Path;
use super::{ENVIRONMENT, Expression, functions};
use crate::model::{Cause, Missing, Params, Reading, Time, Value};
use crate::rule::Context;
use crate::rule::matcher::{Finding, Outcome, clip, join, row_name, sentence, shown};

/// Longest error of the interpreter that is quoted, in characters.
const MAX_ERROR: usize = 200;
/// Longest list of which the offenders are named.
const MAX_NAMED: usize = 1_000;

impl Expression {
    /// Evaluates over variables by name, outside of a rule; there is no clock, so no `days_since`.
    ///
    /// # Errors
    ///
    /// One line when a variable or field is not there, or the result is no truth value.
    pub fn holds(&self, variables: &Params) -> Result<bool, String> {
        if let Some(unknown) = self.variables().find(|name| !variables.contains_key(*name)) {
            return Err(format!("`{self}` reads `{unknown}`, which is not there"));
        }
        let given = |path| {
            let path: &Path = path;
            let value = variables.get(path.variable.as_str()).and_then(|value| descend(value, &path.fields));
            Given { path, value: value.map(Cow::Borrowed) }
        };
        let given: Vec<Given<'_>> = self.0.guarded.paths.iter().map(given).collect();
        self.run(&given, None).map_err(|missing| missing.detail)
    }

    /// Evaluates over facts.
    pub(in crate::rule) fn judge(&self, context: &Context<'_>) -> Outcome {
        let given = match self.given(context) {
            Ok(given) => given,
            Err(missing) => return Outcome::Missing(missing),
        };
        match self.run(&given, Some(context.now)) {
            Ok(true) => Outcome::Holds,
            Ok(false) => {
                let offenders = self.offenders(&given, context);
                Outcome::Offends(Box::new(Finding { offenders, ..self.finding("does not hold", &given) }))
            }
            Err(missing) => Outcome::Missing(missing),
        }
    }

    /// What it saw.
    pub(in crate::rule) fn describe(&self, context: &Context<'_>) -> Finding {
        let Ok(given) = self.given(context) else { return Finding::default() };
        let told = given.iter().filter(|one| one.path.variable != "params").map(|one| {
            let value = one.value.as_deref();
            match value.and_then(Value::as_list) {
                Some([]) => format!("{} is empty", one.path),
                Some(rows) if rows.iter().any(|row| row.as_map().is_some()) => {
                    format!("{}: {}", one.path, join(rows.iter().take(MAX_NAMED).map(row_name), rows.len()))
                }
                _ => format!("{} is {}", one.path, value.map_or_else(|| "not there".to_owned(), shown)),
            }
        });
        let text = format!("{}, as expected: `{}`", told.collect::<Vec<_>>().join(", "), self.in_one_line());
        Finding { text: sentence(text), ..self.finding("holds", &given) }
    }

    /// What it says beside others: the values that change only with what they say.
    pub(in crate::rule) fn settled(&self, context: &Context<'_>, so: bool) -> String {
        let Ok(given) = self.given(context) else { return String::new() };
        let told = given.iter().filter(|one| one.path.variable != "params").map(|one| match one.value.as_deref() {
            Some(value @ (Value::Text(_) | Value::Bool(_))) => format!("{} is {}", one.path, shown(value)),
            _ if so => format!("{} is as it should be", one.path),
            _ => format!("{} is not what it must not be", one.path),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    fn in_one_line(&self) -> String {
        self.0.source.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn finding(&self, how: &str, given: &[Given<'_>]) -> Finding {
        let fields = given.iter().map(|given| {
            (
                format!("{}.{}", given.path.variable, given.path.fields.join(".")),
                given.value.as_deref().map_or(Value::Null, clip),
            )
        });
        let observed = Value::map(fields);
        let text = format!("`{}` {how}: {}", self.in_one_line(), shown(&observed));
        let rule = given.iter().map(|given| given.path.to_string()).collect::<Vec<_>>().join(", ");
        let wanted = sentence(format!("`{}`", self.in_one_line()));
        Finding::alone(text, rule, wanted, observed, Value::text(&self.0.source))
    }

    /// The rows that offend each by itself, where the expression reads exactly one list of rows: a judgement names them.
    fn offenders(&self, given: &[Given<'_>], context: &Context<'_>) -> String {
        let rows = |given: &Given<'_>| given.value.as_deref().and_then(Value::as_list).map(<[Value]>::to_vec);
        let is_table = |rows: &Vec<Value>| !rows.is_empty() && rows.iter().all(|row| row.as_map().is_some());
        let mut tables = given.iter().enumerate().filter_map(|(at, one)| Some((at, rows(one).filter(is_table)?)));
        let (Some((at, rows)), None) = (tables.next(), tables.next()) else { return String::new() };
        if rows.len() > MAX_NAMED {
            return String::new();
        }
        let offends = |row: &&Value| {
            let mut alone: Vec<Given<'_>> = Vec::with_capacity(given.len());
            for (place, one) in given.iter().enumerate() {
                let value = one.value.as_deref().cloned().map(Cow::Owned);
                let value = if place == at { Some(Cow::Owned(Value::list([(*row).clone()]))) } else { value };
                alone.push(Given { path: one.path, value });
            }
            self.run(&alone, Some(context.now)) == Ok(false)
        };
        let names: Vec<String> = rows.iter().filter(offends).map(row_name).collect();
        let count = names.len();
        join(names.into_iter(), count)
    }

    fn given<'a>(&'a self, context: &Context<'a>) -> Result<Vec<Given<'a>>, Missing> {
        self.0.guarded.paths.iter().map(|path| Ok(Given { path, value: look_up(path, context)? })).collect()
    }

    fn run(&self, given: &[Given<'_>], now: Option<Time>) -> Result<bool, Missing> {
        let limit = self.0.guarded.max_rows;
        let count: usize =
            given.iter().filter_map(|given| given.value.as_deref()).map(|value| rows(value, limit)).sum();
        if count > limit {
            let detail = format!(
                "more than {limit} elements are too many for this expression; use a matcher, or filter in the fact"
            );
            return Err(Missing::new(Cause::Parse, detail));
        }
        let mut scope = Scope::with_env(Arc::clone(&ENVIRONMENT));
        functions::add(&mut scope, now);
        for (name, tree) in Tree::of(given) {
            scope.add_variable_as_val(name, tree.into_val());
        }
        match CelValue::resolve(&self.0.root, &scope) {
            Ok(CelValue::Bool(truth)) => Ok(truth),
            Ok(other) => {
                let kind = format!("{:?}", other.type_of()).to_lowercase();
                Err(Missing::new(
                    Cause::Internal,
                    format!("`{self}` gives a {kind}, not true or false; mend the check"),
                ))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &ExecutionError) -> Missing {
        let said: String = error.to_string().chars().take(MAX_ERROR).flat_map(char::escape_debug).collect();
        match error {
            ExecutionError::NoSuchKey(key) => Missing::new(
                Cause::NoData,
                format!(
                    "`{self}` reads {:?}, which the asset does not say; `nis2watch facts` shows what it says",
                    clip_key(key)
                ),
            ),
            ExecutionError::UndeclaredReference(_) => {
                Missing::new(Cause::Internal, format!("`{self}`: {said}; mend the check"))
            }
            _ => Missing::new(
                Cause::Parse,
                format!("`{self}` cannot be evaluated: {said}; compare the fact with the check"),
            ),
        }
    }
}

fn clip_key(key: &str) -> String {
    key.chars().take(MAX_ERROR).collect()
}

/// The value at a path; nothing when it is positively absent.
fn look_up<'a>(path: &Path, context: &Context<'a>) -> Result<Option<Cow<'a, Value>>, Missing> {
    let (first, rest) = path.fields.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    Ok(match path.variable.as_str() {
        "fact" => return fact(path, context),
        "params" => context.params.get(first).and_then(|value| descend(value, rest)).map(Cow::Borrowed),
        "asset" => {
            let field = context.asset.field(first);
            field.and_then(|value| descend(&value, rest).cloned()).map(Cow::Owned)
        }
        _ => {
            let check = path.fields.join(".");
            let verdict = context.verdicts.get(check.as_str());
            let verdict = verdict.ok_or_else(|| {
                Missing::new(Cause::NoData, format!("check {check} has no verdict yet; list it under `needs_checks`"))
            })?;
            Some(Cow::Owned(Value::text(verdict.word())))
        }
    })
}

fn fact<'a>(path: &Path, context: &Context<'a>) -> Result<Option<Cow<'a, Value>>, Missing> {
    let prefixes = (1..=path.fields.len()).rev();
    let found =
        prefixes.map(|n| (path.fields[..n].join("."), n)).find(|(id, _)| context.facts.contains_key(id.as_str()));
    let Some((id, n)) = found else {
        let detail = format!("no fact for `{}` was collected; list it under `needs`", path.fields.join("."));
        return Err(Missing::new(Cause::NoData, detail));
    };
    match context.facts.get(id.as_str()) {
        Some(Reading::Known(value)) => Ok(descend(value, &path.fields[n..]).map(Cow::Borrowed)),
        Some(Reading::Missing(missing)) => Err(Missing::new(missing.cause, format!("{id}: {}", missing.detail))),
        Some(Reading::Absent(_)) | None => Ok(None),
    }
}

fn descend<'a>(value: &'a Value, fields: &[String]) -> Option<&'a Value> {
    fields.iter().try_fold(value, |value, field| value.get(field))
}
