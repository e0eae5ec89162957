//! What a device is: its own word first, the inventory for what it does not say.
//!
//! A version of the inventory counts only where the device answered, or cannot be asked at all: while it is silent, what
//! was once written down proves nothing.

use std::collections::BTreeMap;

use super::derive::Sources;
use crate::catalog::{DeviceSources, identity_text};
use crate::model::{Asset, Cause, Reading, Value};
use crate::rule::version::Scheme;

/// Fields that an agent tells, each with the object behind it.
const AGENT: [&str; 5] = ["vendor", "os", "model", "version", "serial"];
/// Fields and the keys of os-release that tell them, in order of trust.
const OS_RELEASE: [(&str, &str); 4] =
    [("vendor", "VENDOR_NAME"), ("vendor", "NAME"), ("os", "NAME"), ("version", "VERSION_ID")];

/// What is told so far; who speaks first is believed.
#[derive(Default)]
struct Told {
    fields: BTreeMap<&'static str, Value>,
    sources: BTreeMap<&'static str, Value>,
}

impl Told {
    fn put(&mut self, field: &'static str, text: &str, source: &str) {
        if let (false, Some(text)) = (self.fields.contains_key(field), identity_text(text)) {
            self.fields.insert(field, Value::Text(text));
            self.sources.insert(field, Value::text(source));
        }
    }

    fn linux(&mut self, release: &Value) {
        for (field, key) in OS_RELEASE {
            let text = release.get(key).or_else(|| release.get(&key.to_ascii_lowercase())).map(ToString::to_string);
            self.put(field, &text.unwrap_or_default(), &format!("os-release {key}"));
        }
    }

    fn agent(&mut self, product: &Value) {
        let text = |path: &str| product.at(path).and_then(Value::as_text);
        let names_version = !self.fields.contains_key("version");
        for field in AGENT {
            let source = text(&format!("source.{field}")).unwrap_or_default();
            self.put(field, text(field).unwrap_or_default(), source);
        }
        for field in ["family", "scheme"].into_iter().filter(|field| *field == "family" || names_version) {
            if let Some(value) = product.get(field) {
                self.fields.insert(field, value.clone());
            }
        }
    }

    fn inventory(&mut self, asset: &Asset, is_silent: bool) {
        let version = asset.version.as_ref().filter(|_| !is_silent);
        let given = [
            ("vendor", asset.vendor.as_ref()),
            ("model", asset.product.as_ref()),
            ("version", version),
            ("serial", asset.serial.as_ref()),
        ];
        for (field, text) in given {
            self.put(field, text.map_or("", |text| text), "inventory");
        }
    }
}

/// The fact `device`. Known without a version only when whatever can be asked has answered.
pub(super) fn device(names: &DeviceSources, sources: &Sources<'_>) -> Reading {
    let known = |id| match sources.facts.get(id) {
        Some(Reading::Known(value)) => Some(value),
        _ => None,
    };
    let missing = |asked: bool| {
        sources.facts.iter().find_map(|(id, reading)| match reading {
            Reading::Missing(missing) if sources.asked.contains(id) == asked => Some(missing.clone()),
            _ => None,
        })
    };
    let silent = missing(true);
    let mut told = Told::default();
    if let Some(release) = known(&names.linux) {
        told.linux(release);
    }
    if let Some(product) = known(&names.agent) {
        told.agent(product);
    }
    told.inventory(sources.asset, silent.is_some());
    let anchored = told.fields.contains_key("version");
    if anchored {
        told.fields.entry("scheme").or_insert_with(|| Value::text(Scheme::default().word()));
    }
    let unasked = if sources.asked.is_empty() { missing(false) } else { None };
    if let (false, Some(why)) = (anchored, silent.or(unasked)) {
        return Reading::Missing(why);
    }
    if told.fields.is_empty() {
        let advice = "nothing that the device says tells what it is; set vendor, product and version in the inventory";
        return Reading::missing(Cause::NoData, advice);
    }
    told.fields.insert("anchored", Value::Bool(anchored));
    told.fields.insert("source", Value::map(told.sources));
    Reading::Known(Value::map(told.fields))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::feeds::Lifecycle;
    use crate::model::{AssetId, Criticality, FactId, Kind, Profile, ZoneId};

    fn asset(version: Option<&str>) -> Asset {
        Asset {
            id: AssetId::parse("sw-1").unwrap(),
            address: None,
            zone: ZoneId::parse("cell-1").unwrap(),
            kind: Kind::NetworkDevice,
            site: None,
            vendor: Some("Written Down".into()),
            product: None,
            version: version.map(Into::into),
            serial: None,
            owner: None,
            criticality: Criticality::Medium,
            supplier: None,
            support_end: None,
            profile: Profile::Ot,
            allowed_ports: None,
            declared_ports: BTreeSet::new(),
            labels: BTreeMap::new(),
            fields: BTreeMap::new(),
            params: BTreeMap::new(),
            active: true,
            allow_intrusive: false,
            allow_protocol_reads: false,
            vantage: false,
        }
    }

    /// The fact for what the agent said, with or without a version in the inventory; `asked` when it can be asked.
    fn told(agent: Reading, asked: bool, version: Option<&str>) -> Reading {
        let id = |text: &str| FactId::parse(text).unwrap();
        let names = DeviceSources { agent: id("snmp.product"), linux: id("linux.os_release") };
        let sources = Sources {
            facts: [(names.agent.clone(), agent)].into(),
            asked: if asked { [names.agent.clone()].into() } else { BTreeSet::new() },
            asset: &asset(version),
            zoning: &crate::inventory::Zoning::default(),
            windows: &[],
            register: None,
            asking: &BTreeSet::new(),
            dated: &BTreeSet::new(),
            recall: None,
            book: &crate::duties::Book::default(),
            lifecycle: &Lifecycle::builtin(),
            carried: &crate::feeds::Shelf::default(),
            now: chrono::DateTime::UNIX_EPOCH,
        };
        device(&names, &sources)
    }

    fn field(reading: &Reading, path: &str) -> String {
        match reading {
            Reading::Known(value) => value.at(path).map(ToString::to_string).unwrap_or_default(),
            Reading::Missing(missing) => missing.cause.to_string(),
            Reading::Absent(_) => "absent".into(),
        }
    }

    fn agent(fields: &[(&'static str, &str)]) -> Reading {
        Reading::Known(Value::map(fields.iter().map(|(key, text)| (*key, Value::text(text)))))
    }

    #[test]
    fn what_the_device_says_comes_before_what_was_written_down() {
        let said = agent(&[("vendor", "Cisco"), ("version", "15.2(7)E3"), ("scheme", "cisco")]);
        let device = told(said, true, Some("12.2"));
        let fields = ["vendor", "version", "scheme", "anchored"].map(|path| field(&device, path));
        assert_eq!(fields, ["Cisco", "15.2(7)E3", "cisco", "true"]);
    }

    #[test]
    fn the_inventory_tells_what_a_device_that_answers_leaves_open() {
        let device = told(agent(&[("model", "NPort 5110")]), true, Some("3.9"));
        let fields = ["vendor", "model", "version", "source.version", "scheme"].map(|path| field(&device, path));
        assert_eq!(fields, ["Written Down", "NPort 5110", "3.9", "inventory", "numeric"]);
    }

    #[test]
    fn a_silent_device_is_not_vouched_for_by_the_inventory() {
        let silent = || Reading::missing(Cause::Timeout, "no answer");
        assert_eq!(field(&told(silent(), true, Some("3.9")), "version"), "timeout");
        // one that cannot be asked at all has nothing else
        assert_eq!(field(&told(silent(), false, Some("3.9")), "version"), "3.9");
        assert_eq!(field(&told(silent(), false, None), "version"), "timeout");
    }

    #[test]
    fn a_device_without_a_version_is_known_but_not_anchored() {
        let device = told(agent(&[("vendor", "Moxa")]), true, None);
        let fields = ["vendor", "version", "scheme", "anchored"].map(|path| field(&device, path));
        assert_eq!(fields, ["Moxa", "", "", "false"]);
    }
}
