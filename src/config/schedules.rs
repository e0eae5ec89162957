//! Named schedules: what the file says over what the check catalogue recommends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::engine::{self, Cadence};
use crate::model::Calendar;

/// Shortest interval; anything faster is no monitoring.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longest interval; a year is what audits ask for.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// Schedules that exist without being written, with the interval for IT and for fragile assets
/// (check catalogue section 1, "Default schedule").
const DEFAULTS: [(&str, Duration, Duration); 10] = [
    ("reachability", Duration::from_mins(15), Duration::from_hours(1)),
    ("counters", Duration::from_mins(5), Duration::from_mins(15)),
    ("snmp", Duration::from_mins(30), Duration::from_hours(6)),
    ("exposure", Duration::from_hours(1), Duration::from_hours(24)),
    ("certificates", Duration::from_hours(24), Duration::from_hours(24)),
    ("posture", Duration::from_hours(6), Duration::from_hours(24)),
    ("segmentation", Duration::from_hours(1), Duration::from_hours(6)),
    ("derived", Duration::from_mins(15), Duration::from_mins(15)),
    ("deadlines", Duration::from_mins(1), Duration::from_mins(1)),
    ("attestations", Duration::from_hours(1), Duration::from_hours(1)),
];

/// One schedule as written: a cron line, `{ every: 30m }`, or one of them each for `it` and `ot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleEntry {
    /// The same for all assets.
    Same(Rhythm),
    /// Fragile assets have their own.
    Split {
        /// For IT assets.
        it: Rhythm,
        /// For fragile assets.
        ot: Rhythm,
    },
}

/// A cron line or an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rhythm {
    /// A cron line, in the time zone of the configuration.
    Cron(String),
    /// An interval; assets are spread over it.
    Every(Duration),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    cron: Option<String>,
    #[serde(default, with = "humantime_serde")]
    every: Option<Duration>,
    it: Option<Rhythm>,
    ot: Option<Rhythm>,
}

impl Fields {
    fn rhythm(self) -> Result<Rhythm, &'static str> {
        match self {
            Self { cron: Some(line), every: None, it: None, ot: None } => Ok(Rhythm::Cron(line)),
            Self { cron: None, every: Some(every), it: None, ot: None } => Ok(Rhythm::Every(every)),
            _ => Err("exactly one of the keys cron and every is expected"),
        }
    }

    fn schedule(self) -> Result<ScheduleEntry, &'static str> {
        match self {
            Self { cron: None, every: None, it: Some(it), ot: Some(ot) } => Ok(ScheduleEntry::Split { it, ot }),
            Self { cron: None, every: None, it, ot } if it.is_some() || ot.is_some() => Err("it and ot come together"),
            same => same
                .rhythm()
                .map(ScheduleEntry::Same)
                .map_err(|_| "a schedule is a cron line, { every: 30m }, or { it: …, ot: … } with one of them each"),
        }
    }
}

macro_rules! line_or_map {
    ($name:ident, $line:expr, $fields:expr, $words:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Either;
                impl<'de> Visitor<'de> for Either {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($words)
                    }
                    fn visit_str<E>(self, line: &str) -> Result<$name, E> {
                        Ok($line(line.to_owned()))
                    }
                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
                        $fields(fields).map_err(serde::de::Error::custom)
                    }
                }
                deserializer.deserialize_any(Either)
            }
        }
    };
}
line_or_map!(Rhythm, Rhythm::Cron, Fields::rhythm, "a cron line or { every: 30m }");
line_or_map!(
    ScheduleEntry,
    |line| ScheduleEntry::Same(Rhythm::Cron(line)),
    Fields::schedule,
    "a cron line, { every: 30m } or { it: …, ot: … }"
);

impl Rhythm {
    pub(super) fn cadence(&self, timezone: Tz) -> Result<Arc<Cadence>, String> {
        match self {
            Self::Cron(line) => Calendar::parse(line, timezone)
                .map(|calendar| Arc::new(Cadence::Cron(Box::new(calendar))))
                .map_err(|error| error.to_string()),
            Self::Every(every) if (SHORTEST..=LONGEST).contains(every) => Ok(Arc::new(Cadence::Every(*every))),
            Self::Every(_) => Err("an interval lies between 1s and 366 days".to_owned()),
        }
    }
}

/// All schedules, ready to be asked.
#[derive(Debug, Clone)]
pub struct Schedules(BTreeMap<String, Pair>);

#[derive(Debug, Clone)]
struct Pair {
    standard: Arc<Cadence>,
    fragile: Arc<Cadence>,
}

impl Pair {
    /// In place of a schedule that was refused; nothing ever runs by it.
    fn stand_in() -> Self {
        let cadence = Arc::new(Cadence::Every(LONGEST));
        Self { standard: Arc::clone(&cadence), fragile: cadence }
    }
}

impl Default for Schedules {
    fn default() -> Self {
        let every = |interval| Arc::new(Cadence::Every(interval));
        let pair = |(name, it, ot): (&str, Duration, Duration)| {
            (name.to_owned(), Pair { standard: every(it), fragile: every(ot) })
        };
        Self(DEFAULTS.into_iter().map(pair).collect())
    }
}

impl Schedules {
    /// The defaults with those of the file over them; mistakes are reported with the name of the schedule.
    pub(super) fn new(
        entries: &BTreeMap<String, ScheduleEntry>,
        timezone: Tz,
        mut report: impl FnMut(&str, String),
    ) -> Self {
        let mut all = Self::default();
        for (name, entry) in entries {
            let (it, ot) = match entry {
                ScheduleEntry::Same(rhythm) => (rhythm, rhythm),
                ScheduleEntry::Split { it, ot } => (it, ot),
            };
            match (it.cadence(timezone), ot.cadence(timezone)) {
                (Ok(standard), Ok(fragile)) => {
                    all.0.insert(name.clone(), Pair { standard, fragile });
                }
                (Err(message), _) | (_, Err(message)) => {
                    report(name, message);
                    // it is defined, if badly: that checks name it is no further mistake
                    all.0.entry(name.clone()).or_insert_with(Pair::stand_in);
                }
            }
        }
        all
    }

    /// The names that a check may use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl engine::Schedules for Schedules {
    fn cadence(&self, schedule: &str, fragile: bool) -> Option<Arc<Cadence>> {
        let pair = self.0.get(schedule)?;
        Some(Arc::clone(if fragile { &pair.fragile } else { &pair.standard }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Schedules as _;

    #[test]
    fn fragile_assets_are_asked_less_often_by_default() {
        let schedules = Schedules::default();
        for (name, ..) in DEFAULTS {
            let interval = |fragile| match *schedules.cadence(name, fragile).unwrap() {
                Cadence::Every(interval) => interval,
                Cadence::Cron(_) => unreachable!(),
            };
            assert!(interval(true) >= interval(false), "{name}");
        }
        assert_eq!(schedules.cadence("never", false), None);
    }

    #[test]
    fn the_file_wins_over_the_defaults() {
        let every = |minutes| Rhythm::Every(Duration::from_mins(minutes));
        let entries = BTreeMap::from([
            ("posture".to_owned(), ScheduleEntry::Split { it: every(10), ot: Rhythm::Cron("0 3 * * *".into()) }),
            ("fast".to_owned(), ScheduleEntry::Same(Rhythm::Every(Duration::from_millis(1)))),
            ("typo".to_owned(), ScheduleEntry::Same(Rhythm::Cron("0 3 * *".into()))),
        ]);
        let mut wrong = Vec::new();
        let schedules = Schedules::new(&entries, Tz::UTC, |name, _| wrong.push(name.to_owned()));
        assert_eq!(wrong, ["fast", "typo"]);
        assert_eq!(*schedules.cadence("posture", false).unwrap(), Cadence::Every(Duration::from_mins(10)));
        assert!(matches!(*schedules.cadence("posture", true).unwrap(), Cadence::Cron(_)));
    }
}
