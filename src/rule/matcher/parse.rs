//! From the text of a check file to a matcher: every mistake is found here, at load, in words.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::op::{Count, Op, Regexp};
use super::operand::Operand;
use super::template::Template;
use super::test::{Test, WhenAbsent};
use super::{Form, Matcher};
use crate::model::{Cause, Value};
use crate::rule::Pattern;
use crate::rule::expr::Expression;
use crate::rule::moment::days_of;
use crate::rule::name::Name;
use crate::rule::sameness::number;
use crate::rule::version::Scheme;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Fact,
    All,
    Any,
    #[serde(rename = "none")]
    Nothing,
    Expr,
    Field,
    Where,
    WhereNot,
    Except,
    When,
    Say,
    Cause,
    Scheme,
    Absent,
    Equals,
    NotEquals,
    In,
    NotIn,
    SubsetOf,
    SupersetOf,
    NoneOf,
    Matches,
    NotMatches,
    AtLeast,
    AtMost,
    VersionAtLeast,
    NewerThan,
    OlderThan,
    Count,
    Exists,
    Unique,
    Empty,
}

const OPERATORS: &str = "equals, not_equals, in, not_in, subset_of, superset_of, none_of, matches, not_matches, at_least, \
     at_most, version_at_least, newer_than, older_than, count, exists, absent, unique, empty";

/// What has been read so far.
#[derive(Default)]
struct Draft {
    subject: Option<Name>,
    ops: Vec<Op>,
    groups: Vec<Form>,
    field: Option<Arc<str>>,
    filter: Option<Vec<(Arc<str>, Operand)>>,
    skip: Option<Vec<(Arc<str>, Operand)>>,
    except: Option<Operand>,
    when: Option<Box<Matcher>>,
    say: Option<Template>,
    cause: Option<Cause>,
    scheme: Option<Operand>,
    when_absent: Option<WhenAbsent>,
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MatcherVisitor;
        impl<'de> Visitor<'de> for MatcherVisitor {
            type Value = Matcher;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a matcher, such as { fact: linux.sshd.permitrootlogin, in: params.allowed }")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Matcher, A::Error> {
                let mut draft = Draft::default();
                while let Some(key) = map.next_key()? {
                    draft.read(key, &mut map)?;
                }
                draft.build().map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_map(MatcherVisitor)
    }
}

impl Draft {
    fn read<'de, A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        match key {
            Key::Fact => self.subject = Some(map.next_value::<Subject>()?.0),
            Key::All => self.groups.push(Form::All(map.next_value::<Members>()?.0)),
            Key::Any => self.groups.push(Form::Any(map.next_value::<Members>()?.0)),
            Key::Nothing => self.groups.push(Form::None(map.next_value::<Members>()?.0)),
            Key::Expr => self.groups.push(Form::Expr(Arc::new(map.next_value::<Rule>()?.0))),
            Key::Field => self.field = Some(map.next_value()?),
            Key::Where => self.filter = Some(map.next_value::<BTreeMap<_, _>>()?.into_iter().collect()),
            Key::WhereNot => self.skip = Some(map.next_value::<BTreeMap<_, _>>()?.into_iter().collect()),
            Key::Except => self.except = Some(map.next_value()?),
            Key::When => self.when = Some(Box::new(map.next_value()?)),
            Key::Say => self.say = Some(map.next_value::<Say>()?.0),
            Key::Cause => self.cause = Some(map.next_value()?),
            Key::Scheme => self.scheme = Some(map.next_value::<SchemeKey>()?.0),
            Key::Absent => match map.next_value()? {
                Absence::Op(wanted) => self.ops.push(Op::Exists(!wanted)),
                Absence::Policy(policy) => self.when_absent = Some(policy),
            },
            operator => self.ops.push(op(operator, map)?),
        }
        Ok(())
    }

    fn build(mut self) -> Result<Matcher, String> {
        if let Some(Op::VersionAtLeast(_, scheme)) = self.ops.first_mut()
            && let Some(named) = self.scheme.take()
        {
            *scheme = named;
        }
        let form = match (self.groups.pop(), self.subject.take()) {
            (Some(_), Some(_)) => return Err("a matcher has either `fact` or one of all, any, none, expr".to_owned()),
            (Some(_), None) if !self.groups.is_empty() => {
                return Err("a matcher has only one of all, any, none, expr; put one inside the other".to_owned());
            }
            (Some(group), None) => {
                self.refuse_leftovers()?;
                group
            }
            (None, Some(subject)) => Form::Test(Box::new(self.test(subject)?)),
            (None, None) => return Err("a matcher names a `fact`, or is one of all, any, none, expr".to_owned()),
        };
        Ok(Matcher { form, when: self.when, say: self.say, cause: self.cause })
    }

    fn test(&mut self, subject: Name) -> Result<Test, String> {
        let op =
            self.ops.pop().ok_or_else(|| format!("`{subject}` is compared with nothing; add one of {OPERATORS}"))?;
        if !self.ops.is_empty() {
            return Err(format!("`{subject}` has two operators; write two matchers, or put them under `all`"));
        }
        if self.scheme.is_some() {
            return Err("`scheme` belongs to version_at_least".to_owned());
        }
        if [&self.filter, &self.skip].into_iter().flatten().any(Vec::is_empty) {
            return Err("`where` or `where_not` is empty; leave it out".to_owned());
        }
        Ok(Test {
            subject,
            op,
            field: self.field.take(),
            filter: self.filter.take().unwrap_or_default(),
            skip: self.skip.take().unwrap_or_default(),
            except: self.except.take(),
            when_absent: self.when_absent.unwrap_or_default(),
        })
    }

    /// Keys that a group does not have.
    fn refuse_leftovers(&self) -> Result<(), String> {
        let leftovers = [
            (!self.ops.is_empty(), "an operator"),
            (self.field.is_some(), "field"),
            (self.filter.is_some(), "where"),
            (self.skip.is_some(), "where_not"),
            (self.except.is_some(), "except"),
            (self.scheme.is_some(), "scheme"),
            (self.when_absent.is_some(), "absent"),
        ];
        match leftovers.iter().find(|(there, _)| *there) {
            Some((_, name)) => {
                Err(format!("{name} needs a `fact`; all, any, none and expr take only when, say and cause"))
            }
            None => Ok(()),
        }
    }
}

fn op<'de, A: MapAccess<'de>>(key: Key, map: &mut A) -> Result<Op, A::Error> {
    Ok(match key {
        Key::Equals => Op::Equals(map.next_value()?),
        Key::NotEquals => Op::NotEquals(map.next_value()?),
        Key::In => Op::In(map.next_value::<Elements>()?.0),
        Key::NotIn => Op::NotIn(map.next_value::<Elements>()?.0),
        Key::SubsetOf => Op::SubsetOf(map.next_value::<Elements>()?.0),
        Key::SupersetOf => Op::SupersetOf(map.next_value::<Elements>()?.0),
        Key::NoneOf => Op::NoneOf(map.next_value::<Elements>()?.0),
        Key::Matches => Op::Matches(map.next_value()?),
        Key::NotMatches => Op::NotMatches(map.next_value()?),
        Key::AtLeast => Op::AtLeast(map.next_value::<Limit>()?.0),
        Key::AtMost => Op::AtMost(map.next_value::<Limit>()?.0),
        Key::VersionAtLeast => Op::VersionAtLeast(map.next_value::<Version>()?.0, default_scheme()),
        Key::NewerThan => Op::NewerThan(map.next_value::<Span>()?.0),
        Key::OlderThan => Op::OlderThan(map.next_value::<Span>()?.0),
        Key::Count => Op::Count(map.next_value()?),
        Key::Exists => Op::Exists(map.next_value()?),
        Key::Unique => {
            map.next_value::<OnlyTrue>()?;
            Op::Unique
        }
        _ => Op::Empty(map.next_value()?),
    })
}

fn default_scheme() -> Operand {
    Operand::of(Value::text("numeric")).expect("a plain word is a literal")
}

/// A type that is read as another and then checked, so that the error stands at the value.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident($to:ty) from $from:ty: $check:expr) => {
        $(#[$doc])*
        struct $name($to);
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let check: fn($from) -> Result<$to, String> = $check;
                check(<$from>::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
            }
        }
    };
}

checked!(Subject(Name) from String: |text| Name::subject(&text));
checked!(Say(Template) from String: |text| Template::parse(&text));
checked!(Rule(Expression) from String: |text| Expression::of_rule(&text));
checked!(Members(Vec<Matcher>) from Vec<Matcher>: |members| {
    if members.is_empty() { Err("the list of matchers is empty".to_owned()) } else { Ok(members) }
});
checked!(
    /// A list, or a reference to one.
    Elements(Operand) from Operand: |operand| match operand.literal() {
        Some(value) if value.as_list().is_none() => Err(format!(
            "{value} is no list; write [{value}], or a reference such as params.allowed"
        )),
        _ => Ok(operand),
    }
);
checked!(Limit(Operand) from Operand: |operand| match operand.literal() {
    Some(value) if number(value).is_none() => Err(format!("{value} is no number, nor a reference such as params.min")),
    _ => Ok(operand),
});
checked!(Version(Operand) from Operand: |operand| match operand.literal() {
    Some(Value::Float(number)) => Err(format!("a version is text: put {number} into quotes, or 1.10 becomes 1.1")),
    Some(Value::Text(_) | Value::Int(_)) | None => Ok(operand),
    Some(other) => Err(format!("{other} is no version")),
});
checked!(Span(Operand) from Operand: |operand| match operand.literal() {
    Some(value) if days_of(value).is_none() => Err(format!("{value} is no span of time such as 30d or 12h")),
    _ => Ok(operand),
});
checked!(SchemeKey(Operand) from Operand: |operand| match operand.literal() {
    Some(value) if value.as_text().and_then(Scheme::from_word).is_none() => {
        Err(format!("{value} is no version scheme; there are {}", Scheme::WORDS))
    }
    _ => Ok(operand),
});
checked!(OnlyTrue(()) from bool: |wanted| {
    if wanted { Ok(()) } else { Err("`unique: false` asks for nothing; leave it out".to_owned()) }
});

/// `absent: true` asks whether; `absent: holds` says what it means.
enum Absence {
    Op(bool),
    Policy(WhenAbsent),
}

impl<'de> Deserialize<'de> for Absence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(wanted) => Ok(Self::Op(wanted)),
            Value::Text(word) => match &*word {
                "holds" => Ok(Self::Policy(WhenAbsent::Holds)),
                "fails" => Ok(Self::Policy(WhenAbsent::Fails)),
                "unknown" => Ok(Self::Policy(WhenAbsent::Unknown)),
                other => {
                    Err(D::Error::custom(format!("`absent` is true, false, holds, fails or unknown, not {other:?}")))
                }
            },
            other => Err(D::Error::custom(format!("`absent` is true, false, holds, fails or unknown, not {other}"))),
        }
    }
}

impl<'de> Deserialize<'de> for Regexp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if Name::operand(&text).is_some() {
            return Operand::of(Value::text(text)).map(Self::Reference).map_err(D::Error::custom);
        }
        Pattern::parse(&text).map(Self::Literal).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const WORDS: &str = "a number, a reference, or { at_least: …, at_most: … }";
        let value = Value::deserialize(deserializer)?;
        let bound = |value: &Value| -> Result<Option<Operand>, D::Error> {
            let operand = Operand::of(value.clone()).map_err(D::Error::custom)?;
            match operand.literal() {
                Some(Value::Int(0..)) | None => Ok(Some(operand)),
                Some(other) => Err(D::Error::custom(format!("`count` is {WORDS}, not {other}"))),
            }
        };
        let Some(fields) = value.as_map() else { return Ok(Self { exactly: bound(&value)?, ..Self::default() }) };
        let mut count = Self::default();
        for (name, value) in fields {
            match &**name {
                "at_least" => count.at_least = bound(value)?,
                "at_most" => count.at_most = bound(value)?,
                other => return Err(D::Error::custom(format!("`count` has no {other:?}: it is {WORDS}"))),
            }
        }
        if fields.is_empty() {
            return Err(D::Error::custom(format!("`count` is {WORDS}")));
        }
        Ok(count)
    }
}
