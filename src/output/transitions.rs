//! How often verdicts changed, by state before and after, severity and zone.

use std::collections::{BTreeMap, BTreeSet};

use super::Format;
use super::family::{Family, Type, sample};
use crate::model::{Severity, Transition, Verdict, ZoneId};

static TRANSITIONS: Family = Family::new(
    Type::Counter,
    "nis2watch_transitions_total",
    "Changes of verdicts since the start of the process; from none on first sight.",
);

/// Zone, state before, state after, severity.
type Change = (ZoneId, &'static str, &'static str, Severity);

/// Counters of changes. They outlive a reload.
#[derive(Debug, Default)]
pub(super) struct Transitions(BTreeMap<Change, u64>);

impl Transitions {
    pub(super) fn note(&mut self, transition: &Transition) {
        let from = transition.from.map_or("none", Verdict::word);
        let change = (transition.zone.clone(), from, transition.to.word(), transition.severity);
        *self.0.entry(change).or_default() += 1;
    }

    /// Forgets the zones that are gone.
    pub(super) fn retain(&mut self, zones: &BTreeSet<&ZoneId>) {
        self.0.retain(|(zone, ..), _| zones.contains(zone));
    }

    pub(super) fn render(&self, format: Format, out: &mut Vec<u8>) {
        if !self.0.is_empty() {
            out.extend_from_slice(TRANSITIONS.header(format).plain());
        }
        for ((zone, from, to, severity), count) in &self.0 {
            let labels = [("from", *from), ("to", *to), ("severity", severity.word()), ("zone", zone.as_str())];
            sample(out, TRANSITIONS.name, &labels, count);
        }
    }
}
