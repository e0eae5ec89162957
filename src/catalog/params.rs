//! Parameters: what a plant may set differently, and whether it did so rightly.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::form::Form;
use super::form::suggestion;
use super::{Catalog, Check};
use crate::model::{CheckId, Profile, Value};

/// Parameters of checks as the configuration or an asset sets them.
pub type Overrides = BTreeMap<CheckId, BTreeMap<Arc<str>, Value>>;

/// One wrong override; the caller knows its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamMistake {
    /// The check as written.
    pub check: CheckId,
    /// The parameter as written; `None` when there is no such check.
    pub param: Option<Arc<str>>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Catalog {
    /// Verifies parameters of the configuration: the check and the parameter exist, and the type is that of the default.
    #[must_use]
    pub fn check_params(&self, overrides: &Overrides) -> Vec<ParamMistake> {
        let mut mistakes = Vec::new();
        // what a broken file would say of its parameters, nobody knows
        for (id, params) in overrides.iter().filter(|(id, _)| !self.broken.contains(id.as_str())) {
            match self.checks.get(id) {
                Some(check) => mistakes.extend(wrong_params(check, params)),
                None => mistakes.push(ParamMistake {
                    check: id.clone(),
                    param: None,
                    message: format!("there is no check `{id}`"),
                    hint: suggestion(id.as_str(), self.checks.keys().map(CheckId::as_str)),
                }),
            }
        }
        mistakes
    }
}

fn wrong_params(check: &Check, params: &BTreeMap<Arc<str>, Value>) -> Vec<ParamMistake> {
    let wrong = |(name, value): (&Arc<str>, &Value)| {
        let (message, hint) = wrong_param(&check.params, name, value)?;
        Some(ParamMistake { check: check.id.clone(), param: Some(name.clone()), message, hint })
    };
    params.iter().filter_map(wrong).collect()
}

fn wrong_param(defaults: &BTreeMap<Arc<str>, Value>, name: &str, value: &Value) -> Option<(String, Option<String>)> {
    let Some(default) = defaults.get(name) else {
        let hint = suggestion(name, defaults.keys().map(|name| &**name));
        return Some((format!("there is no parameter `{name}`"), hint));
    };
    if let Some((field, known)) = unknown_field(default, value) {
        return Some((format!("`{name}` has no field `{field}`"), suggestion(&field, known)));
    }
    let (wanted, found) = mismatch(default, value)?;
    let message = format!("expected {}, found {} ({})", kind(wanted), kind(found), short(found));
    let quotes = matches!((wanted, found), (Value::Text(_), Value::Int(_) | Value::Float(_) | Value::Bool(_)));
    Some((message, quotes.then(|| "put it in quotes".to_owned())))
}

/// A field that the map of the default does not have, with those it has; a map without fields takes any.
fn unknown_field<'a>(default: &'a Value, value: &Value) -> Option<(Arc<str>, Vec<&'a str>)> {
    let (defaults, fields) = (default.as_map().filter(|defaults| !defaults.is_empty())?, value.as_map()?);
    let field = fields.keys().find(|field| !defaults.contains_key(*field))?;
    Some((field.clone(), defaults.keys().map(|name| &**name).collect()))
}

/// A value laid over a default: fields of a map one by one, anything else as a whole.
pub(super) fn overlay(default: &Value, value: &Value) -> Value {
    let (Some(defaults), Some(fields)) = (default.as_map(), value.as_map()) else { return value.clone() };
    let mut merged = defaults.clone();
    for (name, value) in fields {
        let laid = merged.get(name).map_or_else(|| value.clone(), |default| overlay(default, value));
        merged.insert(name.clone(), laid);
    }
    Value::Map(Arc::new(merged))
}

/// What does not fit where a value is to stand in the place of a default: the wanted and the found part. The elements of
/// a list are compared with those of the default, where these are all of one kind.
fn mismatch<'a>(default: &'a Value, value: &'a Value) -> Option<(&'a Value, &'a Value)> {
    let fits = match (default, value) {
        (Value::Null, _)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Int(_), Value::Int(_))
        | (Value::Float(_), Value::Int(_) | Value::Float(_))
        | (Value::Text(_), Value::Text(_)) => true,
        (Value::Map(defaults), Value::Map(fields)) => {
            return fields.iter().find_map(|(name, value)| mismatch(defaults.get(name)?, value));
        }
        (Value::List(defaults), Value::List(items)) => {
            let first = defaults.first().filter(|first| defaults.iter().all(|other| kind(other) == kind(first)));
            return first.and_then(|first| items.iter().find_map(|item| mismatch(first, item)));
        }
        _ => false,
    };
    (!fits).then_some((default, value))
}

fn short(value: &Value) -> String {
    let text: String = value.to_string().chars().take(60).collect();
    text
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Int(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Text(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}

/// Reads `params_by_profile` and verifies it against the defaults.
pub(super) fn read_by_profile(
    form: &mut Form<'_>,
    defaults: &BTreeMap<Arc<str>, Value>,
) -> BTreeMap<Profile, BTreeMap<Arc<str>, Value>> {
    const KEY: &str = "params_by_profile";
    let read: BTreeMap<Profile, BTreeMap<Arc<str>, Value>> = form.take(KEY).unwrap_or_default();
    for (profile, params) in &read {
        for (name, value) in params {
            if let Some((message, hint)) = wrong_param(defaults, name, value) {
                let path = [KEY, profile.word(), name].map(Into::into);
                let problem = form.document().wrong(&path, message);
                form.push(match hint {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                });
            }
        }
    }
    read
}
