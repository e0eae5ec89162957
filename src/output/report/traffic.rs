//! What was sent to devices, as far as the store knows: who was visited when, what answered, and the most that the plan allows.
//!
//! The exact counts of packets are kept by the gates of the running daemon and shown in its metrics; they begin anew with each
//! start, so a report of months cannot be made of them. The ceiling can: it holds by construction.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::assemble::Material;
use super::pairs::Row;
use crate::engine::PlannedAsset;
use crate::model::{AssetId, Time, Transport, ZoneId};
use crate::output::outline::{Amount, Outline};

/// What a report can say about traffic.
#[derive(Debug, Clone, Serialize)]
pub struct Traffic {
    /// What the numbers cover.
    pub covers: &'static str,
    /// Whether an operator has stopped all traffic.
    pub stopped: bool,
    /// Devices that may be sent anything.
    pub devices: usize,
    /// Those of them that were reached in their last visit.
    pub reached: usize,
    /// The most that may be sent to all of them in a day.
    pub at_most_a_day: Amount,
    /// Device by device.
    pub assets: Vec<TrafficRow>,
}

/// What a report can say about one device.
#[derive(Debug, Clone, Serialize)]
pub struct TrafficRow {
    /// The device.
    pub asset: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// What it is.
    pub kind: &'static str,
    /// `fragile` or `standard`: which limits its gate keeps.
    pub class: &'static str,
    /// Why nothing is sent to it, if so.
    pub inactive: Option<String>,
    /// When it was last visited.
    pub last_visit: Option<Time>,
    /// How long that took, in milliseconds.
    pub took_ms: Option<u64>,
    /// What answered then.
    pub answered: Vec<Transport>,
    /// What did not.
    pub silent: Vec<Transport>,
    /// Answers that the verdicts of this report rest on.
    pub answers: usize,
    /// The most that its plan sends in a day.
    pub at_most_a_day: Amount,
}

/// What the numbers are and are not.
const COVERS: &str = "The last visit of each device and the answers behind the verdicts are those in the store. The daily ceiling \
    is what the plan may send at most; the gate of each device enforces its own limits below that. Packets, connections and \
    refused requests are counted by the running daemon since its start (nis2watch_gate_packets_total and its neighbours in \
    /metrics) and are not kept beyond it.";

impl Traffic {
    pub(super) fn new(material: &Material<'_>, rows: &[Row]) -> Self {
        let mut answers: BTreeMap<&AssetId, BTreeSet<(&str, &str)>> = BTreeMap::new();
        for row in rows {
            let of = answers.entry(&row.asset).or_default();
            let came = row.evidence.answers.iter().filter(|answer| !answer.sha256.is_empty());
            let sent = came.filter(|answer| !matches!(answer.transport, Transport::Derived | Transport::Replay));
            of.extend(sent.map(|answer| (answer.fact.as_str(), answer.sha256.as_str())));
        }
        let devices = material
            .plan
            .assets
            .iter()
            .filter(|planned| planned.facts.iter().any(|fact| fact.question.touches_the_wire()));
        let count = |planned: &PlannedAsset| answers.get(&planned.member.asset.id).map_or(0, BTreeSet::len);
        let assets: Vec<_> = devices.map(|planned| TrafficRow::new(planned, count(planned), material)).collect();
        let sum = assets.iter().fold(Amount::default(), |sum, row| sum.plus(row.at_most_a_day));
        Self {
            covers: COVERS,
            stopped: material.stopped,
            devices: assets.len(),
            reached: assets.iter().filter(|row| !row.answered.is_empty()).count(),
            at_most_a_day: sum,
            assets,
        }
    }
}

impl TrafficRow {
    fn new(planned: &PlannedAsset, answers: usize, material: &Material<'_>) -> Self {
        let (member, asset) = (&planned.member, &planned.member.asset);
        let visit = material.kept.visits.get(&asset.id).filter(|visit| visit.at <= material.period.until);
        let transports = |wanted: bool| {
            let of = visit.iter().flat_map(|visit| &visit.reachable).filter(move |(_, reached)| *reached == wanted);
            of.map(|(transport, _)| *transport).collect()
        };
        Self {
            asset: asset.id.clone(),
            zone: asset.zone.clone(),
            kind: asset.kind.word(),
            class: if member.fragile { "fragile" } else { "standard" },
            inactive: member.inactive.clone(),
            last_visit: visit.map(|visit| visit.at),
            took_ms: visit.map(|visit| u64::try_from(visit.duration.as_millis()).unwrap_or(u64::MAX)),
            answered: transports(true),
            silent: transports(false),
            answers,
            at_most_a_day: Outline::new(planned, None, material.period.until).per_day(),
        }
    }
}
