//! A loaded plant: its plan, the gates of its assets, and how each is contacted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use tokio::sync::Semaphore;

use crate::catalog::Catalog;
use crate::engine::{CheckIndex, Contact, Plan, PlannedAsset, Schedules, Visit, Visitor};
use crate::inventory::{Inventory, Member};
use crate::model::{AssetId, Time, ZoneId};
use crate::transport::gate::{Gate, Names, Setup, Switch};
use crate::transport::{snmp, ssh};

/// The gates of all assets. They outlive a reload, with their budgets and books.
pub type Gates = HashMap<AssetId, Gate>;

/// Everything that is needed to visit.
pub struct Plant {
    /// Who is asked what.
    pub plan: Arc<Plan>,
    /// How each asset of the plan is contacted, in the same order.
    pub contacts: Vec<Arc<Contact>>,
    /// The gates behind the contacts.
    pub gates: Gates,
}

/// What all contacts share.
#[derive(Clone)]
pub struct Shared {
    /// Learnt host keys.
    pub host_keys: Arc<dyn ssh::HostKeys>,
    /// SNMP sockets and engine cache.
    pub snmp: Arc<snmp::Engine>,
    /// The kill switch.
    pub switch: Switch,
    /// Tells the time.
    pub clock: fn() -> Time,
}

impl Plant {
    /// Builds the plant; `before` are the gates of the configuration that it replaces.
    #[must_use]
    pub fn new(
        catalog: &Catalog,
        inventory: &Inventory,
        schedules: &dyn Schedules,
        shared: &Shared,
        before: Option<&Self>,
    ) -> Self {
        let plan = Arc::new(Plan::new(catalog, inventory, schedules));
        let gates = gates(inventory, shared, before);
        let contacts = plan.assets.iter().map(|planned| Arc::new(contact(&planned.member, inventory, &gates, shared)));
        Self { contacts: contacts.collect(), plan, gates }
    }
}

fn gates(inventory: &Inventory, shared: &Shared, before: Option<&Plant>) -> Gates {
    let mut zones: BTreeMap<ZoneId, Arc<Semaphore>> = BTreeMap::new();
    let mut gates = Gates::new();
    for member in &inventory.members {
        let asset = &member.asset;
        let zone = member.fragile.then(|| {
            let at_once = inventory.at_once(member);
            Arc::clone(zones.entry(asset.zone.clone()).or_insert_with(|| Arc::new(Semaphore::new(at_once as usize))))
        });
        let setup = Setup {
            asset: asset.id.clone(),
            address: asset.address.clone().unwrap_or_default(),
            limits: member.limits,
            inactive: member.inactive.clone(),
            windows: member.windows.clone(),
            zone,
            names: Names {
                tls: member.tls.as_ref().and_then(|tls| tls.sni.as_deref()).map(Arc::from),
                http: member.http.as_ref().and_then(|http| http.host.as_deref()).map(Arc::from),
            },
        };
        let old = before.and_then(|before| {
            let planned = before.plan.asset(before.plan.find(asset.id.as_str())?);
            Some((before.gates.get(&asset.id)?, !same_credentials(&planned.member, member)))
        });
        let gate = match old {
            Some((gate, changed)) => gate.rebuilt(setup, changed),
            None => Gate::new(setup, shared.switch.clone(), shared.clock),
        };
        gates.insert(asset.id.clone(), gate);
    }
    gates
}

fn same_credentials(old: &Member, new: &Member) -> bool {
    old.access.ssh == new.access.ssh && old.access.snmp == new.access.snmp
}

fn contact(member: &Member, inventory: &Inventory, gates: &Gates, shared: &Shared) -> Contact {
    let hop = |id: &AssetId| {
        let bastion = inventory.find(id.as_str())?;
        Some(ssh::Hop { gate: gates.get(id)?.clone(), access: Arc::clone(bastion.access.ssh.as_ref()?) })
    };
    Contact {
        gate: gates[&member.asset.id].clone(),
        access: member.access.clone(),
        hops: member.jump.iter().filter_map(hop).collect(),
        host_keys: Arc::clone(&shared.host_keys),
        snmp: Arc::clone(&shared.snmp),
        clock: shared.clock,
    }
}

/// Visits every asset that `wanted` gives checks for, once; so many at a time altogether, and no more of a zone than it
/// takes. Visits come as they end, and run only while the stream is read.
pub fn round<'a>(
    plant: &'a Plant,
    visitor: &'a Visitor,
    at_once: usize,
    wanted: impl Fn(&PlannedAsset) -> Vec<CheckIndex>,
) -> impl Stream<Item = Visit> + 'a {
    let places = Arc::new(Semaphore::new(at_once.max(1)));
    let mut rooms: BTreeMap<(&ZoneId, bool), (usize, Vec<_>)> = BTreeMap::new();
    for (planned, contact) in plant.plan.assets.iter().zip(&plant.contacts) {
        let due = wanted(planned);
        if due.is_empty() {
            continue;
        }
        let room = (&planned.member.asset.zone, planned.member.fragile);
        let (_, visits) = rooms.entry(room).or_insert_with(|| (planned.at_once.max(1) as usize, Vec::new()));
        let places = Arc::clone(&places);
        visits.push(async move {
            // never closed
            let _place = places.acquire().await.ok();
            visitor.visit(planned, contact, &due).await
        });
    }
    let rooms = rooms.into_values().map(|(limit, visits)| stream::iter(visits).buffer_unordered(limit));
    stream::select_all(rooms.map(Box::pin))
}
