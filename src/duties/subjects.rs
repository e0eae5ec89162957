//! Subjects that are no devices join the inventory: the organisation, and each supplier of the register.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::papers::Papers;
use super::supplier::Supplier;
use crate::inventory::{Access, Inventory, Member};
use crate::model::{Asset, AssetId, Criticality, Kind, Profile, ZoneId};
use crate::transport::gate::Limits;

/// The asset that stands for the organisation, where the inventory declares none of the kind `org`.
pub const ORG: &str = "org";

/// Adds the organisation, when any register is kept, and an asset for each supplier that the inventory does not declare itself
/// (as `supplier:ID`, or under its plain id with the kind `supplier`). A name that is taken by something else is left to it.
pub fn add_subjects(papers: &Papers, site: Option<&Arc<str>>, inventory: &mut Inventory) {
    let has_org = inventory.members.iter().any(|member| member.asset.kind == Kind::Org);
    if !papers.config.is_empty() && !has_org && inventory.find(ORG).is_none() {
        inventory.members.extend(member(ORG, Kind::Org, Criticality::High, site, "the duties: of the configuration"));
    }
    for supplier in &papers.suppliers {
        if !is_declared(supplier, inventory) {
            let level = supplier.criticality.unwrap_or(Criticality::Medium);
            inventory.members.extend(member(&supplier.subject(), Kind::Supplier, level, None, &supplier.declared));
        }
    }
}

/// Everything that a statement may be about: the organisation, assets, and the rooms, lines, zones and suppliers that there are.
pub(super) fn known_subjects<'a>(
    assets: impl Iterator<Item = &'a Asset>,
    zones: impl Iterator<Item = &'a ZoneId>,
    papers: &Papers,
) -> BTreeSet<AssetId> {
    let mut known: BTreeSet<AssetId> = AssetId::parse(ORG).into_iter().collect();
    let mut add = |kind: &str, name: &str| known.extend(AssetId::parse(&format!("{kind}:{name}")));
    zones.for_each(|zone| add("zone", zone.as_str()));
    papers.suppliers.iter().for_each(|supplier| add("supplier", supplier.id.as_str()));
    let mut rooms: BTreeSet<AssetId> =
        papers.rooms.iter().filter_map(|room| super::room::subject(room.id.as_str())).collect();
    let mut ids = Vec::new();
    for asset in assets {
        add("zone", asset.zone.as_str());
        if let Some(line) = asset.labels.get("line") {
            add("line", line);
        }
        rooms.extend(asset.field("room").and_then(|room| super::room::subject(room.as_text()?)));
        ids.push(asset.id.clone());
    }
    known.extend(ids);
    known.append(&mut rooms);
    known
}

fn is_declared(supplier: &Supplier, inventory: &Inventory) -> bool {
    let plain = inventory.find(supplier.id.as_str()).is_some_and(|member| member.asset.kind == Kind::Supplier);
    plain || inventory.find(&supplier.subject()).is_some()
}

fn member(
    id: &str,
    kind: Kind,
    criticality: Criticality,
    site: Option<&Arc<str>>,
    declared: &str,
) -> Option<Arc<Member>> {
    let asset = Asset {
        id: AssetId::parse(id).ok()?,
        address: None,
        zone: ZoneId::parse(ZoneId::NOWHERE).ok()?,
        kind,
        site: site.cloned(),
        vendor: None,
        product: None,
        version: None,
        serial: None,
        owner: None,
        criticality,
        supplier: None,
        support_end: None,
        profile: Profile::It,
        allowed_ports: None,
        declared_ports: BTreeSet::new(),
        labels: BTreeMap::new(),
        fields: BTreeMap::new(),
        params: BTreeMap::new(),
        active: true,
        allow_intrusive: false,
        allow_protocol_reads: false,
        vantage: false,
    };
    Some(Arc::new(Member {
        asset: Arc::new(asset),
        zone_role: None,
        fragile: false,
        limits: Limits::STANDARD,
        access: Access::default(),
        tls: None,
        http: None,
        has: BTreeSet::new(),
        jump: Vec::new(),
        windows: Vec::new(),
        inactive: None,
        looks_from: None,
        declared: declared.into(),
    }))
}
