//! Which assets a check concerns: a map of wanted words, or one CEL expression.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::{Asset, Criticality, Kind, Params, Profile, Time, Transport, Value, Verdict, ZoneRole};
use crate::rule::{Context, Matcher, NameRef, Rule, judge};

/// Field of `asset` under which an expression finds the ways of access.
const ACCESS: &str = "access";
/// Field of `asset` under which an expression finds the role of the zone.
const ZONE_ROLE: &str = "zone_role";

/// What a selector looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The asset.
    pub asset: &'a Asset,
    /// Role of its zone, where the zone is declared.
    pub zone_role: Option<ZoneRole>,
    /// Ways it can be logged in to or asked with a credential: `ssh`, `snmp`, `local`.
    pub has: &'a BTreeSet<Transport>,
}

/// Which assets a check concerns; all conditions must hold, an empty one concerns all.
#[derive(Debug, Clone, Default)]
pub enum Selector {
    /// Every asset.
    #[default]
    All,
    /// Wanted words, in file order.
    Conditions(Vec<Condition>),
    /// A CEL expression.
    Expression(Expression),
}

/// A CEL expression over `asset`, which also has `asset.access` (list) and `asset.zone_role`.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    rule: Rule,
}

impl Expression {
    fn parse(text: &str) -> Result<Self, String> {
        let words = MapDeserializer::<_, serde::de::value::Error>::new([("expr", text)].into_iter());
        let matcher = Matcher::deserialize(words).map_err(|error| error.to_string())?;
        if let Some(name) = matcher.names().into_iter().find(|name| !matches!(name, NameRef::Asset(_))) {
            return Err(format!("a selector may look at `asset` only, not at {name:?}"));
        }
        Ok(Self { text: text.to_owned(), rule: Rule { assert: vec![matcher], ..Rule::default() } })
    }

    fn concerns(&self, subject: Subject<'_>) -> Result<(), String> {
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

/// One key of a selector: one of these words must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What is compared.
    pub key: Key,
    /// Any of these.
    pub wanted: Vec<String>,
}

/// What a condition compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// [`Asset::kind`].
    Kind,
    /// [`Asset::zone`].
    Zone,
    /// Role of the zone.
    ZoneRole,
    /// [`Asset::vendor`]; case does not matter, `*` stands for anything.
    Vendor,
    /// [`Asset::product`]; likewise.
    Product,
    /// [`Asset::site`].
    Site,
    /// [`Asset::criticality`].
    Criticality,
    /// [`Asset::profile`].
    Profile,
    /// Ways of access; every wanted word must be there.
    Has,
    /// Services that the inventory declares in the field `services`.
    Service,
    /// A label.
    Label(String),
}

impl Key {
    const WORDS: [(&'static str, Self); 10] = [
        ("kind", Self::Kind),
        ("zone", Self::Zone),
        ("zone_role", Self::ZoneRole),
        ("vendor", Self::Vendor),
        ("product", Self::Product),
        ("site", Self::Site),
        ("criticality", Self::Criticality),
        ("profile", Self::Profile),
        ("has", Self::Has),
        ("service", Self::Service),
    ];
    const NAMES: &'static [&'static str] = &[
        "kind",
        "zone",
        "zone_role",
        "vendor",
        "product",
        "site",
        "criticality",
        "profile",
        "has",
        "service",
        "label.<name>",
    ];

    fn parse(word: &str) -> Option<Self> {
        if let Some(label) = word.strip_prefix("label.").filter(|label| !label.is_empty()) {
            return Some(Self::Label(label.to_owned()));
        }
        Self::WORDS.into_iter().find(|(name, _)| *name == word).map(|(_, key)| key)
    }

    /// The words of a closed set; none when any text may be wanted.
    fn words(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::Kind => Some(Kind::ALL.iter().map(|kind| kind.word()).collect()),
            Self::ZoneRole => Some(ZoneRole::ALL.iter().map(|role| role.word()).collect()),
            Self::Criticality => Some(Criticality::ALL.iter().map(|level| level.word()).collect()),
            Self::Profile => Some(Profile::ALL.iter().map(|profile| profile.word()).collect()),
            Self::Has => Some(vec!["ssh", "snmp", "local"]),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(name) => write!(f, "label.{name}"),
            other => {
                let word = Self::WORDS.iter().find(|(_, key)| key == other).map_or("", |(word, _)| *word);
                f.write_str(word)
            }
        }
    }
}

impl Condition {
    fn holds(&self, subject: Subject<'_>) -> bool {
        let Subject { asset, zone_role, has } = subject;
        let is = |word: &str| self.wanted.iter().any(|wanted| wanted == word);
        let like =
            |text: Option<&str>| text.is_some_and(|text| self.wanted.iter().any(|wanted| resembles(wanted, text)));
        match &self.key {
            Key::Kind => is(asset.kind.word()),
            Key::Zone => is(asset.zone.as_str()),
            Key::ZoneRole => zone_role.is_some_and(|role| is(role.word())),
            Key::Vendor => like(asset.vendor.as_deref()),
            Key::Product => like(asset.product.as_deref()),
            Key::Site => asset.site.as_deref().is_some_and(is),
            Key::Criticality => is(asset.criticality.word()),
            Key::Profile => is(asset.profile.word()),
            Key::Has => self.wanted.iter().all(|wanted| has.iter().any(|way| way.word() == wanted)),
            Key::Service => match asset.field("services") {
                Some(Value::List(services)) => services.iter().filter_map(Value::as_text).any(is),
                Some(Value::Text(service)) => is(&service),
                _ => false,
            },
            Key::Label(name) => asset.labels.get(name.as_str()).is_some_and(|value| is(value)),
        }
    }
}

/// Whether a text is the wanted one; case does not matter and each `*` stands for anything.
fn resembles(wanted: &str, text: &str) -> bool {
    let (wanted, text) = (wanted.to_lowercase(), text.to_lowercase());
    let Some((first, rest)) = wanted.split_once('*') else { return wanted == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = rest.split('*').collect();
    let (last, middle) = parts.split_last().unwrap_or((&"", &[]));
    for part in middle {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joint = if self.key == Key::Has { " and " } else { " or " };
        write!(f, "{} {}", self.key, self.wanted.join(joint))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("every asset"),
            Self::Conditions(conditions) => {
                let words: Vec<String> = conditions.iter().map(Condition::to_string).collect();
                f.write_str(&words.join("; "))
            }
            Self::Expression(expression) => f.write_str(&expression.text),
        }
    }
}

impl Selector {
    /// Whether the check concerns this subject.
    ///
    /// # Errors
    ///
    /// Why it does not, in words for `plan`. An expression that cannot be evaluated concerns nobody, and says so.
    pub fn concerns(&self, subject: Subject<'_>) -> Result<(), String> {
        match self {
            Self::All => Ok(()),
            Self::Conditions(conditions) => match conditions.iter().find(|condition| !condition.holds(subject)) {
                None => Ok(()),
                Some(failed) => Err(format!("is for {failed}")),
            },
            Self::Expression(expression) => expression.concerns(subject),
        }
    }

    /// Kinds that it asks for, when it asks for kinds.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let Self::Conditions(conditions) = self else { return Vec::new() };
        let kinds = conditions.iter().filter(|condition| condition.key == Key::Kind);
        kinds.flat_map(|condition| condition.wanted.iter().filter_map(|word| Kind::from_word(word))).collect()
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Selector;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map such as { kind: [linux-host] } or a CEL text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Selector, E> {
                Expression::parse(text).map(Selector::Expression).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Selector, A::Error> {
                let mut conditions = Vec::new();
                while let Some(key) = map.next_key::<Key>()? {
                    let wanted = map.next_value_seed(Words { key: &key })?;
                    conditions.push(Condition { key, wanted });
                }
                Ok(if conditions.is_empty() { Selector::All } else { Selector::Conditions(conditions) })
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| D::Error::unknown_field(&word, Self::NAMES))
    }
}

/// One word or a list of words that a key may want.
struct Words<'a> {
    key: &'a Key,
}

impl<'de> DeserializeSeed<'de> for Words<'_> {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let word = |value: &Value| match value {
            Value::Text(_) | Value::Int(_) | Value::Bool(_) => Ok(value.to_string()),
            _ => Err(D::Error::custom("expected a word or a list of words")),
        };
        let wanted: Vec<String> = match value.as_list() {
            Some([]) => {
                return Err(D::Error::custom(
                    "an empty list concerns no asset; leave the key out to concern every one",
                ));
            }
            Some(items) => items.iter().map(word).collect::<Result<_, _>>()?,
            None => vec![word(&value)?],
        };
        self.key.verify(&wanted)?;
        Ok(wanted)
    }
}

impl Key {
    /// Refuses words outside a closed set.
    fn verify<E: Error>(&self, wanted: &[String]) -> Result<(), E> {
        let Some(words) = self.words() else { return Ok(()) };
        match wanted.iter().find(|word| !words.contains(&word.as_str())) {
            Some(word) => {
                let near = crate::model::did_you_mean(word, words.iter().copied());
                let hint = near.map_or_else(|| words.join(", "), |near| format!("did you mean {near:?}?"));
                Err(E::custom(format!("{self} {word:?} does not exist ({hint})")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::specimen;

    fn selector(text: &str) -> Result<Selector, String> {
        serde_saphyr::from_str(text).map_err(|error: serde_saphyr::Error| error.without_snippet().to_string())
    }

    fn concerns(text: &str, asset: &Asset) -> bool {
        let has = BTreeSet::from([Transport::Ssh]);
        let subject = Subject { asset, zone_role: Some(ZoneRole::Control), has: &has };
        selector(text).unwrap().concerns(subject).is_ok()
    }

    fn plc() -> Asset {
        Asset {
            vendor: Some("Siemens AG".into()),
            labels: [("line".into(), "3".into())].into(),
            fields: [("services".into(), Value::list(["https".into()]))].into(),
            ..specimen(Kind::Plc)
        }
    }

    #[test]
    fn every_condition_must_hold_and_one_word_of_each_is_enough() {
        let asset = plc();
        for (text, expected) in [
            ("{}", true),
            ("{ kind: [plc, hmi] }", true),
            ("{ kind: plc, zone_role: control }", true),
            ("{ kind: plc, zone_role: it }", false),
            ("{ vendor: siemens* }", true),
            ("{ vendor: siemens }", false),
            ("{ product: \"*\" }", false),
            ("{ has: ssh }", true),
            ("{ has: [ssh, snmp] }", false),
            ("{ label.line: 3 }", true),
            ("{ label.line: [\"1\", \"2\"] }", false),
            ("{ service: [https, mqtts] }", true),
            ("{ service: mqtts }", false),
        ] {
            assert_eq!(concerns(text, &asset), expected, "{text}");
        }
    }

    #[test]
    fn an_expression_sees_the_asset_its_access_and_the_role_of_its_zone() {
        let asset = plc();
        assert!(concerns("asset.kind == \"plc\" && \"ssh\" in asset.access", &asset));
        assert!(!concerns("asset.zone_role == \"it\"", &asset));
        assert!(selector("params.x == 1").is_err());
    }

    #[test]
    fn a_word_that_does_not_exist_is_refused() {
        for (text, message) in [
            ("{ kind: linux-hosts }", "did you mean \"linux-host\"?"),
            ("{ kin: plc }", "kin"),
            ("{ has: telnet }", "ssh, snmp, local"),
            ("{ kind: [] }", "concerns no asset"),
            ("{ label.: x }", "label."),
        ] {
            let error = selector(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_refusal_says_whom_the_check_is_for() {
        let asset = plc();
        let has = BTreeSet::new();
        let subject = Subject { asset: &asset, zone_role: None, has: &has };
        let refusal = selector("{ kind: [linux-host, historian] }").unwrap().concerns(subject).unwrap_err();
        assert_eq!(refusal, "is for kind linux-host or historian");
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (wanted, text, expected) in [
            ("s7-*", "S7-1500", true),
            ("*1500", "S7-1500", true),
            ("s*-*0", "S7-1500", true),
            ("s*x*0", "S7-1500", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(resembles(wanted, text), expected, "{wanted} {text}");
        }
    }
}
