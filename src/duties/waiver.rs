//! Waivers: a fail that somebody accepted, for a reason, until a moment, as long as something else holds.
//!
//! A waiver changes what is shown, never what was found: the finding stays beside it, and comes back the moment the waiver
//! ends or one of its compensating checks is not green. Only a fail can be waived; an unknown is no finding to accept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::attestation::Signer;
use super::days_between;
use super::page::{self, OneOrMany, Page};
use crate::model::{
    Asset, AssetId, CheckId, CheckResult, EntryId, Finding, Kind, Problems, Severity, Time, Value, Verdict, ZoneId,
};

/// The key of the list.
const KEY: &str = "waivers";
/// Longest text of a finding in a reason, in characters.
const LONGEST_REASON: usize = 1_400;

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
    /// From when.
    #[serde(deserialize_with = "page::time")]
    pub starts_at: Time,
    /// Until when.
    #[serde(deserialize_with = "page::time")]
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
}

/// Which fails a waiver accepts: all conditions must hold, and one word of each is enough.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// Ids of assets; `*` stands for any text.
    #[serde(default)]
    asset: OneOrMany<String>,
    /// Labels of assets.
    #[serde(default)]
    labels: BTreeMap<Arc<str>, OneOrMany<String>>,
    /// Zones.
    #[serde(default)]
    zone: OneOrMany<ZoneId>,
    /// Kinds of assets.
    #[serde(default)]
    kind: OneOrMany<Kind>,
    /// Checks; at least one is named.
    check: OneOrMany<CheckId>,
    /// Vulnerabilities: only a finding whose vulnerabilities are all waived is.
    #[serde(default)]
    cve: OneOrMany<String>,
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
                f.write_str("a check, or { check: …, asset: … }")
            }
            fn visit_str<E: serde::de::Error>(self, check: &str) -> Result<Compensation, E> {
                CheckId::parse(check).map(|check| Compensation { check, asset: None }).map_err(E::custom)
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

    /// Whether it means an asset and a check, vulnerabilities aside.
    #[must_use]
    pub fn means(&self, asset: &Asset, check: &CheckId) -> bool {
        let selector = &self.selector;
        let any = |ids: &[String]| ids.is_empty() || ids.iter().any(|id| fits(id, asset.id.as_str()));
        let label = |(name, wanted): (&Arc<str>, &OneOrMany<String>)| {
            asset.labels.get(name).is_some_and(|value| wanted.0.iter().any(|word| fits(word, value)))
        };
        selector.check.0.contains(check)
            && any(&selector.asset.0)
            && (selector.zone.0.is_empty() || selector.zone.0.contains(&asset.zone))
            && (selector.kind.0.is_empty() || selector.kind.0.contains(&asset.kind))
            && selector.labels.iter().all(label)
    }

    /// The checks that it names.
    #[must_use]
    pub fn checks(&self) -> &[CheckId] {
        &self.selector.check.0
    }

    /// The zones that it names.
    #[must_use]
    pub fn zones(&self) -> &[ZoneId] {
        &self.selector.zone.0
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
        if self.selector.check.0.is_empty() {
            found.push((
                "match",
                "it names no check".to_owned(),
                "a waiver of everything is none: match: { check: … }",
            ));
        }
        for cve in self.selector.cve.0.iter().filter(|cve| !is_cve(cve)) {
            found.push(("match", format!("{cve:?} is no CVE id"), "such as CVE-2099-10001"));
        }
        found
    }
}

/// Whether a pattern with `*` fits a text as a whole.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

fn is_cve(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, at_least: usize| {
        part.is_some_and(|part| part.len() >= at_least && part.len() <= 19 && part.bytes().all(|b| b.is_ascii_digit()))
    };
    parts.next() == Some("CVE") && digits(parts.next(), 4) && digits(parts.next(), 4)
}

/// All waivers.
#[derive(Debug, Clone, Default)]
pub struct Waivers(pub(super) Vec<Waiver>);

/// What becomes of a fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Net {
    /// Nobody has accepted it.
    Stands,
    /// It is accepted; the text says by what and until when.
    Waived {
        /// Id of the waiver, of several where vulnerabilities are waived one by one.
        waiver: String,
        /// Until when, and why.
        why: String,
    },
    /// It would be accepted, but what was to make up for it is not green.
    Suspended {
        /// Id of the waiver.
        waiver: String,
        /// Which compensating check, and how it stands.
        why: String,
    },
}

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

    /// Whether any means a pair, running or not.
    #[must_use]
    pub fn mean(&self, asset: &Asset, check: &CheckId) -> bool {
        self.0.iter().any(|waiver| waiver.means(asset, check))
    }

    /// What becomes of a fail of a check on an asset. `observed` is what the finding names; `verdict_of` tells how another pair
    /// stands now.
    #[must_use]
    pub fn judge(
        &self,
        asset: &Asset,
        check: &CheckId,
        observed: &Value,
        verdict_of: &dyn Fn(&AssetId, &CheckId) -> Option<Verdict>,
        now: Time,
    ) -> Net {
        let running: Vec<&Waiver> =
            self.0.iter().filter(|waiver| waiver.is_running(now) && waiver.means(asset, check)).collect();
        let (mut by_cve, mut suspended) = (Vec::new(), None);
        for waiver in running {
            if let Some(why) = waiver.lacks(asset, verdict_of) {
                suspended = suspended.or(Some(Net::Suspended { waiver: waiver.id.to_string(), why }));
            } else if waiver.selector.cve.0.is_empty() {
                return waived(&[waiver]);
            } else {
                by_cve.push(waiver);
            }
        }
        covering(&by_cve, observed).map_or_else(|| suspended.unwrap_or(Net::Stands), |waivers| waived(&waivers))
    }
}

impl Waiver {
    /// The first compensating check that is not green, in words.
    fn lacks(&self, asset: &Asset, verdict_of: &dyn Fn(&AssetId, &CheckId) -> Option<Verdict>) -> Option<String> {
        self.compensating.iter().find_map(|one| {
            let on = one.asset.as_ref().unwrap_or(&asset.id);
            let word = match verdict_of(on, &one.check) {
                // what is itself waived makes up for nothing
                Some(Verdict::Pass | Verdict::Warn) => return None,
                Some(Verdict::Unknown(cause)) => format!("unknown ({cause})"),
                Some(verdict) => verdict.word().to_owned(),
                None => "not judged yet".to_owned(),
            };
            Some(format!("compensating check {} on {on} is {word}", one.check))
        })
    }
}

fn waived(waivers: &[&Waiver]) -> Net {
    let ids: Vec<&str> = waivers.iter().map(|waiver| waiver.id.as_str()).collect();
    let until = waivers.iter().map(|waiver| waiver.expires_at).min().unwrap_or(Time::MIN_UTC);
    let reason = waivers.first().map_or("", |waiver| waiver.reason.trim());
    let reason: String = reason.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Net::Waived {
        waiver: ids.join(", "),
        why: format!("until {}: {reason}", until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
    }
}

/// Those of the waivers that together accept every vulnerability that a finding names.
fn covering<'w>(waivers: &[&'w Waiver], observed: &Value) -> Option<Vec<&'w Waiver>> {
    let (mut named, mut is_cut) = (BTreeSet::new(), false);
    vulnerabilities(observed, &mut named, &mut is_cut);
    if named.is_empty() || is_cut {
        return None;
    }
    let accepts = |waiver: &&&Waiver| waiver.selector.cve.0.iter().any(|cve| named.contains(cve.as_str()));
    let accepting: Vec<&Waiver> = waivers.iter().filter(accepts).copied().collect();
    let accepted: BTreeSet<&str> =
        accepting.iter().flat_map(|waiver| waiver.selector.cve.0.iter().map(String::as_str)).collect();
    named.iter().all(|cve| accepted.contains(cve.as_str())).then_some(accepting)
}

/// Every CVE id in a value; a value that was cut may name more than can be seen.
fn vulnerabilities(value: &Value, named: &mut BTreeSet<String>, is_cut: &mut bool) {
    match value {
        Value::Text(text) => {
            *is_cut |= text.contains('…');
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            named.extend(words.filter(|word| is_cve(word)).map(str::to_owned));
        }
        Value::List(items) => items.iter().for_each(|item| vulnerabilities(item, named, is_cut)),
        Value::Map(fields) => fields.values().for_each(|item| vulnerabilities(item, named, is_cut)),
        _ => {}
    }
}

impl Net {
    /// The result as it is shown: a fail under a valid waiver is `waived`. The finding itself stays in the evidence.
    #[must_use]
    pub fn apply(&self, finding: &CheckResult) -> CheckResult {
        let mut shown = finding.clone();
        let gross: String = finding.judgement.reason.chars().take(LONGEST_REASON).collect();
        match self {
            Self::Stands => return shown,
            Self::Waived { waiver, why } => {
                shown.judgement.verdict = Verdict::Waived;
                shown.judgement.reason = format!("{gross} (waived by {waiver} {why})");
                shown.evidence.finding = Some(Finding { waiver: waiver.clone(), reason: gross, suspended: false });
            }
            Self::Suspended { waiver, why } => {
                shown.judgement.reason = format!("{gross} (waiver {waiver} is suspended: {why})");
                shown.evidence.finding = Some(Finding { waiver: waiver.clone(), reason: gross, suspended: true });
            }
        }
        shown
    }

    /// The finding behind a result that is shown.
    #[must_use]
    pub fn undo(shown: &CheckResult) -> CheckResult {
        let mut finding = shown.clone();
        if let Some(before) = finding.evidence.finding.take() {
            finding.judgement.verdict = Verdict::Fail;
            finding.judgement.reason = before.reason;
        }
        finding
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
