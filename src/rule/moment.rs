//! Points in time and spans as facts and checks write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use crate::model::{Time, Value};

const SECONDS_A_DAY: f64 = 86_400.0;

/// Reads RFC 3339, `YYYY-MM-DD` (midnight UTC), `YYYY-MM-DD hh:mm:ss` (UTC) or Unix seconds.
pub(super) fn time_of(value: &Value) -> Option<Time> {
    match value {
        Value::Text(text) => of_text(text.trim()),
        Value::Int(seconds) => DateTime::from_timestamp(*seconds, 0),
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are enough; the cast saturates")]
        Value::Float(seconds) => DateTime::from_timestamp(*seconds as i64, 0),
        _ => None,
    }
}

fn of_text(text: &str) -> Option<Time> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day.and_time(NaiveTime::MIN).and_utc());
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S") {
        return Some(time.and_utc());
    }
    DateTime::from_timestamp(text.parse().ok()?, 0)
}

/// Days from `time` to `now`; negative when it lies ahead.
pub(super) fn days_since(time: Time, now: Time) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "seconds of any calendar date fit a double exactly")]
    let seconds = (now.timestamp() - time.timestamp()) as f64;
    seconds / SECONDS_A_DAY
}

/// Reads a span in days: a number, or a number with `m`, `h`, `d`, `w` or `y` (365 days).
pub(super) fn days_of(value: &Value) -> Option<f64> {
    let days = match value {
        Value::Text(text) => {
            let text = text.trim();
            let (number, unit) =
                text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
            let unit = match unit.trim() {
                "m" | "min" => 1.0 / 1440.0,
                "h" => 1.0 / 24.0,
                "" | "d" => 1.0,
                "w" => 7.0,
                "y" => 365.0,
                _ => return None,
            };
            number.parse::<f64>().ok()? * unit
        }
        number => super::sameness::number(number)?,
    };
    (days.is_finite() && days >= 0.0).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_spelling() {
        let expected = "2026-01-02T00:00:00Z".parse::<Time>().unwrap();
        for value in [
            Value::text("2026-01-02T01:00:00+01:00"),
            Value::text("2026-01-02"),
            Value::text("2026-01-02 00:00:00"),
            Value::Int(1_767_312_000),
            Value::text("1767312000"),
            Value::Float(1_767_312_000.4),
        ] {
            assert_eq!(time_of(&value), Some(expected), "{value}");
        }
        for value in [Value::text("yesterday"), Value::Int(i64::MAX), Value::Float(f64::NAN), Value::Bool(true)] {
            let _ = time_of(&value);
        }
        assert_eq!(time_of(&Value::Int(i64::MAX)), None);
    }

    #[test]
    fn spans_have_units() {
        for (text, days) in [("30d", 30.0), ("12h", 0.5), ("2w", 14.0), ("1440m", 1.0), ("7", 7.0), ("1y", 365.0)] {
            assert!((days_of(&Value::text(text)).unwrap() - days).abs() < 1e-9, "{text}");
        }
        for text in ["", "d", "-3d", "3 parsecs", "1e400"] {
            assert_eq!(days_of(&Value::text(text)), None, "{text}");
        }
    }
}
