//! What advisories and the catalogue of exploited vulnerabilities said of the plant at the end of the period.

use super::assemble::Material;
use super::pairs::Row;
use crate::catalog::Lists;
use crate::output::{Exposures, Looked};

/// The list; a judgement that had grown stale counts as unknown, and what it saw stays.
pub(super) fn exposures(rows: &[Row], material: &Material<'_>) -> Exposures {
    let looks = |row: &&Row| {
        let lists = material.catalog.check(&row.check).and_then(|check| check.lists.as_ref());
        matches!(lists, Some(Lists::Vulnerabilities(_)))
    };
    Exposures::new(rows.iter().filter(looks).map(|row| {
        let known = material.kept.known.get(&(row.asset.clone(), row.check.clone()));
        Looked {
            asset: row.asset.clone(),
            zone: row.zone.clone(),
            check: row.check.clone(),
            verdict: row.verdict,
            listed: known.and_then(|known| known.listed.clone()),
            at: row.judged_at,
        }
    }))
}
