//! A selector as an expression, for what words cannot say.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::MapDeserializer;

use super::Subject;
use crate::model::{Params, Time, Value, Verdict};
use crate::rule::{Context, Matcher, NameRef, Rule, judge};

/// Field of `asset` under which an expression finds the ways of access.
const ACCESS: &str = "access";
/// Field of `asset` under which an expression finds the role of the zone.
const ZONE_ROLE: &str = "zone_role";

/// A CEL expression over `asset`, which also has `asset.access` (list) and `asset.zone_role`.
#[derive(Debug, Clone)]
pub struct Expression {
    pub(super) text: String,
    rule: Rule,
}

impl Expression {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let words = MapDeserializer::<_, serde::de::value::Error>::new([("expr", text)].into_iter());
        let matcher = Matcher::deserialize(words).map_err(|error| error.to_string())?;
        if let Some(name) = matcher.names().into_iter().find(|name| !matches!(name, NameRef::Asset(_))) {
            return Err(format!("a selector may look at `asset` only, not at {name:?}"));
        }
        Ok(Self { text: text.to_owned(), rule: Rule { assert: vec![matcher], ..Rule::default() } })
    }

    pub(super) fn concerns(&self, subject: Subject<'_>) -> Result<(), String> {
        let mut asset = subject.asset.clone();
        let access = Value::list(subject.has.iter().map(|way| Value::text(way.word())));
        asset.fields.insert(Arc::from(ACCESS), access);
        let role = subject.zone_role.map_or(Value::Null, |role| Value::text(role.word()));
        asset.fields.insert(Arc::from(ZONE_ROLE), role);
        let (facts, verdicts) = (BTreeMap::new(), BTreeMap::new());
        let (params, now) = (Params::default(), Time::UNIX_EPOCH);
        let judgement =
            judge(&self.rule, &Context { facts: &facts, params: &params, asset: &asset, verdicts: &verdicts, now });
        match judgement.verdict {
            Verdict::Pass => Ok(()),
            Verdict::Fail => Err(format!("is for assets with {}", self.text)),
            _ => Err(format!("`applies_to` cannot be evaluated here: {}", judgement.reason)),
        }
    }
}
