//! The matrix: what a vantage reached, laid over zones and conduits. Pure; the time is passed in.

use crate::model::{Cause, Conduit, Reading, Value, ZoneId};

use super::derive::Sources;

/// Cells that are named when they show nothing.
const NAMED: usize = 5;

/// What the inventory says of the asset's zone: `id`, `role`, `networks`, `vantages`, `conduits` (rows with `from`, `to`,
/// `ports`, `reason`, `expires`, `expired`).
pub(super) fn zone(sources: &Sources<'_>) -> Reading {
    let id = &sources.asset.zone;
    let Some(zone) = sources.zoning.zones.get(id) else {
        return Reading::missing(Cause::NoData, format!("zone {id} is not declared"));
    };
    let today = sources.now.date_naive();
    let conduits = sources.zoning.conduits.iter().filter(|conduit| conduit.from == *id || conduit.to == *id);
    let vantages = sources.zoning.vantages.get(id).map(Vec::as_slice).unwrap_or_default();
    Reading::Known(Value::map([
        ("id", Value::text(id.as_str())),
        ("role", Value::text(zone.role.word())),
        ("networks", Value::list(zone.networks.iter().map(|network| Value::text(network.to_string())))),
        ("vantages", Value::list(vantages.iter().map(|vantage| Value::text(vantage.as_str())))),
        (
            "conduits",
            Value::list(conduits.map(|conduit| {
                let ports = Value::list(conduit.ports.iter().map(|port| Value::from(*port)));
                Value::map([
                    ("from", Value::text(conduit.from.as_str())),
                    ("to", Value::text(conduit.to.as_str())),
                    ("ports", ports),
                    ("reason", Value::text(&conduit.reason)),
                    ("expires", conduit.expires.map_or(Value::Null, |day| Value::text(day.to_string()))),
                    ("expired", Value::Bool(conduit.has_expired(today))),
                ])
            })),
        ),
    ]))
}

/// Every cell with its zones, their roles and what the conduits say: `from`, `from_role`, `vantage`, `canary`, `open` (names
/// of the open cells), `rows` with `name`, `from`, `from_role`, `to`, `to_role`, `target`, `port`, `found`, `state`, `allowed`,
/// `conduit`, and for zones that could not be tried a row of their own.
pub(super) fn matrix(reached: &Value, sources: &Sources<'_>) -> Reading {
    let asset = sources.asset;
    let (Some(cells), Some(blank)) = (list(reached, "rows"), list(reached, "blank")) else {
        return Reading::missing(Cause::Internal, "the answer of the vantage has no cells; this is a defect");
    };
    let tried = cells.iter().filter_map(|cell| row(cell, sources));
    let untried = blank.iter().filter_map(|zone| blank_row(zone, sources));
    let rows: Vec<Value> = tried.chain(untried).collect();
    let is_open = |row: &&Value| text(row, "state") == Some("open");
    let open: Vec<Value> = rows.iter().filter(is_open).filter_map(|row| row.get("name").cloned()).collect();
    Reading::Known(Value::map([
        ("vantage", Value::text(asset.id.as_str())),
        ("from", Value::text(asset.zone.as_str())),
        ("from_role", role(&asset.zone, sources)),
        ("canary", reached.get("canary").cloned().unwrap_or_default()),
        ("open", Value::list(open)),
        ("rows", Value::list(rows)),
    ]))
}

fn row(cell: &Value, sources: &Sources<'_>) -> Option<Value> {
    let (from, to) = (&sources.asset.zone, ZoneId::parse(text(cell, "zone")?).ok()?);
    let (target, port) = (text(cell, "target")?, u16::try_from(cell.get("port")?.as_int()?).ok()?);
    let meant: Vec<&Conduit> =
        sources.zoning.conduits.iter().filter(|conduit| conduit.concerns(from, &to, port)).collect();
    let today = sources.now.date_naive();
    let valid = meant.iter().find(|conduit| !conduit.has_expired(today));
    let conduit = valid.or(meant.first());
    let expired = conduit.and_then(|conduit| conduit.expires).filter(|_| valid.is_none());
    let expired = expired.map_or_else(String::new, |day| format!(" (its conduit expired on {day})"));
    let name = format!("{from} to {to}: {target} port {port}, from {}{expired}", sources.asset.id);
    let mut fields: Vec<(&str, Value)> = cell.as_map()?.iter().map(|(key, value)| (&**key, value.clone())).collect();
    fields.retain(|(key, _)| *key != "zone");
    fields.extend([
        ("name", Value::from(name)),
        ("from", Value::text(from.as_str())),
        ("from_role", role(from, sources)),
        ("to", Value::text(to.as_str())),
        ("to_role", role(&to, sources)),
        ("allowed", Value::Bool(valid.is_some())),
        ("conduit", conduit.map_or(Value::Null, |conduit| Value::text(&conduit.reason))),
    ]);
    Some(Value::map(fields))
}

fn blank_row(zone: &Value, sources: &Sources<'_>) -> Option<Value> {
    let (from, to) = (&sources.asset.zone, ZoneId::parse(text(zone, "zone")?).ok()?);
    Some(Value::map([
        ("name", Value::from(format!("{from} to {to}: nothing to try, from {}", sources.asset.id))),
        ("from", Value::text(from.as_str())),
        ("from_role", role(from, sources)),
        ("to", Value::text(to.as_str())),
        ("to_role", role(&to, sources)),
        ("found", Value::text("untried")),
        ("state", Value::text("unproven")),
        ("allowed", Value::Bool(false)),
        ("cause", Value::text(Cause::NoData.word())),
        ("detail", zone.get("why").cloned().unwrap_or_default()),
    ]))
}

/// Known when every cell shows something: `cells`, their number. Otherwise missing, with the cause of the first cell that
/// shows nothing, and the names of a few.
pub(super) fn proof(matrix: &Value) -> Reading {
    let rows = list(matrix, "rows").unwrap_or_default();
    let unproven: Vec<&Value> = rows.iter().filter(|row| text(row, "state") == Some("unproven")).collect();
    let Some(first) = unproven.first() else {
        return Reading::Known(Value::map([("cells", Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX)))]));
    };
    let cause = text(first, "cause").and_then(Cause::from_word).unwrap_or(Cause::NoData);
    let named = unproven.iter().take(NAMED).map(|row| {
        format!("{} ({})", text(row, "name").unwrap_or("a cell"), text(row, "detail").unwrap_or("nothing is known"))
    });
    let named = named.collect::<Vec<_>>().join("; ");
    let more = unproven.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Reading::missing(cause, format!("{} of {} ways show nothing: {named}{more}", unproven.len(), rows.len()))
}

fn list<'a>(value: &'a Value, field: &str) -> Option<&'a [Value]> {
    value.get(field)?.as_list()
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_text()
}

fn role(zone: &ZoneId, sources: &Sources<'_>) -> Value {
    sources.zoning.zones.get(zone).map_or(Value::Null, |zone| Value::text(zone.role.word()))
}

#[cfg(test)]
pub(crate) mod testing {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use crate::inventory::{Access, Inventory, Member};
    use crate::model::{Asset, AssetId, Conduit, Criticality, Kind, Profile, Zone, ZoneId, ZoneRole};
    use crate::transport::gate::Limits;
    use crate::transport::reach::Sight;

    pub(crate) fn zone_id(id: &str) -> ZoneId {
        ZoneId::parse(id).unwrap()
    }

    pub(crate) fn member(id: &str, zone: &str, kind: Kind, ports: &[u16]) -> Member {
        let asset = Asset {
            id: AssetId::parse(id).unwrap(),
            address: (!ports.is_empty()).then(|| "192.0.2.1".into()),
            zone: zone_id(zone),
            kind,
            site: None,
            vendor: None,
            product: None,
            version: None,
            serial: None,
            owner: None,
            criticality: Criticality::Medium,
            supplier: None,
            support_end: None,
            profile: Profile::It,
            allowed_ports: Some(ports.iter().copied().collect()),
            declared_ports: BTreeSet::new(),
            labels: [].into(),
            fields: [].into(),
            params: [].into(),
            active: true,
            allow_intrusive: false,
            allow_protocol_reads: false,
            vantage: false,
        };
        Member {
            asset: Arc::new(asset),
            zone_role: None,
            fragile: kind.is_fragile(),
            limits: Limits::STANDARD,
            access: Access::default(),
            tls: None,
            http: None,
            has: BTreeSet::new(),
            jump: vec![],
            looks_from: None,
            windows: vec![],
            inactive: None,
            declared: "assets.yaml:1:1".into(),
        }
    }

    fn looking(id: &str, zone: &str, sight: Sight) -> Member {
        Member { looks_from: Some(sight), ..member(id, zone, Kind::Vantage, &[]) }
    }

    /// Office with a vantage and a file server; the daemon in the dmz; a cell; a zone in which nothing may be tried.
    pub(crate) fn inventory() -> Inventory {
        let zone = |id: &str, role| {
            let zone = Zone { id: zone_id(id), role, site: None, networks: vec![], active: true };
            (zone.id.clone(), zone)
        };
        let conduit = |port: u16, expires: Option<&str>| Conduit {
            from: zone_id("office"),
            to: zone_id("cell1"),
            ports: vec![port],
            reason: "MES".into(),
            expires: expires.map(|day| day.parse().unwrap()),
        };
        let members = [
            member("ws1", "office", Kind::LinuxHost, &[22]),
            member("files", "office", Kind::LinuxHost, &[445]),
            member("mon", "dmz", Kind::LinuxHost, &[]),
            member("plc1", "cell1", Kind::Plc, &[502]),
            member("plc2", "cell1", Kind::Plc, &[80, 4840, 102]),
            member("hmi1", "cell1", Kind::Hmi, &[22]),
            member("hist", "dmz", Kind::Historian, &[443]),
            looking("daemon", "dmz", Sight::Daemon),
            looking("vantage-ws1", "office", Sight::Host(AssetId::parse("ws1").unwrap())),
            Member { inactive: Some("asset press".into()), ..member("press", "cell9", Kind::Plc, &[102]) },
        ];
        Inventory {
            members: members.into_iter().map(Arc::new).collect(),
            zones: [
                zone("office", ZoneRole::It),
                zone("dmz", ZoneRole::Dmz),
                zone("cell1", ZoneRole::Control),
                zone("cell9", ZoneRole::Control),
            ]
            .into(),
            conduits: vec![conduit(4840, None), conduit(502, Some("2026-01-31"))],
            ..Inventory::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::duties::Book;
    use crate::feeds::Lifecycle;

    fn derived<T>(now: &str, compute: impl FnOnce(&Sources<'_>) -> T) -> T {
        let inventory = testing::inventory();
        let member = inventory.find("vantage-ws1").unwrap();
        compute(&Sources {
            facts: BTreeMap::new(),
            asked: [].into(),
            asset: &member.asset,
            zoning: &inventory.zoning(),
            windows: &[],
            register: None,
            asking: &[].into(),
            dated: &[].into(),
            recall: None,
            book: &Book::default(),
            lifecycle: &Lifecycle::default(),
            carried: &crate::feeds::Shelf::default(),
            now: now.parse().unwrap(),
        })
    }

    fn reached(rows: &str) -> Value {
        let json =
            format!(r#"{{"canary":{{"state":"open"}},"rows":[{rows}],"blank":[{{"zone":"cell9","why":"off"}}]}}"#);
        serde_json::from_str(&json).unwrap()
    }

    const ROWS: &str = r#"
        {"target":"plc2","zone":"cell1","port":4840,"found":"filtered","state":"blocked"},
        {"target":"plc1","zone":"cell1","port":502,"found":"open","state":"open"},
        {"target":"hist","zone":"dmz","port":443,"found":"filtered","state":"unproven","cause":"timeout","detail":"no answer"}"#;

    fn laid(now: &str) -> Value {
        derived(now, |sources| matrix(&reached(ROWS), sources)).known().unwrap().clone()
    }

    #[test]
    fn a_cell_knows_its_zones_their_roles_and_its_conduit_until_that_expires() {
        let matrix = laid("2026-01-31T23:00:00Z");
        let row = |at: usize| &matrix.get("rows").unwrap().as_list().unwrap()[at];
        assert_eq!(text(row(1), "name"), Some("office to cell1: plc1 port 502, from vantage-ws1"));
        assert_eq!((text(row(1), "from_role"), text(row(1), "to_role")), (Some("it"), Some("control")));
        assert_eq!(
            (row(0).get("allowed"), row(1).get("allowed")),
            (Some(&Value::Bool(true)), Some(&Value::Bool(true)))
        );
        assert_eq!(row(2).get("allowed"), Some(&Value::Bool(false)));
        assert_eq!((text(row(3), "to"), text(row(3), "state")), (Some("cell9"), Some("unproven")));
        let later = laid("2026-02-01T00:00:00Z");
        let row = &later.get("rows").unwrap().as_list().unwrap()[1];
        assert_eq!(row.get("allowed"), Some(&Value::Bool(false)));
        assert!(text(row, "name").unwrap().contains("expired on 2026-01-31"), "{row:?}");
    }

    #[test]
    fn one_cell_that_shows_nothing_is_a_missing_proof_with_its_cause() {
        let Reading::Missing(missing) = proof(&laid("2026-01-01T00:00:00Z")) else { panic!() };
        assert_eq!(missing.cause, Cause::Timeout);
        assert!(
            missing.detail.starts_with("2 of 4 ways show nothing: office to dmz: hist port 443"),
            "{}",
            missing.detail
        );
        let whole: Value = serde_json::from_str(r#"{"rows":[{"state":"blocked"},{"state":"open"}]}"#).unwrap();
        assert_eq!(proof(&whole), Reading::Known(Value::map([("cells", Value::Int(2))])));
    }

    #[test]
    fn a_zone_shows_its_role_its_vantages_and_its_conduits() {
        let zone = derived("2026-02-01T00:00:00Z", zone);
        let zone = zone.known().unwrap();
        assert_eq!(text(zone, "role"), Some("it"));
        assert_eq!(zone.get("vantages").unwrap().as_list().unwrap(), [Value::text("vantage-ws1")]);
        let expired = |at: usize| zone.get("conduits").unwrap().as_list().unwrap()[at].get("expired").cloned();
        assert_eq!((expired(0), expired(1)), (Some(Value::Bool(false)), Some(Value::Bool(true))));
    }
}
