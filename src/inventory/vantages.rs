//! Vantages and zones as subjects of their own: what the segmentation checks judge.
//!
//! An asset that says `vantage: true` gets a subject `vantage-<id>` beside it; an entry of kind `vantage` is the daemon
//! itself, standing in the zone it names. As soon as there is one vantage, every zone with devices and without a
//! vantage becomes a subject too, because what cannot be looked at must show as unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::assemble::Settings;
use super::asset_file::{AssetEntry, Found};
use super::{Access, Member};
use crate::model::{Asset, AssetId, Conduit, Kind, Problems, SubjectClass, Zone, ZoneId};
use crate::transport::gate::Limits;
use crate::transport::reach::Sight;

/// Zones, the allowed paths between them and who looks from where, for the facts that are derived from them.
#[derive(Debug, Clone, Default)]
pub struct Zoning {
    /// The zones.
    pub zones: BTreeMap<ZoneId, Zone>,
    /// The allowed paths.
    pub conduits: Vec<Conduit>,
    /// Vantages by the zone they stand in.
    pub vantages: BTreeMap<ZoneId, Vec<AssetId>>,
}

impl super::Inventory {
    /// What the inventory says of zones.
    #[must_use]
    pub fn zoning(&self) -> Zoning {
        let mut vantages: BTreeMap<ZoneId, Vec<AssetId>> = BTreeMap::new();
        for member in self.members.iter().filter(|member| member.looks_from.is_some()) {
            vantages.entry(member.asset.zone.clone()).or_default().push(member.asset.id.clone());
        }
        Zoning { zones: self.zones.clone(), conduits: self.conduits.clone(), vantages }
    }
}

/// Where a written asset looks from by itself: one of kind vantage is the daemon.
pub(super) fn looks_from(entry: &AssetEntry) -> Option<Sight> {
    (entry.kind == Kind::Vantage).then_some(Sight::Daemon)
}

/// The subjects that nobody wrote down.
pub(super) fn subjects(members: &[Arc<Member>], zones: &BTreeMap<ZoneId, Zone>) -> Vec<Arc<Member>> {
    let mut added: Vec<Arc<Member>> = members.iter().filter_map(|host| vantage(host)).map(Arc::new).collect();
    let standing: BTreeSet<&ZoneId> = members
        .iter()
        .chain(&added)
        .filter(|member| member.looks_from.is_some() || member.asset.kind == Kind::Zone)
        .map(|member| &member.asset.zone)
        .collect();
    let any_vantage = members.iter().chain(&added).any(|member| member.looks_from.is_some());
    let unwatched: Vec<_> = zones
        .values()
        .filter(|zone| any_vantage && !standing.contains(&zone.id))
        .filter_map(|zone| {
            let first = members
                .iter()
                .find(|member| member.asset.zone == zone.id && member.asset.kind.class() == SubjectClass::Device)?;
            let id = AssetId::parse(&format!("zone-{}", zone.id)).ok()?;
            Some(Arc::new(subject(first, id, Kind::Zone, None)))
        })
        .collect();
    added.extend(unwatched);
    added
}

fn vantage(host: &Member) -> Option<Member> {
    if !host.asset.vantage || host.looks_from.is_some() {
        return None;
    }
    let sight = if host.access.local { Sight::Daemon } else { Sight::Host(host.asset.id.clone()) };
    let id = AssetId::parse(&format!("vantage-{}", host.asset.id)).ok()?;
    Some(subject(host, id, Kind::Vantage, Some(sight)))
}

/// A subject beside an asset. It counts as fragile, so that its look, which meets fragile devices too, is paced like
/// theirs and left to the daemon that keeps their gates.
fn subject(beside: &Member, id: AssetId, kind: Kind, sight: Option<Sight>) -> Member {
    let asset = &*beside.asset;
    Member {
        asset: Arc::new(Asset {
            id,
            kind,
            address: None,
            vendor: None,
            product: None,
            version: None,
            serial: None,
            supplier: None,
            support_end: None,
            allowed_ports: None,
            declared_ports: BTreeSet::new(),
            fields: BTreeMap::new(),
            vantage: false,
            ..asset.clone()
        }),
        fragile: true,
        limits: Limits::FRAGILE,
        access: Access::default(),
        tls: None,
        http: None,
        has: BTreeSet::new(),
        jump: Vec::new(),
        inactive: beside.inactive.clone().filter(|_| sight.is_some()),
        looks_from: sight,
        ..beside.clone()
    }
}

/// Reports vantages that cannot look, names that are taken, and a daemon that stands in two places.
pub(super) fn check(found: &[Found], members: &[Arc<Member>], problems: &mut Problems) {
    let mut daemon: Option<String> = None;
    for found in found {
        let entry = &found.entry;
        // what is written wrongly is told already
        let has_way = ["ssh", "local", "replay"].iter().any(|way| found.says(&["access", way]));
        if entry.kind == Kind::Vantage && entry.zone.is_none() && !found.says(&["zone"]) {
            let problem = found.wrong(&[], "key \"zone\" is missing: a vantage stands somewhere");
            problems.push(problem.hint("an entry of kind vantage is the daemon itself; name the zone it stands in"));
        }
        if entry.vantage && entry.kind != Kind::Vantage && !has_way {
            let problem = found.wrong(&["vantage".into()], "nothing can be looked at from an asset without a session");
            problems.push(problem.hint("give it access: { ssh: { credential: … } }"));
        }
        let is_daemon = entry.kind == Kind::Vantage && entry.access.replay.is_none();
        if is_daemon || (entry.vantage && entry.access.local.is_some()) {
            match &daemon {
                Some(first) => {
                    let message = format!("the daemon stands in one place, and that is declared at {first}");
                    problems.push(found.wrong(&["id".into()], message));
                }
                None => daemon = Some(found.whereabouts()),
            }
        }
    }
    let written: BTreeMap<&str, &Found> = found.iter().map(|found| (found.entry.id.as_str(), found)).collect();
    // what was added stands behind what was written
    for id in members.iter().skip(found.len()).map(|member| &member.asset.id) {
        if let Some(found) = written.get(id.as_str()) {
            let message = format!("the id {id} is needed for a subject of the segmentation checks");
            problems.push(found.wrong(&["id".into()], message).hint("choose another id"));
        }
    }
}

/// Reports canaries that are no assets of the inventory, or that are named without a port.
pub(super) fn check_canaries(settings: &Settings<'_>, members: &[Arc<Member>], problems: &mut Problems) {
    for (at, zone) in settings.zones.iter().enumerate() {
        let Some(canary) = &zone.canary else { continue };
        let mut wrong = |key: &str, message: String, hint: &str| {
            let path = ["zones".into(), at.into(), "canary".into(), key.into()];
            problems.push(settings.document.wrong(&path, message).hint(hint));
        };
        let asset = members.iter().find(|member| member.asset.id == canary.asset);
        if asset.is_none_or(|member| member.asset.address.is_none()) {
            let message = format!("{} is no asset with an address", canary.asset);
            wrong("asset", message, "name an asset of the inventory that answers on that port");
        }
        for (key, port) in [("port", canary.port), ("closed", canary.closed)] {
            if port == 0 {
                wrong(key, "0 is no port".into(), "a port is a number from 1 to 65535");
            }
        }
        if canary.port == canary.closed {
            wrong("closed", "the same port cannot be open and closed".into(), "name a port that nobody serves");
        }
    }
}
