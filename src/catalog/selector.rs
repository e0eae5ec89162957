//! Which assets a check concerns: a map of wanted words, or one CEL expression.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::{Asset, Criticality, Kind, Params, Profile, Transport, Value, ZoneRole};
use crate::rule::Expression;

/// Names of variables that an expression of a selector may use.
const VARIABLES: [&str; 3] = ["asset", "has", "zone_role"];

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
    /// A CEL expression over `asset`, `has` and `zone_role`.
    Expression(Expression),
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
    const NAMES: &'static [&'static str] =
        &["kind", "zone", "zone_role", "vendor", "product", "site", "criticality", "profile", "has", "service", "label.<name>"];

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
        let like = |text: Option<&str>| text.is_some_and(|text| self.wanted.iter().any(|wanted| resembles(wanted, text)));
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
            Self::Expression(expression) => write!(f, "{expression}"),
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
            Self::Expression(expression) => match expression.holds(&variables(subject)) {
                Ok(true) => Ok(()),
                Ok(false) => Err(format!("is for assets with {expression}")),
                Err(problem) => Err(format!("`applies_to` cannot be evaluated here: {problem}")),
            },
        }
    }
}

fn variables(subject: Subject<'_>) -> Params {
    unimplemented!("{VARIABLES:?} {subject:?}")
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
                    let wanted = map.next_value::<Wanted>()?.verified(&key)?;
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
