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
    /// Of several checks of one asset the one that saw it last speaks; one that is unknown makes the asset unknown.
    #[must_use]
    pub fn new(looked: impl IntoIterator<Item = Looked>) -> Self {
        let mut newest: BTreeMap<AssetId, (Looked, bool)> = BTreeMap::new();
        let weight = |one: &Looked| (one.listed.is_some(), one.at);
        for one in looked.into_iter().filter(|one| one.verdict != Verdict::NotApplicable) {
            let is_unknown = matches!(one.verdict, Verdict::Unknown(_));
            match newest.get_mut(&one.asset) {
                Some((kept, unknown)) => {
                    *unknown |= is_unknown;
                    if weight(&one) > weight(kept) {
                        *kept = one;
                    }
                }
                None => drop(newest.insert(one.asset.clone(), (one, is_unknown))),
            }
        }
        let mut all = Self { assets: newest.len(), ..Self::default() };
        for (one, is_unknown) in newest.into_values() {
            all.unknown += usize::from(is_unknown);
            all.take(one);
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
