//! Which advisories and known exploited vulnerabilities concern which assets: one list over the plant, from what judgements
//! left behind.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{AssetId, CheckId, Listed, Time, Verdict, Vulnerability, ZoneId};

/// Severities of vulnerabilities, the worst first.
pub const VULNERABILITY_SEVERITIES: [&str; 3] = ["critical", "high", "medium"];

/// One judgement of a check that looks advisories through.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The asset.
    pub asset: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// The check.
    pub check: CheckId,
    /// How it stands.
    pub verdict: Verdict,
    /// What it left; none where it could not look.
    pub listed: Option<Listed>,
    /// When it was judged; none was never judged.
    pub at: Option<Time>,
}

/// One vulnerability on one asset.
#[derive(Debug, Clone, Serialize)]
pub struct Exposure {
    /// The asset.
    pub asset: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// What it was taken for.
    pub product: String,
    /// The vulnerability.
    #[serde(flatten)]
    pub what: Vulnerability,
    /// The check that saw it.
    pub check: CheckId,
    /// How that stands.
    pub state: &'static str,
    /// When it saw it.
    pub at: Option<Time>,
}

/// What is known of the whole plant.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Exposures {
    /// The most urgent first.
    pub rows: Vec<Exposure>,
    /// Assets that advisories are looked through for.
    pub assets: usize,
    /// Those of which nothing certain can be said: an empty list is no clearance.
    pub unknown: usize,
    /// Rows that were not kept, of assets with too many.
    pub left_out: usize,
}

impl Exposures {
    /// Of several checks of one asset the list is that of the one that saw it last, and the verdict shown beside it the one
    /// that needs somebody first: an open vulnerability never stands beside the pass of a check that asks for less.
    #[must_use]
    pub fn new(looked: impl IntoIterator<Item = Looked>) -> Self {
        let mut by_asset: BTreeMap<AssetId, Vec<Looked>> = BTreeMap::new();
        for one in looked.into_iter().filter(|one| one.verdict != Verdict::NotApplicable) {
            by_asset.entry(one.asset.clone()).or_default().push(one);
        }
        let mut all = Self { assets: by_asset.len(), ..Self::default() };
        for mut looked in by_asset.into_values() {
            all.unknown += usize::from(looked.iter().any(|one| matches!(one.verdict, Verdict::Unknown(_))));
            looked.sort_by_key(|one| urgency(one.verdict));
            let Some((check, verdict)) = looked.last().map(|one| (one.check.clone(), one.verdict)) else { continue };
            if let Some(newest) = looked.into_iter().max_by_key(|one| (one.listed.is_some(), one.at)) {
                all.take(Looked { check, verdict, ..newest });
            }
        }
        all.rows.sort_by_cached_key(|one| {
            let what = &one.what;
            let severity = VULNERABILITY_SEVERITIES.iter().position(|word| *word == what.severity);
            let due = what.due.clone().unwrap_or_else(|| "9999".to_owned());
            (!what.exploited, !what.certain, severity, due, one.asset.clone(), what.id.clone())
        });
        all
    }

    fn take(&mut self, one: Looked) {
        let Some(Listed::Vulnerabilities { product, total, rows }) = one.listed else { return };
        self.left_out += total.saturating_sub(rows.len());
        self.rows.extend(rows.into_iter().map(|what| Exposure {
            asset: one.asset.clone(),
            zone: one.zone.clone(),
            product: product.clone(),
            what,
            check: one.check.clone(),
            state: one.verdict.word(),
            at: one.at,
        }));
    }
}

/// The larger, the sooner somebody must look.
const fn urgency(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NotApplicable => 0,
        Verdict::Pass => 1,
        Verdict::Waived => 2,
        Verdict::Unknown(_) => 3,
        Verdict::Warn => 4,
        Verdict::Fail => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_never_stands_beside_the_pass_of_a_check_that_asks_for_less() {
        let vulnerability = Vulnerability {
            id: "CVE-2099-1".into(),
            advisory: "EX-1".into(),
            confidence: "number".into(),
            certain: true,
            severity: "high".into(),
            exploited: false,
            ransomware: false,
            due: None,
        };
        let at: Time = "2099-01-01T00:00:00Z".parse().unwrap();
        let looked = |check: &str, verdict, rows: &[Vulnerability], at| Looked {
            asset: AssetId::parse("plc-1").unwrap(),
            zone: ZoneId::parse("cell").unwrap(),
            check: CheckId::parse(check).unwrap(),
            verdict,
            listed: Some(Listed::Vulnerabilities { product: String::new(), total: rows.len(), rows: rows.to_vec() }),
            at: Some(at),
        };
        let old = looked("vendor-advisory-match", Verdict::Warn, &[], at - chrono::TimeDelta::hours(1));
        let new = looked("kev-exposure", Verdict::Pass, &[vulnerability], at);
        let all = Exposures::new([old, new]);
        let row = &all.rows[0];
        assert_eq!((row.check.as_str(), row.state, all.assets, all.unknown), ("vendor-advisory-match", "warn", 1, 0));
    }
}
