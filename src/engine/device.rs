//! What a device is: its own word first, the inventory for what it does not say.
//!
//! A version of the inventory counts only where the device answered, or cannot be asked at all: while it is silent, what
//! was once written down proves nothing.

use std::collections::BTreeMap;

use super::derive::Sources;
use crate::catalog::{DeviceSources, identity_text};
use crate::model::{Asset, Cause, Reading, Value};

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
    known(&names.linux).into_iter().for_each(|release| told.linux(release));
    known(&names.agent).into_iter().for_each(|product| told.agent(product));
    told.inventory(sources.asset, silent.is_some());
    let anchored = told.fields.contains_key("version");
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
