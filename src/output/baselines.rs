//! How baselines stand: how many in which state, and when approvals end.

use super::Format;
use super::family::{Family, Type, sample};
use crate::duties::baseline::Standing;
use crate::store::BaselineSummary;

static COUNT: Family = Family::new(
    Type::Gauge,
    "nis2watch_baselines",
    "How many values that have a baseline are in a state: proposed, approved, differs, planned, expired or outdated.",
);
static EXPIRY: Family =
    Family::new(Type::Gauge, "nis2watch_baseline_expiry_timestamp_seconds", "When the approval of a baseline ends.");

/// The lines of the two families.
#[derive(Debug, Default)]
pub(super) struct Baselines {
    counts: Vec<u8>,
    ends: Vec<u8>,
}

impl Baselines {
    pub(super) fn new(summary: &BaselineSummary) -> Self {
        let mut lines = Self::default();
        let mut zones: Vec<_> = summary.counts.iter().map(|(zone, ..)| zone).collect();
        zones.dedup();
        for zone in zones {
            // a state that nothing is in is told as 0, so that its end can be seen
            for state in Standing::WORDS {
                let of = summary.counts.iter().find(|(of, word, _)| of == zone && word == state);
                let labels = [("zone", zone.as_str()), ("state", state)];
                sample(&mut lines.counts, COUNT.name, &labels, of.map_or(0, |(.., count)| *count));
            }
        }
        for (asset, check, until) in &summary.ends {
            let labels = [("asset", asset.as_str()), ("check", check.as_str())];
            sample(&mut lines.ends, EXPIRY.name, &labels, until.timestamp());
        }
        lines
    }

    pub(super) fn render(&self, format: Format, out: &mut Vec<u8>) {
        for (family, lines) in [(&COUNT, &self.counts), (&EXPIRY, &self.ends)] {
            if !lines.is_empty() {
                out.extend_from_slice(family.header(format).plain());
                out.extend_from_slice(lines);
            }
        }
    }
}
