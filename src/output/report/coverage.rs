//! Points of the directive, controls and assets, and what speaks for or against each.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Record;
use super::figures::Counts;
use super::pairs::{How, Row};
use super::timeline::Spans;
use crate::catalog::Catalog;
use crate::model::{AssetId, CheckId, ControlId, ZoneId};

/// Records that a point names as its evidence; all of them stand with the results.
const NAMED: usize = 4;

/// One point of the directive.
#[derive(Debug, Clone, Serialize)]
pub struct PointRow {
    /// Such as `Art. 21(2)(b)`.
    pub point: String,
    /// Summary in our words.
    pub text: String,
    /// Whether current evidence comes from machines, from signatures only, or is not there.
    pub evidence: Source,
    /// Controls that touch it.
    pub controls: Vec<ControlId>,
    /// Checks that give evidence for it.
    pub checks: Vec<CheckId>,
    /// Its pairs.
    pub counts: Counts,
    /// The share of watched time in which its pairs were met, waived time not counted.
    pub time_in_compliance: Option<f64>,
    /// Records of the ledger that speak for or against it, the newest few.
    pub records: Vec<Record>,
    /// How many there are.
    pub record_count: usize,
}

/// Where current evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// At least one pair was judged by machine.
    Measured,
    /// Signatures only.
    Attested,
    /// Nothing speaks for or against it.
    None,
}

impl Source {
    /// The word in lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Attested => "attested",
            Self::None => "none",
        }
    }
}

/// One control.
#[derive(Debug, Clone, Serialize)]
pub struct ControlRow {
    /// Such as `IAM-02`.
    pub control: ControlId,
    /// Its name.
    pub title: String,
    /// Points of the directive that it touches.
    pub nis2: Vec<String>,
    /// Whether anything current speaks for or against it.
    pub current_evidence: bool,
    /// Its pairs.
    pub counts: Counts,
    /// The share of watched time in which its pairs were met, waived time not counted.
    pub time_in_compliance: Option<f64>,
}

impl ControlRow {
    /// Whether it touches a point of the directive.
    #[must_use]
    pub const fn is_mapped(&self) -> bool {
        !self.nis2.is_empty()
    }
}

/// One asset.
#[derive(Debug, Clone, Serialize)]
pub struct AssetRow {
    /// Its id.
    pub asset: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// What it is; none where the configuration does not have it.
    pub kind: Option<&'static str>,
    /// Its pairs.
    pub counts: Counts,
    /// The share of watched time in which its pairs were met, waived time not counted.
    pub time_in_compliance: Option<f64>,
}

/// What belongs to one point, control or asset.
#[derive(Default)]
struct Sheaf<'r> {
    rows: Vec<&'r Row>,
    counts: Counts,
    time: Spans,
}

impl<'r> Sheaf<'r> {
    fn add(&mut self, row: &'r Row) {
        self.rows.push(row);
        self.counts.count(row);
        self.time.add(row.time);
    }

    fn evidence(&self) -> Source {
        let by = |how| self.rows.iter().any(|row| row.has_evidence() && row.info.how == how);
        match (by(How::Measured), by(How::Attested)) {
            (true, _) => Source::Measured,
            (false, true) => Source::Attested,
            (false, false) => Source::None,
        }
    }

    fn records(&self) -> (Vec<Record>, usize) {
        let evident = self.rows.iter().filter(|row| row.has_evidence());
        let by_number: BTreeMap<u64, &Record> =
            evident.filter_map(|row| row.record.as_ref()).map(|record| (record.seq, record)).collect();
        (by_number.values().rev().take(NAMED).copied().cloned().collect(), by_number.len())
    }
}

/// Every point of the directive in the catalogue, in its order.
pub(super) fn points(rows: &[Row], catalog: &Catalog) -> Vec<PointRow> {
    let mut by_point: BTreeMap<&str, Sheaf<'_>> = BTreeMap::new();
    for row in rows {
        row.info.nis2.iter().for_each(|point| by_point.entry(point).or_default().add(row));
    }
    let row = |point: &crate::catalog::Point| {
        let sheaf = by_point.remove(point.reference.as_str()).unwrap_or_default();
        let (records, record_count) = sheaf.records();
        PointRow {
            point: point.reference.clone(),
            text: point.text.clone(),
            evidence: sheaf.evidence(),
            controls: point.controls.clone(),
            checks: sheaf.rows.iter().map(|row| &row.check).collect::<BTreeSet<_>>().into_iter().cloned().collect(),
            counts: sheaf.counts,
            time_in_compliance: sheaf.time.share(false),
            records,
            record_count,
        }
    };
    catalog.controls.nis2_points.iter().map(row).collect()
}

/// Every asset, in the order of the rows.
pub(super) fn assets(rows: &[Row]) -> Vec<AssetRow> {
    let of_one = |rows: &[Row]| {
        let first = rows.first()?;
        let mut sheaf = Sheaf::default();
        for row in rows {
            sheaf.add(row);
        }
        Some(AssetRow {
            asset: first.asset.clone(),
            zone: first.zone.clone(),
            kind: first.kind,
            counts: sheaf.counts,
            time_in_compliance: sheaf.time.share(false),
        })
    };
    rows.chunk_by(|one, other| one.asset == other.asset).filter_map(of_one).collect()
}

/// Every control of the catalogue.
pub(super) fn controls(rows: &[Row], catalog: &Catalog) -> Vec<ControlRow> {
    let mut by_control: BTreeMap<&ControlId, Sheaf<'_>> = BTreeMap::new();
    for row in rows {
        row.info.controls.iter().for_each(|control| by_control.entry(control).or_default().add(row));
    }
    let row = |control: &crate::catalog::Control| {
        let sheaf = by_control.remove(&control.id).unwrap_or_default();
        ControlRow {
            control: control.id.clone(),
            title: control.title.clone(),
            nis2: control.refs.nis2.clone(),
            current_evidence: sheaf.evidence() != Source::None,
            counts: sheaf.counts,
            time_in_compliance: sheaf.time.share(false),
        }
    };
    catalog.controls.list.values().map(row).collect()
}
