//! A row step that looks fields up in another table of the same answer, as SNMP tables refer to one another.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::model::Value;

type Fields = BTreeMap<Arc<str>, Value>;

/// `join: { with: ports, field: port, on: index, take: [ifindex] }`: rows get the fields of the row of the other table
/// whose `on` has the value of their `field`. A row without a partner stays as it is and lacks the fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    with: String,
    field: Arc<str>,
    #[serde(default = "index")]
    on: Arc<str>,
    take: Vec<Arc<str>>,
}

fn index() -> Arc<str> {
    Arc::from("index")
}

/// The rows of the other table by what they are looked up with; the first of several.
#[derive(Debug, Default)]
pub(super) struct Partners(BTreeMap<String, Value>);

impl Join {
    /// Looks the other table up.
    pub(super) fn partners(&self, whole: &Value) -> Partners {
        let mut partners = BTreeMap::new();
        for row in whole.at(&self.with).and_then(Value::as_list).unwrap_or_default() {
            if let Some(key) = row.at(&self.on) {
                partners.entry(key.to_string()).or_insert_with(|| row.clone());
            }
        }
        Partners(partners)
    }

    /// Adds the fields of its partner to a row; what the row has already stays.
    pub(super) fn apply(&self, fields: &mut Fields, partners: &Partners) {
        let partner = fields.get(&self.field).and_then(|value| partners.0.get(&value.to_string()));
        for name in &self.take {
            if let Some(value) = partner.and_then(|partner| partner.at(name)) {
                fields.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}
