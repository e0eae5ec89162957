//! What a baseline makes of a judgement, and the judgement behind it.

use chrono::SecondsFormat;

use super::{Difference, Standing};
use crate::model::{Cause, CheckResult, Compared, Verdict};

/// Longest text of a finding beside a difference, in characters.
const LONGEST_FINDING: usize = 700;

impl Standing {
    /// The result as it is shown. A baseline takes a pass away and never gives one; of what is unknown or does not concern the
    /// asset nothing is said.
    #[must_use]
    pub fn over(&self, judged: &CheckResult) -> CheckResult {
        let mut shown = judged.clone();
        let verdict = judged.judgement.verdict;
        if !matches!(verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail) {
            return shown;
        }
        let changed = self.says(judged);
        let compared = Compared {
            standing: self.word().to_owned(),
            judged: changed.is_some().then(|| (verdict.word().to_owned(), judged.judgement.reason.clone())),
        };
        shown.evidence.drift = Some(compared);
        if let Some((verdict, reason)) = changed {
            shown.judgement.verdict = verdict;
            shown.judgement.reason = reason;
        }
        shown
    }

    /// Verdict and reason, where they become others.
    fn says(&self, judged: &CheckResult) -> Option<(Verdict, String)> {
        let verdict = judged.judgement.verdict;
        let own: String = judged.judgement.reason.chars().take(LONGEST_FINDING).collect();
        let named = format!("--asset {} --check {}", judged.asset, judged.check);
        let approve = format!("nis2watch baseline approve {named}");
        let warned = |text: String| Some((Verdict::Warn, text));
        match self {
            Self::Approved => None,
            Self::Proposed | Self::Required if verdict == Verdict::Fail => None,
            Self::Proposed => Some((verdict, format!("{own}; baseline not approved"))),
            Self::Required => Some((
                Verdict::Unknown(Cause::NoData),
                format!(
                    "nobody has approved what is there; look at it (nis2watch facts --asset {}) and {approve}",
                    judged.asset
                ),
            )),
            _ if verdict == Verdict::Fail => self.also().map(|also| (verdict, format!("{own}; {also}"))),
            Self::Expired { until } => warned(format!(
                "the approval of the baseline ended {}; look at it again and {approve}",
                until.to_rfc3339_opts(SecondsFormat::Secs, true)
            )),
            Self::Outdated => {
                warned(format!("the baseline was approved in another form; look at it again and {approve}"))
            }
            Self::Planned { by, difference } => warned(format!("planned ({by}): {}", differs(difference))),
            Self::Less(difference) => warned(format!("{}; bring it back or {approve}", differs(difference))),
            Self::Differs(difference) => {
                Some((Verdict::Fail, format!("{}; undo the change or {approve}", differs(difference))))
            }
        }
    }

    /// What is told beside a finding of the check itself.
    fn also(&self) -> Option<String> {
        match self {
            Self::Differs(difference) | Self::Less(difference) => Some(format!("also {}", differs(difference))),
            Self::Planned { by, difference } => Some(format!("also, planned ({by}), {}", differs(difference))),
            _ => None,
        }
    }
}

fn differs(difference: &Difference) -> String {
    format!("differs from the approved baseline: {}", difference.sentence())
}

/// The result as the check itself judged.
#[must_use]
pub fn undo(shown: &CheckResult) -> CheckResult {
    let mut judged = shown.clone();
    let Some((word, reason)) = judged.evidence.drift.take().and_then(|compared| compared.judged) else { return judged };
    if let Some(verdict) = Verdict::from_words(&word, None) {
        judged.judgement.verdict = verdict;
        judged.judgement.reason = reason;
    }
    judged
}
