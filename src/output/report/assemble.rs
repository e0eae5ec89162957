//! From what was read to the model: pure, with the time passed in.

use std::sync::Arc;

use super::pairs::Pairs;
use super::{
    Kept, Made, Papers, Period, Record, Report, Summary, Traffic, approved, coverage, drift, exposed, figures, method,
};
use crate::catalog::Catalog;
use crate::duties::Book;
use crate::engine::{Plan, Schedules};
use crate::model::Time;

/// Name and version of the JSON; a key is never renamed within one.
const SCHEMA: &str = "nis2watch.report/1";

/// Everything that a report is made of.
pub struct Material<'a> {
    /// Name of the site.
    pub site: Option<Arc<str>>,
    /// Who is asked what.
    pub plan: &'a Plan,
    /// What can be checked, and the law.
    pub catalog: &'a Catalog,
    /// When checks run.
    pub schedules: &'a dyn Schedules,
    /// What people signed and owe.
    pub book: &'a Book,
    /// What the store has.
    pub kept: Kept,
    /// What the report is about.
    pub period: Period,
    /// The present.
    pub now: Time,
    /// SHA-256 of the settings.
    pub configuration: String,
    /// Whether an operator has stopped all traffic.
    pub stopped: bool,
    /// Target lists that only the daemon fetches.
    pub target_lists: usize,
}

impl Report {
    /// Works it out; nothing is read or asked here.
    #[must_use]
    pub fn new(material: &Material<'_>) -> Self {
        let period = material.period;
        let pairs = Pairs::new(material);
        let trend = figures::trend(&pairs, period);
        let Pairs { rows, checks, .. } = pairs;
        let controls = coverage::controls(&rows, material.catalog);
        let drift = drift::drifts(&material.kept.changes, period);
        Self {
            schema: SCHEMA,
            made: Made {
                at: material.now,
                version: env!("CARGO_PKG_VERSION"),
                configuration: material.configuration.clone(),
                head: material.kept.head.map(Record::from),
            },
            site: material.site.clone(),
            period,
            summary: Summary::new(&rows, &controls, &drift),
            points: coverage::points(&rows, material.catalog),
            controls,
            assets: coverage::assets(&rows),
            checks,
            exposures: exposed::exposures(&rows, material),
            baselines: approved::baselines(&material.kept.acts, period),
            unknown: figures::silences(&rows),
            trend,
            papers: Papers::new(material.book, &rows, period.until),
            traffic: Traffic::new(material, &rows),
            method: method::method(material, &rows),
            drift,
            results: rows,
        }
    }
}
