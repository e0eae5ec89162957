//! The looks of vantages in the plan: every connect for those who look, and for those who are looked at.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::Question;
use crate::engine::Plan;
use crate::model::{AssetId, Time};
use crate::transport::reach::{Sample, Task};

/// One port that a vantage tries.
#[derive(Debug, Serialize)]
pub(super) struct Connect {
    target: String,
    port: u16,
    /// Why: `canary`, `closed canary` or `sample`.
    role: &'static str,
    /// Connects to it in one look, those from elsewhere included.
    at_most: usize,
    /// Places that look too when the vantage finds it closed.
    controls: Vec<String>,
}

/// What a vantage sends to an asset.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tried {
    from: String,
    ports: Vec<u16>,
    pub(super) every_seconds: u64,
    at_most: usize,
}

impl Connect {
    fn new(sample: &Sample, role: &'static str, times: usize) -> Self {
        let controls: Vec<String> = sample.controls.iter().map(|place| place.word().to_owned()).collect();
        let at_most = times + controls.len();
        Self { target: sample.target.to_string(), port: sample.port, role, at_most, controls }
    }

    pub(super) fn text(&self) -> String {
        let control = if self.controls.is_empty() {
            String::new()
        } else {
            format!("; if it is closed, also from {}", self.controls.join(" and "))
        };
        format!("{}: {} port {}{control}", self.role, self.target, self.port)
    }
}

impl Tried {
    pub(super) fn text(&self, every: &str) -> String {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        let (ports, most) = (ports.join(", "), self.at_most);
        format!("{} tries port {ports} every {every}, at most {most} connections each time", self.from)
    }
}

/// Every connect of one look.
pub(super) fn connects(task: &Task) -> Vec<Connect> {
    let canary = task.canary.iter().flat_map(|canary| {
        let closed = Sample { port: canary.closed, controls: Vec::new(), ..canary.open.clone() };
        [Connect::new(&canary.open, "canary", 2), Connect::new(&closed, "closed canary", 1)]
    });
    canary.chain(task.samples.iter().map(|sample| Connect::new(sample, "sample", 1))).collect()
}

/// What vantages send to each asset.
pub(super) fn tried(plan: &Plan, now: Time) -> BTreeMap<AssetId, Vec<Tried>> {
    let mut all: BTreeMap<AssetId, Vec<Tried>> = BTreeMap::new();
    for planned in &plan.assets {
        for (at, fact) in (0_u16..).zip(&planned.facts) {
            let Question::Reach(question) = &*fact.question else { continue };
            let needs_it = |check: &u16| planned.facts_for(&[*check]).contains(&at);
            let checks = (0..).zip(&planned.checks).filter(|(check, _)| needs_it(check));
            let Some(every) = checks.map(|(_, one)| one.cadence.interval(now)).min() else { continue };
            let mut met: BTreeMap<AssetId, (Vec<u16>, usize)> = BTreeMap::new();
            for connect in connects(&question.task) {
                let Ok(target) = AssetId::parse(&connect.target) else { continue };
                let (ports, at_most) = met.entry(target).or_default();
                ports.push(connect.port);
                *at_most += connect.at_most;
            }
            let from = &planned.member.asset.id;
            for (target, (ports, at_most)) in met {
                let tried = Tried { from: from.to_string(), ports, every_seconds: every.as_secs(), at_most };
                all.entry(target).or_default().push(tried);
            }
        }
    }
    all
}
