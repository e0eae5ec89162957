//! Cron lines and windows on wall-clock time, with the two daylight-saving nights resolved by us.
//!
//! The `cron` crate by itself skips 02:30 on the spring night and fires twice on the autumn night; so it is
//! run on wall-clock time and each wall-clock time is turned into an instant here: a time inside the gap
//! becomes the end of the gap, a time that occurs twice is its first occurrence.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::Time;

/// A line must fire within this span, or it is refused as one that never fires; covers 29 February.
const HORIZON_YEARS: i64 = 9;

/// Why a cron line was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Not five or six fields, nor a nickname.
    #[error("{0:?} has {1} fields; a cron line has 5 (minute hour day month weekday) or 6 (with seconds first)")]
    Fields(String, usize),
    /// A field that cron does not understand.
    #[error("{line:?} is no cron line: {problem}")]
    Syntax {
        /// The line as written.
        line: String,
        /// Which field it is, in one line.
        problem: String,
    },
    /// A date that does not exist, such as 31 February.
    #[error("{0:?} never fires")]
    Never(String),
}

/// A cron line in a time zone.
#[derive(Clone)]
pub struct Calendar {
    line: String,
    zone: Tz,
    schedule: cron::Schedule,
}

impl Calendar {
    /// Reads a line of 5 or 6 fields (weekdays 0–7 with Sunday as 0 and 7, or names) or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    ///
    /// # Errors
    ///
    /// [`CalendarError`], also for a line that never fires.
    pub fn parse(line: &str, zone: Tz) -> Result<Self, CalendarError> {
        let text = line.trim();
        let six = if text.starts_with('@') { text.to_owned() } else { six_fields(text)? };
        let schedule = cron::Schedule::from_str(&six)
            .map_err(|_| CalendarError::Syntax { line: line.to_owned(), problem: wrong_field(text, &six) })?;
        let calendar = Self { line: text.to_owned(), zone, schedule };
        let epoch = DateTime::from_timestamp(1_704_067_200, 0).unwrap_or_default();
        match calendar.next_after(epoch) {
            Some(first) if first - epoch < TimeDelta::days(366 * HORIZON_YEARS) => Ok(calendar),
            _ => Err(CalendarError::Never(line.to_owned())),
        }
    }

    /// The first instant strictly after `after` at which the line fires.
    #[must_use]
    pub fn next_after(&self, after: Time) -> Option<Time> {
        // start a little earlier than the wall clock of `after`: in the repeated hour the wall clock runs behind
        let wall = after.with_timezone(&self.zone).naive_local() - TimeDelta::hours(2);
        let stand_in = Utc.from_utc_datetime(&wall);
        self.schedule
            .after(&stand_in)
            .take(100_000)
            .map(|wall| self.resolve(wall.naive_utc()))
            .find(|time| *time > after)
    }

    /// The shortest gap between two fires, looked for over the next fires after `after`; a check of this
    /// schedule is stale when it is older than twice that.
    #[must_use]
    pub fn interval(&self, after: Time) -> Duration {
        let mut times = std::iter::successors(self.next_after(after), |time| self.next_after(*time)).take(8);
        let Some(mut last) = times.next() else { return Duration::MAX };
        let mut longest = TimeDelta::zero();
        for time in times {
            longest = longest.max(time - last);
            last = time;
        }
        longest.to_std().unwrap_or(Duration::MAX)
    }

    fn resolve(&self, wall: NaiveDateTime) -> Time {
        let mut local = wall;
        loop {
            if let Some(time) = self.zone.from_local_datetime(&local).earliest() {
                return time.with_timezone(&Utc);
            }
            // inside the gap: step to its end, which lies on a whole minute in every zone in use today
            local = local.date().and_time(chrono::NaiveTime::MIN)
                + TimeDelta::minutes(1 + (local - local.date().and_time(chrono::NaiveTime::MIN)).num_minutes());
        }
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calendar({:?}, {})", self.line, self.zone)
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line && self.zone == other.zone
    }
}

fn six_fields(text: &str) -> Result<String, CalendarError> {
    let mut fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    match fields.len() {
        5 => fields.insert(0, "0".to_owned()),
        6 => {}
        n => return Err(CalendarError::Fields(text.to_owned(), n)),
    }
    fields[5] = weekdays(&fields[5]);
    Ok(fields.join(" "))
}

/// Names the field that is wrong, which the crate does not: each is tried by itself.
fn wrong_field(written: &str, six: &str) -> String {
    const NAMES: [&str; 6] = ["second", "minute", "hour", "day", "month", "weekday"];
    let fields: Vec<&str> = six.split_whitespace().collect();
    let is_wrong = |at: usize| {
        let mut line = ["*"; 6];
        line[at] = fields[at];
        cron::Schedule::from_str(&line.join(" ")).is_err()
    };
    if fields.len() != NAMES.len() {
        return "known names are @hourly, @daily, @weekly, @monthly and @yearly".to_owned();
    }
    let Some(wrong) = (0..NAMES.len()).find(|at| is_wrong(*at)) else { return "it cannot be read".to_owned() };
    // counted from the end, where both have the same fields
    let field = written.split_whitespace().nth_back(NAMES.len() - 1 - wrong).unwrap_or_default();
    format!("{field:?} is no {}", NAMES[wrong])
}

/// Turns Unix weekday numbers (Sunday 0 and 7) into names, because the crate counts Sunday as 1.
fn weekdays(field: &str) -> String {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let name = |text: &str| {
        text.parse::<usize>().ok().and_then(|n| NAMES.get(n)).map_or_else(|| text.to_owned(), |name| (*name).to_owned())
    };
    let part = |part: &str| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let range = match range.split_once('-') {
            // "5-7" and "5-0" wrap over Sunday, which the crate has first: spell the days out
            Some((from, "0" | "7")) => {
                let from = from.parse::<usize>().unwrap_or(0).min(7);
                (from..=7).map(|day| NAMES[day]).collect::<Vec<_>>().join(",")
            }
            Some((from, to)) => format!("{}-{}", name(from), name(to)),
            None => name(range),
        };
        step.map_or(range.clone(), |step| format!("{range}/{step}"))
    };
    field.split(',').map(part).collect::<Vec<_>>().join(",")
}

/// What a window changes; a window may have several effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowEffect {
    /// Nothing is sent; due checks are unknown with cause `window`.
    NoTraffic,
    /// Transitions are recorded but raise no alert.
    NoAlert,
    /// Checks of impact "avoid" may run on assets that opted in.
    Intrusive,
    /// What differs from an approved baseline is a planned change.
    Change,
}

impl WindowEffect {
    /// The word used in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoTraffic => "no_traffic",
            Self::NoAlert => "no_alert",
            Self::Intrusive => "intrusive",
            Self::Change => "change",
        }
    }
}

/// A recurring span of time with effects.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its name, for messages.
    pub name: String,
    /// When it opens.
    pub opens: Calendar,
    /// How long it stays open.
    pub lasts: Duration,
    /// What it changes.
    pub effects: Vec<WindowEffect>,
}

impl Window {
    /// Whether it is open at `now` with that effect.
    #[must_use]
    pub fn is_open(&self, effect: WindowEffect, now: Time) -> bool {
        let Ok(lasts) = TimeDelta::from_std(self.lasts) else { return false };
        self.effects.contains(&effect) && self.opens.next_after(now - lasts).is_some_and(|opened| opened <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(line: &str) -> Calendar {
        Calendar::parse(line, chrono_tz::Europe::Berlin).unwrap()
    }
    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }
    fn fires(line: &str, from: &str, count: usize) -> Vec<String> {
        let calendar = berlin(line);
        std::iter::successors(calendar.next_after(at(from)), |time| calendar.next_after(*time))
            .take(count)
            .map(|time| time.with_timezone(&chrono_tz::Europe::Berlin).format("%d %H:%M %z").to_string())
            .collect()
    }

    #[test]
    fn the_spring_night_runs_at_the_end_of_the_gap() {
        assert_eq!(fires("30 2 * * *", "2026-03-28T12:00:00Z", 2), ["29 03:00 +0200", "30 02:30 +0200"]);
    }

    #[test]
    fn the_autumn_night_runs_once_and_in_order() {
        assert_eq!(fires("30 2 * * *", "2026-10-24T12:00:00Z", 2), ["25 02:30 +0200", "26 02:30 +0100"]);
        let calendar = berlin("*/30 * * * *");
        let mut last = at("2026-10-24T22:00:00Z");
        for _ in 0..20 {
            let next = calendar.next_after(last).unwrap();
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn sunday_is_zero_and_seven() {
        assert_eq!(fires("0 6 * * 0", "2026-11-23T00:00:00Z", 1), ["29 06:00 +0100"]);
        assert_eq!(fires("0 6 * * 7", "2026-11-23T00:00:00Z", 1), ["29 06:00 +0100"]);
        assert_eq!(fires("0 6 * * 1-5", "2026-11-27T12:00:00Z", 1), ["30 06:00 +0100"]);
        assert_eq!(fires("0 6 * * 6-7", "2026-11-23T00:00:00Z", 2), ["28 06:00 +0100", "29 06:00 +0100"]);
    }

    #[test]
    fn a_line_that_never_fires_is_refused() {
        assert!(matches!(Calendar::parse("0 0 31 2 *", Tz::UTC), Err(CalendarError::Never(_))));
        assert!(matches!(Calendar::parse("1 2 3", Tz::UTC), Err(CalendarError::Fields(_, 3))));
        let refused = |line: &str| Calendar::parse(line, Tz::UTC).unwrap_err().to_string();
        assert_eq!(refused("61 * * * *"), "\"61 * * * *\" is no cron line: \"61\" is no minute");
        assert!(refused("0 3 * * Fnu").ends_with("\"Fnu\" is no weekday"));
        assert!(refused("0 3 * * 9").ends_with("\"9\" is no weekday"));
        assert!(refused("99 0 3 * * 1").ends_with("\"99\" is no second"));
        assert!(refused("@nightly").contains("@daily"), "{}", refused("@nightly"));
        assert!(Calendar::parse("0 0 29 2 *", Tz::UTC).is_ok());
    }

    #[test]
    fn a_window_is_open_from_its_start_for_its_length() {
        let window = Window {
            name: "weekend".into(),
            opens: berlin("0 22 * * 6"),
            lasts: Duration::from_hours(4),
            effects: vec![WindowEffect::NoTraffic],
        };
        assert!(window.is_open(WindowEffect::NoTraffic, at("2026-11-28T23:00:00Z")));
        assert!(!window.is_open(WindowEffect::NoAlert, at("2026-11-28T23:00:00Z")));
        assert!(!window.is_open(WindowEffect::NoTraffic, at("2026-11-29T01:00:00Z")));
        assert!(!window.is_open(WindowEffect::NoTraffic, at("2026-11-28T20:59:59Z")));
    }
}
