//! Devices as they answer, and product files with mistakes.

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::*;
use crate::catalog::Catalog;
use crate::model::Value;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(true, &[]).unwrap());

/// A device of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    name: String,
    object_id: Option<String>,
    descr: Option<String>,
    #[serde(default)]
    objects: BTreeMap<String, Text>,
    is: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Number(i64),
    Words(String),
}

impl Device {
    /// What it answers to a question; what it does not have is null.
    fn answer(&self, question: &snmp::Question) -> Vec<Varbind> {
        assert!(question.walk.is_empty());
        let value = |oid: &str| match (oid, self.objects.get(oid)) {
            (OBJECT_ID, _) => self.object_id.as_ref().map(Value::text),
            (DESCR, _) => self.descr.as_ref().map(Value::text),
            (_, Some(Text::Number(number))) => Some(Value::Int(*number)),
            (_, Some(Text::Words(words))) => Some(Value::text(words)),
            (_, None) => None,
        };
        question.get.iter().map(|oid| Varbind { oid: oid.clone(), value: value(oid).unwrap_or_default() }).collect()
    }

    /// Asks it as the engine does.
    fn identity(&self, products: &Products) -> (Reading, Vec<String>) {
        let mut binds = self.answer(products.first_question());
        let next = products.next_question(&binds);
        let asked = next.as_ref().map(|next| next.get.clone()).unwrap_or_default();
        binds.extend(next.iter().flat_map(|next| self.answer(next)));
        (products.identify(&binds), asked)
    }
}

fn devices() -> Vec<Device> {
    serde_saphyr::from_str(include_str!("devices.yaml")).unwrap()
}

fn known(reading: &Reading) -> &Value {
    match reading {
        Reading::Known(value) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_device_of_the_table_is_known_for_what_it_is_and_for_nothing_else() {
    let mut wrong = Vec::new();
    for device in devices() {
        let (reading, _) = device.identity(&CATALOG.products);
        let fields = known(&reading).as_map().unwrap();
        let mut said: BTreeMap<String, String> = fields
            .iter()
            .filter(|(name, _)| &***name != "source")
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        // named in the table only where they matter
        said.retain(|name, _| device.is.contains_key(name) || !matches!(name.as_str(), "family" | "scheme"));
        if said != device.is {
            wrong.push(format!("{}\n  expected {:?}\n  found    {said:?}", device.name, device.is));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_large_enough_to_mean_something() {
    assert!(devices().len() >= 60, "{}", devices().len());
}

#[test]
fn every_family_has_a_device_in_the_table() {
    let known_for: BTreeSet<String> = devices()
        .iter()
        .filter_map(|device| Some(known(&device.identity(&CATALOG.products).0).get("family")?.to_string()))
        .collect();
    let families = CATALOG.products.iter().filter(|product| !product.family.is_empty());
    let without: Vec<_> = families.filter(|product| !known_for.contains(&*product.family)).collect();
    assert!(without.is_empty(), "{:?}", without.iter().map(|product| &product.origin).collect::<Vec<_>>());
}

#[test]
fn every_field_names_the_object_it_came_from() {
    for device in devices() {
        let (reading, _) = device.identity(&CATALOG.products);
        for field in Field::ALL.map(Field::key) {
            let source = known(&reading).at(&format!("source.{field}"));
            assert_eq!(known(&reading).get(field).is_some(), source.is_some(), "{}: {field}", device.name);
        }
    }
    let find = |name: &str| devices().into_iter().find(|device| device.name == name).unwrap();
    let (asa, _) = find("Cisco ASA whose sysDescr lags behind ENTITY-MIB").identity(&CATALOG.products);
    assert_eq!(
        known(&asa).get("source").unwrap().to_json(),
        serde_json::json!({
            "vendor": "sysObjectID",
            "os": "sysObjectID",
            "version": "entPhysicalSoftwareRev.1",
            "model": "entPhysicalModelName.1",
            "serial": "entPhysicalSerialNum.1",
        })
    );
    let (nas, _) = find("Synology that claims to be net-snmp").identity(&CATALOG.products);
    assert_eq!(known(&nas).at("source.vendor"), Some(&Value::text("1.3.6.1.4.1.6574.1.5.3.0")));
}

#[test]
fn a_device_is_asked_for_a_few_objects_of_its_maker_and_of_public_mibs_only() {
    for device in devices() {
        let (_, asked) = device.identity(&CATALOG.products);
        assert!(asked.len() <= MOST_OBJECTS, "{}: {}", device.name, asked.len());
        let makers: BTreeSet<&str> = asked.iter().filter_map(|oid| maker(oid)).collect();
        let own = device.object_id.as_deref().and_then(|oid| maker(oid.trim_start_matches('.')));
        // net-snmp hides many makers, iDRAC and friends have one
        let shared = own == Some("8072");
        assert!(
            shared || makers.iter().all(|number| Some(*number) == own || *number == "10642"),
            "{}: {makers:?}",
            device.name
        );
        assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len(), "{}: asked twice", device.name);
    }
}

/// The number of the maker in an object of its own.
fn maker(oid: &str) -> Option<&str> {
    oid.strip_prefix("1.3.6.1.4.1.")?.split('.').next()
}

#[test]
fn an_agent_without_a_system_group_is_missing_with_advice() {
    let device =
        Device { name: String::new(), object_id: None, descr: None, objects: BTreeMap::new(), is: BTreeMap::new() };
    let (Reading::Missing(missing), _) = device.identity(&CATALOG.products) else { panic!() };
    assert_eq!(missing.cause, crate::model::Cause::NoData);
    assert!(missing.detail.contains("add the system group"), "{}", missing.detail);
}

#[test]
fn floods_of_text_yield_nothing_and_no_panic() {
    let flood = "Cisco IOS Software, X Software, Version 15.2(7)E3, ".repeat(1400);
    assert!(flood.len() > 65_536);
    let flooded = |object_id: &str, oid: &str| Device {
        name: String::new(),
        object_id: Some(object_id.into()),
        descr: Some(flood.clone()),
        objects: BTreeMap::from([(oid.to_owned(), Text::Words("9".repeat(65_536)))]),
        is: BTreeMap::new(),
    };
    for (object_id, oid) in [
        ("1.3.6.1.4.1.9.1.1730", "1.3.6.1.2.1.47.1.1.1.1.11.1"),
        ("1.3.6.1.4.1.14988.1", "1.3.6.1.4.1.14988.1.1.4.4.0"),
        ("1.3.6.1.4.1.99999.1", "1.3.6.1.2.1.47.1.1.1.1.10.1"),
    ] {
        let (reading, _) = flooded(object_id, oid).identity(&CATALOG.products);
        let said = known(&reading);
        assert!(said.get("version").is_none() && said.get("serial").is_none(), "{said}");
    }
    let absurd =
        ["1.3.6.1.4.1.9.1.1730.4294967296", "1.3.6.1.4.1.9.1.", "sysObjectID", &"1.".repeat(70_000), "\u{202e}"];
    for object_id in absurd {
        let (reading, asked) = flooded(object_id, DESCR).identity(&CATALOG.products);
        let said = if let Reading::Known(said) = &reading { said.get("vendor") } else { None };
        assert_eq!(said, None, "{}", object_id.len());
        assert!(asked.iter().all(|oid| oid.len() < 64), "{asked:?}");
    }
}

#[test]
fn a_description_of_full_length_that_ends_in_the_version_may_be_cut_there() {
    let descr = |length: usize| {
        let end = ", FW: Version V04.02.00";
        format!("Siemens, SIMATIC NET, {}{end}", "x".repeat(length - 22 - end.len()))
    };
    let siemens = |descr: String| Device {
        name: String::new(),
        object_id: Some("1.3.6.1.4.1.4329.6.1.2".into()),
        descr: Some(descr),
        objects: BTreeMap::new(),
        is: BTreeMap::new(),
    };
    let version = |length| {
        let (reading, _) = siemens(descr(length)).identity(&CATALOG.products);
        known(&reading).get("version").map(ToString::to_string)
    };
    assert_eq!(version(254).as_deref(), Some("04.02.00"));
    assert_eq!(version(255), None);
    assert_eq!(version(256), None);
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_an_identity_panic_or_grow(
        object_id in "1\\.3\\.6\\.1\\.4\\.1\\.(9\\.1|8072\\.3\\.2\\.10|4329\\.6|8691\\.7|318\\.1\\.3)(\\.[0-9]{1,4}){0,3}",
        descr in "(Cisco IOS Software, |Linux |RouterOS |Siemens, )?\\PC{0,80}",
        text in "\\PC{0,100}",
    ) {
        let mut binds = vec![
            Varbind { oid: DESCR.into(), value: Value::text(descr) },
            Varbind { oid: OBJECT_ID.into(), value: Value::text(object_id) },
        ];
        let next = CATALOG.products.next_question(&binds).map(|next| next.get).unwrap_or_default();
        proptest::prop_assert!(next.len() <= MOST_OBJECTS);
        binds.extend(next.into_iter().map(|oid| Varbind { oid, value: Value::text(&text) }));
        let reading = CATALOG.products.identify(&binds);
        for field in Field::ALL {
            let length = known(&reading).get(field.key()).map_or(0, |value| value.to_string().chars().count());
            proptest::prop_assert!(length <= 64);
        }
    }
}
