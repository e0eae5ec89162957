//! Which ports of other assets can be reached from a vantage: the measuring half of the segmentation checks.
//!
//! A vantage is the daemon itself or a host behind an SSH session, whose `direct-tcpip` channels connect from there;
//! nothing is installed on it. Every connect is a full one, closed at once without a byte sent, and passes the gate of
//! its target. What stays closed proves nothing by itself: a canary beside the vantage must answer before and after,
//! and whatever was not open is tried from another place, because a dead device looks like a closed firewall.

mod cell;
mod report;
mod viewpoint;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Semaphore;

pub use cell::{Found, State};
pub use viewpoint::{Viewpoint, Way};

use super::gate::{Gate, Refusal};
use super::ssh::HostKeys;
use super::{Endpoint, TransportError};
use crate::model::{Answer, AssetId, Transport, ZoneId};
use cell::Cell;

/// Most connects of one question, controls aside; the plan takes no more samples.
pub const MAX_SAMPLES: usize = 128;

/// What is looked at from a vantage, as written under `ask: { reach: … }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Assets of each other zone that are tried; 0 for the canary alone.
    #[serde(default)]
    pub targets_per_zone: u32,
    /// Ports of each of them.
    #[serde(default)]
    pub ports_per_target: u32,
    /// Longest wait for one connect; what does not answer within it is filtered.
    #[serde(default = "default_timeout", with = "humantime_serde")]
    pub timeout: Duration,
    /// What that comes to in this plant; the plan fills it in.
    #[serde(skip)]
    pub task: Task,
}

fn default_timeout() -> Duration {
    Duration::from_secs(3)
}

/// The connects of one question from one vantage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Task {
    /// What must answer; without one nothing is tried.
    pub canary: Option<Canary>,
    /// What is tried, in order.
    pub samples: Vec<Sample>,
    /// Zones with devices of which none can be tried, and why.
    pub blank: Vec<(ZoneId, String)>,
}

/// A port beside the vantage that is open, and one that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// The open port.
    pub open: Sample,
    /// A port of the same asset that nobody serves.
    pub closed: u16,
}

/// One port of one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The asset.
    pub target: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// The TCP port.
    pub port: u16,
    /// Places to look from when the vantage finds it closed, in this order.
    pub controls: Vec<Sight>,
}

/// A place to look from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// The daemon itself.
    Daemon,
    /// A host that the daemon logs in to.
    Host(AssetId),
}

impl Sight {
    /// The word for facts: `daemon`, or the id of the host.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Daemon => "daemon",
            Self::Host(id) => id.as_str(),
        }
    }
}

impl Task {
    /// Most connects that it can lead to: the canary twice and its closed port, every sample, and every control.
    #[must_use]
    pub fn connects(&self) -> usize {
        let canary = self.canary.as_ref().map_or(0, |canary| 3 + canary.open.controls.len());
        canary + self.samples.iter().map(|sample| 1 + sample.controls.len()).sum::<usize>()
    }
}

/// One look and what it needs: where from, and the gates of what is looked at.
#[derive(Clone)]
pub struct Lookout {
    /// Where from.
    pub from: Sight,
    /// The places that one can look from beside the daemon.
    pub hosts: Arc<BTreeMap<AssetId, Viewpoint>>,
    /// The gates of all assets.
    pub targets: Arc<HashMap<AssetId, Gate>>,
    /// One vantage looks at a time, so that no device is met from two sides at once.
    pub turn: Arc<Semaphore>,
}

/// Answers all questions in one look. Each gets every error alike: a vantage that is not there, that may not forward,
/// or whose canary does not answer has seen nothing.
pub async fn ask(
    questions: &[&Question],
    gate: &Gate,
    lookout: &Lookout,
    host_keys: &dyn HostKeys,
) -> Vec<Result<Answer, TransportError>> {
    let look = async {
        gate.is_open(Transport::Tcp)?;
        let _turn = Arc::clone(&lookout.turn).acquire_owned().await.ok();
        Box::pin(look(questions, gate, lookout, host_keys)).await
    };
    match look.await {
        Ok(seen) => questions.iter().map(|question| report::answer(question, &seen, gate)).collect(),
        Err(error) => questions.iter().map(|_| Err(error.again())).collect(),
    }
}

/// What was seen, by target and port.
#[derive(Default)]
struct Seen {
    canary: Option<SeenCanary>,
    cells: BTreeMap<(AssetId, u16), Cell>,
}

struct SeenCanary {
    asked: Canary,
    cell: Cell,
    after: Option<Found>,
    closed: Found,
}

async fn look(
    questions: &[&Question],
    gate: &Gate,
    lookout: &Lookout,
    host_keys: &dyn HostKeys,
) -> Result<Seen, TransportError> {
    let Some(canary) = questions.iter().find_map(|question| question.task.canary.clone()) else {
        return Err(no_data(
            gate,
            "no other asset of its zone has a known open port that could serve as canary; declare `canary: { asset: …, port: … }` for the zone",
        ));
    };
    let wait = questions.iter().map(|question| question.timeout).max().unwrap_or_else(default_timeout);
    let targets = lookout.targets.as_ref();
    let mut way = Viewpoint::open(&lookout.from, &lookout.hosts, host_keys).await?;
    let seen = from_here(&mut way, questions, canary, targets, wait).await;
    way.close().await;
    let mut seen = seen?;
    controls(&mut seen, samples(questions), lookout, host_keys, wait).await;
    Ok(seen)
}

/// Samples of all questions, each once.
fn samples<'a>(questions: &[&'a Question]) -> Vec<&'a Sample> {
    let mut known = BTreeSet::new();
    let all = questions.iter().flat_map(|question| &question.task.samples);
    all.filter(|sample| known.insert((&sample.target, sample.port))).take(MAX_SAMPLES).collect()
}

/// The canary, then every sample, then the canary again if anything was not open: what lies between two answers of the
/// canary was seen by a vantage that could see.
async fn from_here(
    way: &mut Way,
    questions: &[&Question],
    canary: Canary,
    targets: &HashMap<AssetId, Gate>,
    wait: Duration,
) -> Result<Seen, TransportError> {
    let host = &canary.open.target;
    let before = way.connect(targets.get(host), canary.open.port, wait).await;
    if let Found::Prohibited(problem) = before {
        return Err(TransportError::Privilege { endpoint: way.endpoint(), problem });
    }
    let mut seen = Seen::default();
    let mut closed = Found::untried("the canary did not answer");
    if before == Found::Open {
        closed = way.connect(targets.get(host), canary.closed, wait).await;
        for sample in samples(questions) {
            let found = way.connect(targets.get(&sample.target), sample.port, wait).await;
            seen.cells.insert((sample.target.clone(), sample.port), Cell::new(found));
        }
    }
    let doubtful = seen.cells.values().any(|cell| cell.found != Found::Open);
    let after = if doubtful { Some(way.connect(targets.get(host), canary.open.port, wait).await) } else { None };
    let found = after.clone().filter(|after| *after != Found::Open).unwrap_or(before);
    seen.canary = Some(SeenCanary { cell: Cell::new(found), asked: canary, after, closed });
    Ok(seen)
}

/// Tries from elsewhere what was found closed, until somebody gets an answer. No two places are logged in to at once.
async fn controls(seen: &mut Seen, samples: Vec<&Sample>, lookout: &Lookout, host_keys: &dyn HostKeys, wait: Duration) {
    let canary = seen.canary.as_ref().map(|canary| canary.asked.open.clone());
    // a vantage that saw nothing leaves its samples alone
    let all: Vec<&Sample> = canary.iter().chain(samples).collect();
    let mut places: Vec<&Sight> = Vec::new();
    for place in all.iter().flat_map(|sample| &sample.controls) {
        if !places.contains(&place) && *place != lookout.from {
            places.push(place);
        }
    }
    for place in places {
        let doubtful =
            |sample: &&&Sample| sample.controls.contains(place) && seen.cell(sample).is_some_and(Cell::wants_control);
        let wanted: Vec<&Sample> = all.iter().filter(doubtful).copied().collect();
        if wanted.is_empty() {
            continue;
        }
        let Ok(mut way) = Viewpoint::open(place, &lookout.hosts, host_keys).await else { continue };
        for sample in wanted {
            let found = way.connect(lookout.targets.get(&sample.target), sample.port, wait).await;
            if let Some(cell) = seen.cell_mut(sample) {
                cell.note(place, found);
            }
        }
        way.close().await;
    }
}

impl Seen {
    fn cell(&self, sample: &Sample) -> Option<&Cell> {
        match &self.canary {
            Some(canary) if canary.asked.open == *sample => Some(&canary.cell),
            _ => self.cells.get(&(sample.target.clone(), sample.port)),
        }
    }

    fn cell_mut(&mut self, sample: &Sample) -> Option<&mut Cell> {
        match &mut self.canary {
            Some(canary) if canary.asked.open == *sample => Some(&mut canary.cell),
            _ => self.cells.get_mut(&(sample.target.clone(), sample.port)),
        }
    }
}

fn no_data(gate: &Gate, problem: impl Into<String>) -> TransportError {
    TransportError::NoData { endpoint: Endpoint::named(gate.asset().as_str()), problem: problem.into() }
}

impl From<Refusal> for Found {
    fn from(refusal: Refusal) -> Self {
        Self::Untried(crate::model::Missing::new(refusal.cause(), refusal.to_string()))
    }
}

#[cfg(test)]
mod tests;
