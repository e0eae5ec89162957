//! Waivers: a fail that somebody accepted, for a reason, until a moment, as long as something else holds.
//!
//! A waiver changes what is shown, never what was found: the finding stays beside it, and comes back the moment the waiver
//! ends or one of its compensating checks is not green. Only a fail can be waived; an unknown is no finding to accept.

mod net;
mod selector;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::attestation::Signer;
use super::days_between;
use super::page::{self, OneOrMany, Page};
use crate::model::{Asset, AssetId, CheckId, EntryId, IdError, Problems, Severity, Time, Value, ZoneId};

pub use net::{Net, offenders};
pub use selector::Selector;

use selector::is_cve;

/// The key of the list.
const KEY: &str = "waivers";

/// One waiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Unique, never reused.
    pub id: EntryId,
    /// Which fails it accepts.
    #[serde(rename = "match")]
    pub selector: Selector,
    /// Why.
    pub reason: String,
    /// Who sees to it that the finding is mended.
    #[serde(default)]
    pub owner: Option<Arc<str>>,
    /// Who accepted the risk.
    pub approved_by: Signer,
    /// From when; a day alone means its first instant in UTC.
    #[serde(deserialize_with = "page::beginning")]
    pub starts_at: Time,
    /// Until when, exclusively; a day alone means the whole of it in UTC.
    #[serde(deserialize_with = "page::ending")]
    pub expires_at: Time,
    /// What is done instead, in words.
    #[serde(default)]
    pub compensating_measure: Option<String>,
    /// What must stay green meanwhile.
    #[serde(default, deserialize_with = "compensations")]
    pub compensating: Vec<Compensation>,
    /// `file:line:column`.
    #[serde(skip)]
    pub declared: Arc<str>,
    /// Set where somebody ended it, before its time or after: then it is settled and nobody is reminded of it.
    #[serde(skip)]
    pub revocation: Option<Revocation>,
}

/// Who ended a waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// When.
    pub at: Time,
    /// Who.
    pub by: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
}

/// A check that must stay green; on the waived asset itself where no other is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compensation {
    /// The check.
    pub check: CheckId,
    /// The asset.
    pub asset: Option<AssetId>,
}

fn compensations<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Compensation>, D::Error> {
    Ok(OneOrMany::<Compensation>::deserialize(deserializer)?.0)
}

/// Written `CHECK` or `CHECK@ASSET`.
impl FromStr for Compensation {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (check, asset) = text.split_once('@').map_or((text, None), |(check, asset)| (check, Some(asset)));
        Ok(Self { check: CheckId::parse(check)?, asset: asset.map(AssetId::parse).transpose()? })
    }
}

impl<'de> Deserialize<'de> for Compensation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            check: CheckId,
            asset: Option<AssetId>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Compensation;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("CHECK, CHECK@ASSET or { check: …, asset: … }")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Compensation, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Compensation, A::Error> {
                let Fields { check, asset } = Fields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Compensation { check, asset })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Waiver {
    /// Whether its time runs.
    #[must_use]
    pub fn is_running(&self, now: Time) -> bool {
        self.starts_at <= now && now < self.expires_at
    }

    /// The words of [`Waiver::standing`], the most pressing first.
    pub const STANDINGS: [&'static str; 4] = ["running", "not_begun", "expired", "revoked"];

    /// How it stands by the clock alone: `running`, `not_begun`, `expired`, or `revoked` by somebody; whether a compensating check suspends it shows in
    /// the verdicts.
    #[must_use]
    pub fn standing(&self, now: Time) -> &'static str {
        if self.is_revoked(now) {
            "revoked"
        } else if now >= self.expires_at {
            "expired"
        } else if now < self.starts_at {
            "not_begun"
        } else {
            "running"
        }
    }

    /// Whether somebody has ended it.
    #[must_use]
    pub fn is_revoked(&self, now: Time) -> bool {
        self.revocation.as_ref().is_some_and(|end| end.at <= now)
    }

    /// Whether it means an asset and a check, vulnerabilities aside.
    #[must_use]
    pub fn means(&self, asset: &Asset, check: &CheckId) -> bool {
        self.selector.means(asset, check)
    }

    /// The checks that it names.
    #[must_use]
    pub fn checks(&self) -> &[CheckId] {
        &self.selector.check
    }

    /// The zones that it names.
    #[must_use]
    pub fn zones(&self) -> &[ZoneId] {
        &self.selector.zone
    }

    /// What the check of the register reads; `severity` is that of the most urgent check that it means.
    #[must_use]
    pub fn fact(&self, severity: Option<Severity>, now: Time) -> Value {
        let measure = self.compensating_measure.as_ref().is_some_and(|text| !text.trim().is_empty());
        let missing =
            [("owner", self.owner.is_none()), ("compensating_measure", !measure && self.compensating.is_empty())];
        let missing: Vec<Value> =
            missing.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| Value::text(name)).collect();
        Value::map([
            ("id", Value::text(self.id.as_str())),
            ("severity", severity.map_or(Value::Null, |severity| Value::text(severity.word()))),
            ("owner", self.owner.as_deref().map_or(Value::Null, Value::text)),
            ("expires_at", Value::text(self.expires_at.to_rfc3339())),
            ("days_left", Value::Float(days_between(now, self.expires_at))),
            ("lifetime_days", Value::Float(days_between(self.starts_at, self.expires_at))),
            ("complete", Value::Bool(missing.is_empty())),
            ("missing", Value::list(missing)),
        ])
    }

    /// What is wrong with it beyond its types: key, message, hint.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut found = Vec::new();
        if self.expires_at <= self.starts_at {
            found.push(("expires_at", "it ends before it begins".to_owned(), ""));
        }
        if self.reason.trim().is_empty() {
            found.push(("reason", "nothing is said".to_owned(), "an auditor asks why"));
        }
        if self.approved_by.person.trim().is_empty() {
            found.push(("approved_by", "nobody is named".to_owned(), "{ person: …, role: … }"));
        }
        if self.selector.check.is_empty() {
            found.push((
                "match",
                "it names no check".to_owned(),
                "a waiver of everything is none: match: { check: … }",
            ));
        }
        if !self.selector.cve.is_empty() && !self.selector.only.is_empty() {
            found.push(("match", "cve and only exclude each other".to_owned(), "write two waivers"));
        }
        for cve in self.selector.cve.iter().filter(|cve| !is_cve(cve)) {
            found.push(("match", format!("{cve:?} is no CVE id"), "such as CVE-2099-10001"));
        }
        found
    }
}

/// All waivers.
#[derive(Debug, Clone, Default)]
pub struct Waivers(pub(super) Vec<Waiver>);

impl Waivers {
    /// Whether there is any.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of the files.
    pub fn iter(&self) -> impl Iterator<Item = &Waiver> {
        self.0.iter()
    }

    /// Those that nobody has ended: they run, begin, or wait for somebody to decide anew.
    pub fn unsettled(&self, now: Time) -> impl Iterator<Item = &Waiver> {
        self.iter().filter(move |waiver| !waiver.is_revoked(now))
    }

    /// Whether any means a pair, running or not.
    #[must_use]
    pub fn mean(&self, asset: &Asset, check: &CheckId) -> bool {
        self.0.iter().any(|waiver| waiver.means(asset, check))
    }
}

/// Reads the files.
pub(super) fn load(files: &[PathBuf], problems: &mut Problems) -> Waivers {
    let (mut all, mut seen) = (Vec::new(), BTreeMap::new());
    for file in files {
        let Some(mut page) = Page::load(file, KEY, problems) else { continue };
        let entries = page.entries::<Waiver>(KEY);
        for found in page.once(entries, &mut seen, |waiver| &waiver.id) {
            for (key, message, hint) in found.value.mistakes() {
                page.wrong(&found, key, message, hint);
            }
            all.push(Waiver { declared: found.declared, ..found.value });
        }
    }
    Waivers(all)
}

#[cfg(test)]
mod tests;
