//! What a vantage looks at: few declared ports of few assets of each other zone, chosen the same way every time.
//!
//! Pure. Only what the inventory names is chosen: assets with an address and ports that they are known to serve.

use std::collections::BTreeSet;

use crate::inventory::{Inventory, Member};
use crate::model::{AssetId, SubjectClass, ZoneId};
use crate::transport::reach::{Canary, MAX_SAMPLES, Question, Sample, Sight, Task};

/// The port of a canary's host that nobody serves, where the configuration names none (`tcpmux`).
const CLOSED_PORT: u16 = 1;
/// Places to look from when the vantage finds a port closed.
const MOST_CONTROLS: usize = 2;

/// The task of one question from one vantage; empty for all other subjects.
pub(super) fn task(vantage: &Member, question: &Question, inventory: &Inventory) -> Task {
    let Some(sight) = &vantage.looks_from else { return Task::default() };
    let survey = Survey { vantage, sight, question, inventory };
    let mut task = Task { canary: survey.canary(), ..Task::default() };
    if question.targets_per_zone == 0 || task.canary.is_none() {
        return task;
    }
    for zone in inventory.zones.keys().filter(|zone| **zone != vantage.asset.zone) {
        match survey.samples(zone) {
            Ok(samples) if task.samples.len() + samples.len() <= MAX_SAMPLES => task.samples.extend(samples),
            Ok(_) => task.blank.push((zone.clone(), format!("more than {MAX_SAMPLES} ports would be tried"))),
            Err(Some(why)) => task.blank.push((zone.clone(), why)),
            Err(None) => {}
        }
    }
    task
}

struct Survey<'a> {
    vantage: &'a Member,
    sight: &'a Sight,
    question: &'a Question,
    inventory: &'a Inventory,
}

impl Survey<'_> {
    /// The canary that the configuration names, else the first asset beside the vantage with a known port; one that is
    /// not fragile comes first.
    fn canary(&self) -> Option<Canary> {
        let zone = &self.vantage.asset.zone;
        if let Some(declared) = self.inventory.canaries.get(zone) {
            let member = self.inventory.find(declared.asset.as_str()).filter(|member| self.may_try(member))?;
            return Some(Canary { open: self.sample(member, declared.port), closed: declared.closed });
        }
        let beside = self.inventory.members.iter().filter(|member| member.asset.zone == *zone && self.may_try(member));
        let mut candidates: Vec<_> = beside.collect();
        candidates.sort_by_key(|member| member.fragile);
        let found =
            |member: &&std::sync::Arc<Member>| known_ports(member).first().map(|port| self.sample(member, *port));
        candidates.iter().find_map(found).map(|open| Canary { open, closed: CLOSED_PORT })
    }

    /// Samples of one zone; an error says why there is none, or nothing where the zone has no device.
    fn samples(&self, zone: &ZoneId) -> Result<Vec<Sample>, Option<String>> {
        let devices: Vec<&Member> = self
            .inventory
            .members
            .iter()
            .map(|member| &**member)
            .filter(|member| member.asset.zone == *zone && member.asset.kind.class() == SubjectClass::Device)
            .collect();
        if devices.is_empty() {
            return Err(None);
        }
        let usable: Vec<&Member> =
            devices.into_iter().filter(|member| self.may_try(member) && !known_ports(member).is_empty()).collect();
        if usable.is_empty() {
            return Err(Some("no asset there may be tried and has a known port; set allowed_ports".into()));
        }
        let declared = self.declared(zone);
        let chosen = choose(&usable, &declared, self.question.targets_per_zone as usize);
        Ok(chosen.into_iter().flat_map(|member| self.ports_of(member, &declared)).collect())
    }

    /// Ports that conduits between the two zones name.
    fn declared(&self, to: &ZoneId) -> BTreeSet<u16> {
        let between = |conduit: &&crate::model::Conduit| conduit.from == self.vantage.asset.zone && conduit.to == *to;
        self.inventory.conduits.iter().filter(between).flat_map(|conduit| conduit.ports.iter().copied()).collect()
    }

    /// The known ports of a target, those of conduits first, as many as the question takes.
    fn ports_of(&self, member: &Member, declared: &BTreeSet<u16>) -> Vec<Sample> {
        let mut ports = known_ports(member);
        ports.sort_by_key(|port| (!declared.contains(port), *port));
        ports.truncate(self.question.ports_per_target as usize);
        ports.into_iter().map(|port| self.sample(member, port)).collect()
    }

    fn sample(&self, member: &Member, port: u16) -> Sample {
        Sample {
            target: member.asset.id.clone(),
            zone: member.asset.zone.clone(),
            port,
            controls: self.controls(member),
        }
    }

    /// The daemon, and a vantage beside the target; never the vantage itself nor the target.
    fn controls(&self, target: &Member) -> Vec<Sight> {
        let beside = self.inventory.members.iter().filter(|member| member.asset.zone == target.asset.zone);
        let beside = beside.filter_map(|member| member.looks_from.clone());
        let own = Sight::Host(target.asset.id.clone());
        let mut places: Vec<Sight> = Vec::new();
        for place in std::iter::once(Sight::Daemon).chain(beside) {
            if place != *self.sight && place != own && !places.contains(&place) {
                places.push(place);
            }
        }
        places.truncate(MOST_CONTROLS);
        places
    }

    /// Whether connects may go to an asset at all. An asset that recordings stand for, that is switched off, or that
    /// says `avoid_probes: true` is left alone; a look at oneself shows nothing.
    fn may_try(&self, member: &Member) -> bool {
        let asset = &member.asset;
        let own = match self.sight {
            Sight::Daemon => member.access.local,
            Sight::Host(id) => *id == asset.id,
        };
        let avoids = asset.field("avoid_probes").and_then(|field| field.as_bool()).unwrap_or(false);
        asset.kind.class() == SubjectClass::Device
            && asset.address.is_some()
            && member.inactive.is_none()
            && member.access.replay.is_none()
            && !own
            && !avoids
    }
}

/// A target for each port of a conduit, then one of each kind, then the others, in the order of the inventory.
fn choose<'a>(usable: &[&'a Member], declared: &BTreeSet<u16>, most: usize) -> Vec<&'a Member> {
    let mut chosen: Vec<&Member> = Vec::new();
    let is_new = |chosen: &[&Member], id: &AssetId| chosen.iter().all(|other| other.asset.id != *id);
    let serving =
        declared.iter().filter_map(|port| usable.iter().find(|member| known_ports(member).contains(port)).copied());
    for member in serving {
        if is_new(&chosen, &member.asset.id) {
            chosen.push(member);
        }
    }
    for member in usable {
        let kind_is_new = chosen.iter().all(|other| other.asset.kind != member.asset.kind);
        if kind_is_new && is_new(&chosen, &member.asset.id) {
            chosen.push(member);
        }
    }
    for member in usable {
        if is_new(&chosen, &member.asset.id) {
            chosen.push(member);
        }
    }
    chosen.truncate(most);
    chosen
}

/// TCP ports that the inventory says an asset serves, ascending.
fn known_ports(member: &Member) -> Vec<u16> {
    let mut ports: BTreeSet<u16> = member.asset.allowed_ports.iter().flatten().copied().collect();
    ports.extend(member.access.ssh.as_ref().map(|ssh| ssh.port));
    ports.extend(member.tls.iter().flat_map(|tls| tls.ports.iter().copied()));
    ports.extend(member.http.iter().flat_map(|http| http.ports.iter().copied()));
    ports.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::matrix::testing::inventory;

    fn question() -> Question {
        serde_json::from_value(serde_json::json!({ "targets_per_zone": 2, "ports_per_target": 2 })).unwrap()
    }

    fn tried(task: &Task) -> Vec<String> {
        task.samples.iter().map(|sample| format!("{}:{}", sample.target, sample.port)).collect()
    }

    #[test]
    fn ports_of_conduits_come_first_and_every_kind_gets_a_turn() {
        let inventory = inventory();
        let task = task(inventory.find("vantage-ws1").unwrap(), &question(), &inventory);
        let canary = task.canary.as_ref().unwrap();
        assert_eq!((canary.open.target.as_str(), canary.open.port, canary.closed), ("files", 445, 1));
        // both controllers serve ports of conduits; the panel is of another kind and comes next
        assert_eq!(tried(&task), ["plc1:502", "plc2:4840", "plc2:80", "hist:443"]);
        assert_eq!(task.samples[0].controls, [Sight::Daemon]);
        assert_eq!(task.blank.len(), 1, "{:?}", task.blank);
        assert_eq!(task.connects(), 4 + 4 * 2);
        let wider = Question { targets_per_zone: 3, ..question() };
        let wider = super::task(inventory.find("vantage-ws1").unwrap(), &wider, &inventory);
        assert_eq!(tried(&wider), ["plc1:502", "plc2:4840", "plc2:80", "hmi1:22", "hist:443"]);
    }

    #[test]
    fn a_vantage_beside_the_target_is_a_control_and_never_the_target_itself() {
        let inventory = inventory();
        let task = task(inventory.find("daemon").unwrap(), &question(), &inventory);
        let controls = |target: &str| {
            task.samples.iter().find(|sample| sample.target.as_str() == target).unwrap().controls.clone()
        };
        assert_eq!(controls("files"), [Sight::Host(AssetId::parse("ws1").unwrap())]);
        assert_eq!(controls("ws1"), []);
    }
}
