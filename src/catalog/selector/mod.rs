//! Which assets a check concerns: a map of wanted words, or one CEL expression.

mod condition;
mod expression;

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use condition::Words;
pub use condition::{Condition, Key};
pub use expression::Expression;

use crate::model::{Asset, Kind, Transport, ZoneRole};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixtures::specimen;
    use crate::model::Value;

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
}
