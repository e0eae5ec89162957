//! The words of a selector: what is compared, and with what.

use std::fmt;

use serde::de::{DeserializeSeed, Error};
use serde::{Deserialize, Deserializer};

use super::Subject;
use crate::inventory::SERVICES;
use crate::model::{Criticality, Kind, Profile, Value, ZoneRole, did_you_mean};

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
    /// [`crate::model::Asset::kind`].
    Kind,
    /// [`crate::model::Asset::zone`].
    Zone,
    /// Role of the zone.
    ZoneRole,
    /// [`crate::model::Asset::vendor`]; case does not matter, `*` stands for anything.
    Vendor,
    /// [`crate::model::Asset::product`]; likewise.
    Product,
    /// [`crate::model::Asset::site`].
    Site,
    /// [`crate::model::Asset::criticality`].
    Criticality,
    /// [`crate::model::Asset::profile`].
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
            Self::Service => Some(SERVICES.to_vec()),
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
    pub(super) fn holds(&self, subject: Subject<'_>) -> bool {
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

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| D::Error::unknown_field(&word, Self::NAMES))
    }
}

/// One word or a list of words that a key may want.
pub(super) struct Words<'a> {
    pub(super) key: &'a Key,
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
                let near = did_you_mean(word, words.iter().copied());
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
