//! SNMP objects: scalars by name, tables by column.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::cell::Types;
use super::row_index::RowIndex;
use crate::model::{Value, Varbind};

/// An object identifier in dotted form, as numbers, so that tables sort as SNMP does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Oid(Vec<u32>);

impl Oid {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('.').unwrap_or(text);
        (text.len() <= 1024).then_some(())?;
        text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>().map(Self)
    }

    fn below(&self, base: &[u32]) -> Option<&[u32]> {
        self.0.strip_prefix(base).filter(|rest| !rest.is_empty())
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no object identifier such as 1.3.6.1")))
    }
}

/// One table: the columns under a base, and what the index of a row says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    base: Oid,
    columns: BTreeMap<Arc<str>, Oid>,
    #[serde(default)]
    index: RowIndex,
}

/// Reads varbinds into a map of scalars and of lists of rows. What the agent does not have is absent; a
/// table without a single row is absent too, because an empty walk does not tell "none" from "not shown".
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Snmp {
    scalars: BTreeMap<Arc<str>, Oid>,
    rows: BTreeMap<Arc<str>, Rows>,
    types: Types,
}

impl Snmp {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.scalars.is_empty() && self.rows.is_empty() {
            return Err("name at least one of `scalars` and `rows`".to_owned());
        }
        if let Some(name) = self.scalars.keys().find(|name| self.rows.contains_key(*name)) {
            return Err(format!("`{name}` is both a scalar and a table"));
        }
        match self.rows.values().find_map(Rows::twice) {
            Some(name) => Err(format!("`{name}` is both a column and a part of the index")),
            None => Ok(()),
        }
    }

    /// `keep_empty` keeps tables without rows as empty lists.
    pub(super) fn extract(&self, varbinds: &[Varbind], keep_empty: bool) -> Value {
        let objects: BTreeMap<Oid, &Value> = varbinds
            .iter()
            .filter(|varbind| varbind.value != Value::Null)
            .filter_map(|varbind| Some((Oid::parse(&varbind.oid)?, &varbind.value)))
            .collect();
        let mut fields: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        for (name, oid) in &self.scalars {
            if let Some(value) = objects.get(oid) {
                fields.insert(name.clone(), self.types.cast(name, value));
            }
        }
        for (name, rows) in &self.rows {
            let rows = rows.collect(&objects, &self.types);
            if keep_empty || !rows.is_empty() {
                fields.insert(name.clone(), Value::list(rows));
            }
        }
        Value::Map(Arc::new(fields))
    }
}

impl Rows {
    fn twice(&self) -> Option<&Arc<str>> {
        self.index.names().find(|name| &***name == "index" || self.columns.contains_key(*name))
    }

    fn collect(&self, objects: &BTreeMap<Oid, &Value>, types: &Types) -> Vec<Value> {
        let mut rows: BTreeMap<&[u32], BTreeMap<Arc<str>, Value>> = BTreeMap::new();
        for (name, column) in &self.columns {
            let base = Oid([self.base.0.as_slice(), column.0.as_slice()].concat());
            let under = objects.range(base.clone()..).take_while(|(oid, _)| oid.0.starts_with(&base.0));
            for (oid, value) in under {
                if let Some(index) = oid.below(&base.0) {
                    rows.entry(index).or_default().insert(name.clone(), types.cast(name, value));
                }
            }
        }
        let row = |(index, mut fields): (&[u32], BTreeMap<Arc<str>, Value>)| {
            fields.extend(self.index.read(index));
            let index: Vec<String> = index.iter().map(u32::to_string).collect();
            fields.insert(Arc::from("index"), Value::text(index.join(".")));
            Value::Map(Arc::new(fields))
        };
        rows.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "
scalars: { descr: 1.3.6.1.2.1.1.1.0, name: .1.3.6.1.2.1.1.5.0 }
rows:
  interfaces: { base: 1.3.6.1.2.1.2.2, columns: { descr: '1.2', status: '1.8' } }
types: { status: text }
";

    fn varbind(oid: &str, value: impl Into<Value>) -> Varbind {
        Varbind { oid: oid.to_owned(), value: value.into() }
    }

    #[test]
    fn scalars_and_rows_are_read_in_numeric_order() {
        let spec: Snmp = serde_saphyr::from_str(SPEC).unwrap();
        let value = spec.extract(
            &[
                varbind("1.3.6.1.2.1.1.1.0", "switch"),
                Varbind { oid: "1.3.6.1.2.1.1.5.0".to_owned(), value: Value::Null },
                varbind("1.3.6.1.2.1.2.2.1.2.10", "eth10"),
                varbind("1.3.6.1.2.1.2.2.1.2.2", "eth2"),
                varbind("1.3.6.1.2.1.2.2.1.8.2", 1_i64),
                varbind("1.3.6.1.2.1.2.2.1.20.2", "other column"),
                varbind("not.an.oid", "x"),
            ],
            false,
        );
        assert_eq!(value.get("descr"), Some(&Value::text("switch")));
        assert_eq!(value.get("name"), None, "noSuchObject is absent");
        let rows = value.get("interfaces").unwrap().as_list().unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].get("index"), Some(&Value::text("2")));
        assert_eq!(rows[0].get("status"), Some(&Value::text("1")));
        assert_eq!(rows[1].get("status"), None);
    }

    #[test]
    fn an_empty_walk_is_absent_unless_said_otherwise() {
        let spec: Snmp = serde_saphyr::from_str(SPEC).unwrap();
        assert_eq!(spec.extract(&[], false), Value::map::<&str>([]));
        assert_eq!(spec.extract(&[], true).get("interfaces"), Some(&Value::list([])));
    }

    #[test]
    fn a_row_tells_what_its_index_stands_for() {
        let spec = "{rows: {macs: {base: 1.3.6.1, columns: {port: '2'}, index: [{vlan: int}, {mac: mac}]}}}";
        let spec: Snmp = serde_saphyr::from_str(spec).unwrap();
        let macs =
            spec.extract(&[varbind("1.3.6.1.2.10.0.27.27.255.0.1", 3_i64), varbind("1.3.6.1.2.9", 1_i64)], false);
        let macs = macs.get("macs").unwrap().as_list().unwrap();
        assert_eq!(macs[0].get("mac"), None, "an index of another form yields nothing");
        assert_eq!(macs[1].get("mac"), Some(&Value::text("00:1b:1b:ff:00:01")));
        assert_eq!(macs[1].get("vlan"), Some(&Value::Int(10)));
        assert_eq!(macs[1].get("index"), Some(&Value::text("10.0.27.27.255.0.1")));
    }

    #[test]
    fn a_table_is_checked_at_load() {
        assert!(serde_saphyr::from_str::<Snmp>("{scalars: {a: 1.3.x}}").is_err());
        let twice = "{rows: {a: {base: 1.3.6, columns: {port: '1'}, index: [{port: int}]}}}";
        assert!(serde_saphyr::from_str::<Snmp>(twice).unwrap().check().is_err());
    }
}
