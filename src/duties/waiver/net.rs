//! Waivers laid over fails, and taken off again.

use std::collections::BTreeSet;

use super::selector::is_cve;
use super::{Waiver, Waivers};
use crate::model::{Asset, AssetId, CheckId, CheckResult, Finding, Time, Value, Verdict};

/// Longest text of a finding in a reason, in characters.
const LONGEST_REASON: usize = 1_200;
/// Vulnerabilities that nobody has accepted and that are named; the rest is counted.
const LISTED: usize = 10;
/// Longest text of one of them, in characters.
const LONGEST_OFFENDER: usize = 80;

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
    /// What it names is accepted one by one, and not all of it.
    Partly {
        /// Ids of the waivers.
        waiver: String,
        /// What nobody has accepted.
        open: String,
    },
}

impl Waivers {
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
        let (mut by_cve, mut by_name, mut suspended) = (Vec::new(), Vec::new(), None);
        for waiver in running {
            if let Some(why) = waiver.lacks(asset, verdict_of) {
                suspended = suspended.or(Some(Net::Suspended { waiver: waiver.id.to_string(), why }));
            } else if !waiver.selector.cve.is_empty() {
                by_cve.push(waiver);
            } else if !waiver.selector.only.is_empty() {
                by_name.push(waiver);
            } else {
                return waived(&[waiver]);
            }
        }
        match (by_vulnerability(&by_cve, observed), by_offender(&by_name, observed)) {
            (waived @ Net::Waived { .. }, _) | (_, waived @ Net::Waived { .. }) => waived,
            (Net::Stands, other) | (other, _) => suspended.unwrap_or(other),
        }
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
                None => "without a judgement of late".to_owned(),
            };
            Some(format!("compensating check {} on {on} is {word}", one.check))
        })
    }
}

fn waived(waivers: &[&Waiver]) -> Net {
    let until = waivers.iter().map(|waiver| waiver.expires_at).min().unwrap_or(Time::MIN_UTC);
    let reason = waivers.first().map_or("", |waiver| waiver.reason.trim());
    let reason: String = reason.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Net::Waived {
        waiver: ids(waivers),
        why: format!("until {}: {reason}", until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
    }
}

fn ids(waivers: &[&Waiver]) -> String {
    waivers.iter().map(|waiver| waiver.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// What waivers that name vulnerabilities make of a finding: together they must accept every one that it names.
fn by_vulnerability(waivers: &[&Waiver], observed: &Value) -> Net {
    let found = Found::of(observed);
    let accepts = |waiver: &&&Waiver| waiver.selector.cve.iter().any(|cve| found.named.contains(cve.as_str()));
    let accepting: Vec<&Waiver> = waivers.iter().filter(accepts).copied().collect();
    let accepted: BTreeSet<&str> =
        accepting.iter().flat_map(|waiver| waiver.selector.cve.iter().map(String::as_str)).collect();
    let open: Vec<&str> = found.named.iter().map(String::as_str).filter(|cve| !accepted.contains(cve)).collect();
    match (accepting.is_empty(), found.open(&open)) {
        (true, _) => Net::Stands,
        (false, None) => waived(&accepting),
        (false, Some(open)) => Net::Partly { waiver: ids(&accepting), open },
    }
}

/// What waivers that name offenders make of a finding: together they must accept every one of them.
fn by_offender(waivers: &[&Waiver], observed: &Value) -> Net {
    let mut offenders = Vec::new();
    collect(observed, &mut offenders);
    let accepts = |waiver: &Waiver, offender: &Value| waiver.selector.only.iter().any(|word| names(offender, word));
    let accepting: Vec<&Waiver> =
        waivers.iter().filter(|waiver| offenders.iter().any(|offender| accepts(waiver, offender))).copied().collect();
    let open: Vec<&&Value> =
        offenders.iter().filter(|offender| !accepting.iter().any(|waiver| accepts(waiver, offender))).collect();
    if accepting.is_empty() {
        return Net::Stands;
    }
    if open.is_empty() {
        return waived(&accepting);
    }
    let mut said: Vec<String> = open.iter().take(LISTED).map(|offender| short(&offender.to_string())).collect();
    if open.len() > LISTED {
        said.push(format!("{} more", open.len() - LISTED));
    }
    Net::Partly { waiver: ids(&accepting), open: said.join(", ") }
}

/// What a finding names, where each is one word: what `only` of a waiver would say to accept that and nothing else.
#[must_use]
pub fn offenders(observed: &Value) -> Option<Vec<String>> {
    let mut all = Vec::new();
    collect(observed, &mut all);
    let word = |value: &&Value| match value {
        Value::Int(number) => Some(number.to_string()),
        Value::Text(text) if !text.is_empty() && !text.contains([' ', ',', '…']) => Some(text.to_string()),
        _ => None,
    };
    all.iter().map(word).collect()
}

/// Lists are offenders, or the offenders of several assertions; anything else is one offender.
fn collect<'a>(observed: &'a Value, offenders: &mut Vec<&'a Value>) {
    match observed.as_list() {
        Some(items) if !items.is_empty() => items.iter().for_each(|item| collect(item, offenders)),
        _ => offenders.push(observed),
    }
}

/// Whether an offender is what a word says, or has it in one of its fields.
fn names(offender: &Value, word: &str) -> bool {
    match offender {
        Value::Map(fields) => fields.values().any(|field| !matches!(field, Value::Map(_)) && names(field, word)),
        Value::Text(text) => **text == *word,
        Value::Int(number) => number.to_string() == word,
        _ => false,
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST_OFFENDER).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What a finding names, offender by offender.
#[derive(Default)]
struct Found {
    named: BTreeSet<String>,
    /// An offender has no CVE id, so no waiver can name it.
    has_nameless: bool,
    /// The value was cut: it may name more than can be seen.
    is_cut: bool,
}

impl Found {
    fn of(observed: &Value) -> Self {
        let mut found = Self::default();
        found.take(observed);
        found
    }

    /// Lists are offenders, or the offenders of several assertions; anything else is one offender.
    fn take(&mut self, value: &Value) {
        if let Some(items) = value.as_list().filter(|items| !items.is_empty()) {
            return items.iter().for_each(|item| self.take(item));
        }
        let mut names = BTreeSet::new();
        self.read(value, &mut names);
        self.has_nameless |= names.is_empty();
        self.named.extend(names);
    }

    fn read(&mut self, value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Text(text) => {
                self.is_cut |= text.contains('…');
                let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
                names.extend(words.filter(|word| is_cve(word)).map(str::to_owned));
            }
            Value::List(items) => items.iter().for_each(|item| self.read(item, names)),
            Value::Map(fields) => fields.values().for_each(|item| self.read(item, names)),
            _ => {}
        }
    }

    /// What is left when `open` is what is named and not accepted, in words.
    fn open(&self, open: &[&str]) -> Option<String> {
        let mut said: Vec<String> = open.iter().take(LISTED).map(|cve| (*cve).to_owned()).collect();
        if open.len() > LISTED {
            said.push(format!("{} more", open.len() - LISTED));
        }
        if self.is_cut {
            said.push("what is not listed for want of room".into());
        } else if self.has_nameless {
            said.push("what has no CVE id".into());
        }
        (!said.is_empty()).then(|| said.join(", "))
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
                shown.evidence.finding = Some(Finding { waiver: waiver.clone(), reason: gross, ..Finding::default() });
            }
            Self::Suspended { waiver, why } => {
                shown.judgement.reason = format!("{gross} (waiver {waiver} is suspended: {why})");
                shown.evidence.finding =
                    Some(Finding { waiver: waiver.clone(), reason: gross, suspended: true, partly: false });
            }
            Self::Partly { waiver, open } => {
                shown.judgement.reason = format!("{gross} (accepted in part by {waiver}; not waived: {open})");
                shown.evidence.finding =
                    Some(Finding { waiver: waiver.clone(), reason: gross, suspended: false, partly: true });
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
