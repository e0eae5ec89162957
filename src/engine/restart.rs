//! When a device last started, from the clocks that its SNMP agent shows.
//!
//! Each clock is a lower bound: an agent that has run for a day runs on a device that has. Two of the three count
//! hundredths of a second and begin anew after 497 days, so a small number alone proves no restart.

use chrono::TimeDelta;

use crate::model::{Cause, Reading, Time, Value, Window, WindowEffect};

/// Hundredths of a second in a second.
const TICKS: i64 = 100;
/// Largest number of a clock; RFC 3411 section 5 bounds the slowest one so.
const LARGEST: i64 = u32::MAX as i64;

/// The clocks with the seconds that they show: field, what it is the clock of, units in a second.
const CLOCKS: [(&str, &str, i64); 3] =
    [("engine_time", "engine", 1), ("host_uptime", "host", TICKS), ("uptime", "agent", TICKS)];

/// Fields: `up_hours` (at least so long), `restarted_at` (not after it), `by` (whose clock said it), `certain` (the clock did not just
/// begin anew), `planned` (in a window without alerts), and `unbroken_hours` where earlier visits show how long it ran on.
pub(super) fn restart(clocks: &Value, windows: &[Window], now: Time) -> Reading {
    let read = |(field, whose, units): &(&str, &'static str, i64)| {
        let number = clocks.get(field)?.as_int().filter(|number| (0..=LARGEST).contains(number))?;
        Some((number / units, *whose))
    };
    let shown: Vec<(i64, &str)> = CLOCKS.iter().filter_map(read).collect();
    let Some((up, whose)) = shown.iter().max_by_key(|(seconds, _)| *seconds).copied() else {
        return Reading::missing(Cause::NoData, "the agent shows no clock; allow it to read the system group");
    };
    let restarted_at = now - TimeDelta::seconds(up);
    let change = |field: &str| clocks.at(&format!("change.{field}"));
    let is_slow = shown.iter().any(|(_, whose)| *whose == "engine");
    let began_anew = change("restarted").and_then(Value::as_bool);
    let planned = windows.iter().any(|window| window.is_open(WindowEffect::NoAlert, restarted_at));
    let mut fields = vec![
        ("up_hours", hours(up)),
        ("restarted_at", Value::text(restarted_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))),
        ("by", Value::text(whose)),
        ("certain", Value::Bool(is_slow || began_anew == Some(true))),
        ("planned", Value::Bool(planned)),
    ];
    if let (Some(false), Some(hours)) = (began_anew, change("hours")) {
        fields.push(("unbroken_hours", hours.clone()));
    }
    fields.extend(clocks.get("boots").map(|boots| ("boots", boots.clone())));
    Reading::Known(Value::map(fields))
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a clock of 32 bits fit a double")]
fn hours(seconds: i64) -> Value {
    Value::Float(seconds as f64 / 3600.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Calendar;

    fn now() -> Time {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn restart(clocks: &str) -> serde_json::Value {
        let window = Window {
            name: "sunday".into(),
            opens: Calendar::parse("0 2 * * 1", chrono_tz::Tz::UTC).unwrap(),
            lasts: Duration::from_hours(2),
            effects: vec![WindowEffect::NoAlert],
        };
        let clocks: Value = serde_json::from_str(clocks).unwrap();
        super::restart(&clocks, &[window], now()).known().unwrap().to_json()
    }

    #[test]
    fn the_longest_clock_is_the_least_that_the_device_has_run() {
        let found = restart(r#"{"uptime": 360000, "host_uptime": 36000000, "engine_time": 3600}"#);
        assert_eq!((&found["up_hours"], &found["by"]), (&100.0.into(), &"host".into()), "only the agent restarted");
        assert_eq!(found["restarted_at"], "2026-11-19T08:00:00Z");
    }

    #[test]
    fn a_restart_in_a_window_without_alerts_is_planned() {
        // Monday, 2026-11-23, 03:00
        let found = restart(r#"{"uptime": 3240000, "engine_time": 32400, "boots": 7}"#);
        assert_eq!((&found["planned"], &found["certain"], &found["boots"]), (&true.into(), &true.into(), &7.into()));
        let found = restart(r#"{"uptime": 360000, "engine_time": 3600}"#);
        assert_eq!((&found["planned"], &found["restarted_at"]), (&false.into(), &"2026-11-23T11:00:00Z".into()));
    }

    #[test]
    fn a_clock_that_begins_anew_by_itself_proves_no_restart() {
        let found = restart(r#"{"uptime": 360000}"#);
        assert_eq!((&found["certain"], found.get("unbroken_hours")), (&false.into(), None));
        let found = restart(r#"{"uptime": 360000, "change": {"restarted": false, "hours": 24.5}}"#);
        assert_eq!((&found["certain"], &found["unbroken_hours"]), (&false.into(), &24.5.into()));
        let found = restart(r#"{"uptime": 360000, "change": {"restarted": true, "hours": 24.5}}"#);
        assert_eq!((&found["certain"], found.get("unbroken_hours")), (&true.into(), None));
    }

    #[test]
    fn a_clock_that_shows_nonsense_is_no_clock() {
        for clocks in ["{}", r#"{"uptime": -5, "engine_time": "long"}"#, r#"{"uptime": 9000000000000000000}"#] {
            let clocks: Value = serde_json::from_str(clocks).unwrap();
            assert!(matches!(super::restart(&clocks, &[], now()), Reading::Missing(_)), "{clocks}");
        }
    }
}
