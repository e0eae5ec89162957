//! The inventory as a register: which entries lack what a policy asks for, and what stands in it twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::Register;
use crate::model::{Asset, Reading, SubjectClass, Value};

/// Most rows of each list; the numbers count all.
const ROWS: usize = 1_000;

/// Fields: `assets`, `complete` (numbers of devices), `ratio` (absent without devices), `incomplete` (rows with `asset` and `lacks`), and
/// `twice` (rows with `what`, `first` and `second`) for addresses and serial numbers.
pub(super) fn register<'a>(wanted: &Register, assets: impl Iterator<Item = &'a Asset>) -> Reading {
    let devices: Vec<&Asset> = assets.filter(|asset| asset.kind.class() == SubjectClass::Device).collect();
    let lacking: Vec<(&Asset, String)> = devices
        .iter()
        .map(|asset| (*asset, lacks(asset, &wanted.required_fields)))
        .filter(|(_, lacks)| !lacks.is_empty())
        .collect();
    let row = |(asset, lacks): &(&Asset, String)| {
        Value::map([("asset", Value::text(asset.id.as_str())), ("lacks", Value::text(lacks))])
    };
    let complete = devices.len() - lacking.len();
    let mut fields = vec![
        ("assets", number(devices.len())),
        ("complete", number(complete)),
        ("incomplete", Value::list(lacking.iter().take(ROWS).map(row))),
        ("twice", Value::list(twice(&devices).into_iter().take(ROWS))),
    ];
    if !devices.is_empty() {
        #[expect(clippy::cast_precision_loss, reason = "numbers of assets fit a double")]
        fields.push(("ratio", Value::Float(complete as f64 / devices.len() as f64)));
    }
    Reading::Known(Value::map(fields))
}

fn lacks(asset: &Asset, required: &[Arc<str>]) -> String {
    let is_given = |field: &str| asset.field(field).is_some_and(|value| !value.to_string().trim().is_empty());
    let missing: Vec<&str> = required.iter().map(|field| &**field).filter(|field| !is_given(field)).collect();
    missing.join(", ")
}

/// One service on a host is an asset of another kind at the same address; two of one kind are one device written twice.
fn twice(devices: &[&Asset]) -> Vec<Value> {
    let mut seen: BTreeMap<(&str, String), &Asset> = BTreeMap::new();
    let mut found = Vec::new();
    for asset in devices {
        let address = asset.address.as_ref().map(|address| ("address", format!("{} {address}", asset.kind)));
        let serial = asset.serial.as_ref().map(|serial| {
            let vendor = asset.vendor.as_deref().unwrap_or_default();
            ("serial", format!("{vendor} {serial}"))
        });
        for (what, name) in address.into_iter().chain(serial) {
            match seen.get(&(what, name.to_lowercase())) {
                Some(first) => found.push(Value::map([
                    ("what", Value::text(format!("{what} {}", name.trim()))),
                    ("first", Value::text(first.id.as_str())),
                    ("second", Value::text(asset.id.as_str())),
                ])),
                None => drop(seen.insert((what, name.to_lowercase()), asset)),
            }
        }
    }
    found
}

fn number(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssetId, Criticality, Kind, Profile, ZoneId};

    fn asset(id: &str, change: impl Fn(&mut Asset)) -> Asset {
        let mut asset = Asset {
            id: AssetId::parse(id).unwrap(),
            address: None,
            zone: ZoneId::parse("cell-1").unwrap(),
            kind: Kind::Plc,
            site: None,
            vendor: None,
            product: None,
            version: None,
            serial: None,
            owner: None,
            criticality: Criticality::Medium,
            supplier: None,
            support_end: None,
            profile: Profile::Ot,
            allowed_ports: None,
            declared_ports: std::collections::BTreeSet::new(),
            labels: BTreeMap::new(),
            fields: BTreeMap::new(),
            params: BTreeMap::new(),
            active: true,
            allow_intrusive: false,
            allow_protocol_reads: false,
            vantage: false,
        };
        change(&mut asset);
        asset
    }

    fn read(required: &str, assets: &[Asset]) -> serde_json::Value {
        let wanted: Register = serde_saphyr::from_str(&format!("{{required_fields: {required}}}")).unwrap();
        register(&wanted, assets.iter()).known().unwrap().to_json()
    }

    #[test]
    fn an_entry_without_a_required_field_is_named_with_what_it_lacks() {
        let full = asset("plc-1", |asset| {
            asset.owner = Some("ot".into());
            asset.fields = BTreeMap::from([("room".into(), Value::text("A3"))]);
        });
        let blank = asset("plc-2", |asset| asset.owner = Some(" ".into()));
        let found = read("[kind, owner, room]", &[full, blank]);
        assert_eq!(found["incomplete"], serde_json::json!([{"asset": "plc-2", "lacks": "owner, room"}]));
        assert_eq!((&found["assets"], &found["ratio"]), (&2.into(), &0.5.into()));
    }

    #[test]
    fn one_device_written_twice_is_found_by_address_and_by_serial_number() {
        let at = |id: &str, address: &str, serial: &str| {
            asset(id, |asset| (asset.address, asset.serial) = (Some(address.into()), Some(serial.into())))
        };
        let mut host = at("web", "10.0.0.1", "9");
        host.kind = Kind::WebService;
        let found =
            read("[]", &[at("a", "10.0.0.1", "S1"), at("b", "10.0.0.2", "s1"), at("c", "10.0.0.1", "S3"), host]);
        let pairs = serde_json::json!([
            {"what": "serial S1", "first": "a", "second": "b"},
            {"what": "address plc 10.0.0.1", "first": "a", "second": "c"},
        ]);
        assert_eq!(found["twice"][0]["second"], pairs[0]["second"]);
        assert_eq!(found["twice"][1], pairs[1]);
        assert_eq!(
            found["twice"].as_array().unwrap().len(),
            2,
            "a service at the address of its host is no second host"
        );
    }

    #[test]
    fn an_inventory_without_devices_has_no_ratio() {
        let mut org = asset("org", |_| {});
        org.kind = Kind::Org;
        let found = read("[owner]", &[org]);
        assert_eq!((&found["assets"], &found["ratio"]), (&0.into(), &serde_json::Value::Null));
    }
}
