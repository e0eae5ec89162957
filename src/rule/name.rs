//! The names by which checks speak of facts, parameters, the asset and other checks, and what stands behind them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::Context;
use crate::model::{Cause, Missing, Reading, Value, Verdict};

/// A name that a rule mentions, for the checks at load time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameRef {
    /// A fact and the path inside it (`linux.sshd.permitrootlogin`); [`split_fact`] cuts it.
    Fact(Arc<str>),
    /// A parameter, without the path inside its value.
    Param(Arc<str>),
    /// A field of the asset, without the path inside its value.
    Asset(Arc<str>),
    /// Another check.
    Verdict(Arc<str>),
}

/// Cuts a path after the longest prefix that names a known fact.
pub fn split_fact(path: &str, known: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
    if known(path) {
        return Some((path, ""));
    }
    path.rmatch_indices('.').map(|(at, _)| (&path[..at], &path[at + 1..])).find(|(id, _)| known(id))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Fact,
    Param,
    Asset,
    Verdict,
}

/// A name with the path inside its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    source: Source,
    path: Arc<str>,
}

/// What stands behind a name.
pub(super) enum Lookup<'a> {
    /// A value, never null.
    Found(Cow<'a, Value>),
    /// Positively not there; the text says what is not.
    Absent(String),
    /// Nothing can be said.
    Missing(Missing),
}

impl Name {
    /// Reads the subject of a matcher: a fact's path unless it starts with `params.`, `asset.` or `verdict.`.
    pub(super) fn subject(text: &str) -> Result<Self, String> {
        let prefixes = [("params.", Source::Param), ("asset.", Source::Asset), ("verdict.", Source::Verdict)];
        let found = prefixes.iter().find_map(|(prefix, source)| Some((*source, text.strip_prefix(prefix)?)));
        let (source, path) = found.unwrap_or((Source::Fact, text.strip_prefix("fact:").unwrap_or(text).trim()));
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(format!("{text:?} names nothing; write a fact's path, params.x, asset.x or verdict.check-id"));
        }
        Ok(Self { source, path: Arc::from(path) })
    }

    /// Reads an operand that refers to something; any other text is none.
    pub(super) fn operand(text: &str) -> Option<Result<Self, String>> {
        ["params.", "asset.", "fact:"].iter().any(|prefix| text.starts_with(prefix)).then(|| Self::subject(text))
    }

    /// A name by the variable of an expression and the fields selected from it.
    pub(super) fn of_variable(variable: &str, path: &str) -> Option<Self> {
        let source = match variable {
            "fact" => Source::Fact,
            "params" => Source::Param,
            "asset" => Source::Asset,
            "verdict" => Source::Verdict,
            _ => return None,
        };
        Some(Self { source, path: Arc::from(path) })
    }

    /// The name for load-time checks.
    pub(super) fn reference(&self) -> NameRef {
        let head = || Arc::from(self.path.split('.').next().unwrap_or_default());
        match self.source {
            Source::Fact => NameRef::Fact(self.path.clone()),
            Source::Param => NameRef::Param(head()),
            Source::Asset => NameRef::Asset(head()),
            Source::Verdict => NameRef::Verdict(self.path.clone()),
        }
    }

    /// Looks the name up.
    pub(super) fn look_up<'a>(&self, context: &Context<'a>) -> Lookup<'a> {
        let path = &*self.path;
        match self.source {
            Source::Fact => look_up_fact(path, context),
            Source::Param => {
                let (head, rest) = path.split_once('.').unwrap_or((path, ""));
                let value = context.params.get(path).or_else(|| context.params.get(head)?.at(rest));
                found(value.map(Cow::Borrowed), || {
                    format!("parameter `{path}` is not set; set it in the configuration")
                })
            }
            Source::Asset => {
                let (head, rest) = path.split_once('.').unwrap_or((path, ""));
                let value = context.asset.field(head).and_then(|value| value.at(rest).cloned());
                found(value.map(Cow::Owned), || {
                    format!("the inventory does not say `{path}` of {}; add it to the asset", context.asset.id)
                })
            }
            Source::Verdict => look_up_verdict(path, context),
        }
    }

    /// Whether it names a fact.
    pub(super) fn is_fact(&self) -> bool {
        self.source == Source::Fact
    }

    /// Whether it names another check.
    pub(super) fn is_verdict(&self) -> bool {
        self.source == Source::Verdict
    }
}

fn found(value: Option<Cow<'_, Value>>, absent: impl Fn() -> String) -> Lookup<'_> {
    match value {
        Some(value) if *value != Value::Null => Lookup::Found(value),
        _ => Lookup::Absent(absent()),
    }
}

fn look_up_fact<'a>(path: &str, context: &Context<'a>) -> Lookup<'a> {
    let Some((id, rest)) = split_fact(path, |id| context.facts.contains_key(id)) else {
        let detail = format!("no fact for `{path}` was collected; list the fact under `needs`");
        return Lookup::Missing(Missing::new(Cause::NoData, detail));
    };
    match context.facts.get(id) {
        Some(Reading::Known(value)) => found(value.at(rest).map(Cow::Borrowed), || {
            if rest.is_empty() { format!("{id} is nothing") } else { format!("{id} has no `{rest}`") }
        }),
        Some(Reading::Absent(how)) => Lookup::Absent(format!("{id} is absent: {how}")),
        Some(Reading::Missing(missing)) => {
            Lookup::Missing(Missing::new(missing.cause, format!("{id}: {}", missing.detail)))
        }
        None => Lookup::Missing(Missing::new(Cause::Internal, format!("{id} vanished while it was judged"))),
    }
}

fn look_up_verdict<'a>(check: &str, context: &Context<'a>) -> Lookup<'a> {
    match context.verdicts.get(check) {
        Some(verdict) => Lookup::Found(Cow::Owned(Value::text(verdict.word()))),
        None => Lookup::Missing(Missing::new(
            Cause::NoData,
            format!("check {check} has no verdict on this asset yet; list it under `needs_checks`"),
        )),
    }
}

/// Why the verdict behind a name is unknown, if it is.
pub(super) fn unknown_verdict(name: &Name, context: &Context<'_>) -> Option<Missing> {
    match context.verdicts.get(&*name.path)? {
        Verdict::Unknown(cause) if name.is_verdict() => {
            Some(Missing::new(*cause, format!("check {} is unknown ({cause}); settle that first", name.path)))
        }
        _ => None,
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.source {
            Source::Fact => "",
            Source::Param => "params.",
            Source::Asset => "asset.",
            Source::Verdict => "verdict.",
        };
        write!(f, "{prefix}{}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_known_fact_wins() {
        let known = |id: &str| matches!(id, "linux" | "linux.sshd");
        assert_eq!(split_fact("linux.sshd.port", known), Some(("linux.sshd", "port")));
        assert_eq!(split_fact("linux.sshd", known), Some(("linux.sshd", "")));
        assert_eq!(split_fact("linux.os.name.x", known), Some(("linux", "os.name.x")));
        assert_eq!(split_fact("tcp.ports", known), None);
    }

    #[test]
    fn prefixes_choose_the_source() {
        let reference = |text| Name::subject(text).unwrap().reference();
        assert_eq!(reference("params.max.high"), NameRef::Param("max".into()));
        assert_eq!(reference("asset.labels.line"), NameRef::Asset("labels".into()));
        assert_eq!(reference("verdict.mfa-ssh"), NameRef::Verdict("mfa-ssh".into()));
        assert_eq!(reference("device.model"), NameRef::Fact("device.model".into()));
        assert!(Name::subject("params.").is_err() && Name::subject("a..b").is_err());
        assert!(Name::operand("no").is_none());
    }
}
