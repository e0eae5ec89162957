//! Row steps that look beyond a row: at another table of the same answer, or at the clock of the device.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::model::Value;

type Fields = BTreeMap<Arc<str>, Value>;

/// Hundredths of a second in a day.
const TICKS_A_DAY: f64 = 8_640_000.0;
/// Where the clock of an SNMP agent begins anew.
const WRAP: i64 = 1 << 32;

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

/// `elapsed: { field: last_change, until: uptime, to: idle_days }`: rows get the days from the time in their `field` to the
/// device's clock, both in hundredths of a second since it started.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Elapsed {
    field: Arc<str>,
    until: String,
    to: Arc<str>,
}

/// What a step has found outside of the rows.
#[derive(Debug)]
pub(super) enum Beyond {
    /// Nothing, or nothing is needed.
    Nothing,
    /// The rows of the other table by what they are looked up with; the first of several.
    Partners(BTreeMap<String, Value>),
    /// The device's clock.
    Clock(i64),
}

impl Join {
    /// Looks the other table up.
    pub(super) fn beyond(&self, whole: &Value) -> Beyond {
        let mut partners = BTreeMap::new();
        for row in whole.at(&self.with).and_then(Value::as_list).unwrap_or_default() {
            if let Some(key) = row.at(&self.on) {
                partners.entry(key.to_string()).or_insert_with(|| row.clone());
            }
        }
        Beyond::Partners(partners)
    }

    /// Adds the fields of its partner to a row; what the row has already stays.
    pub(super) fn apply(&self, fields: &mut Fields, beyond: &Beyond) {
        let Beyond::Partners(partners) = beyond else { return };
        let partner = fields.get(&self.field).and_then(|value| partners.get(&value.to_string()));
        for name in &self.take {
            if let Some(value) = partner.and_then(|partner| partner.at(name)) {
                fields.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

impl Elapsed {
    /// Reads the clock.
    pub(super) fn beyond(&self, whole: &Value) -> Beyond {
        whole.at(&self.until).and_then(ticks).map_or(Beyond::Nothing, Beyond::Clock)
    }

    /// Adds the days, where both times can be read.
    pub(super) fn apply(&self, fields: &mut Fields, beyond: &Beyond) {
        let (Beyond::Clock(now), Some(then)) = (beyond, fields.get(&self.field).and_then(ticks)) else { return };
        #[expect(clippy::cast_precision_loss, reason = "a clock of 32 bits fits a double")]
        let days = (now - then).rem_euclid(WRAP) as f64 / TICKS_A_DAY;
        fields.insert(self.to.clone(), Value::Float(days));
    }
}

fn ticks(value: &Value) -> Option<i64> {
    value.as_int().filter(|ticks| (0..WRAP).contains(ticks))
}
