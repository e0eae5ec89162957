//! Waivers laid over fails, and taken off again.

use std::collections::BTreeSet;

use super::selector::is_cve;
use super::{Waiver, Waivers};
use crate::model::{Asset, AssetId, CheckId, CheckResult, Finding, Time, Value, Verdict};

/// Longest text of a finding in a reason, in characters.
const LONGEST_REASON: usize = 1_400;

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
            } else if waiver.selector.cve.is_empty() {
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
    let accepts = |waiver: &&&Waiver| waiver.selector.cve.iter().any(|cve| named.contains(cve.as_str()));
    let accepting: Vec<&Waiver> = waivers.iter().filter(accepts).copied().collect();
    let accepted: BTreeSet<&str> =
        accepting.iter().flat_map(|waiver| waiver.selector.cve.iter().map(String::as_str)).collect();
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
