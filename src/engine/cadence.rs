//! When a check is due: an interval or a cron line, spread over the assets so that load stays flat.

use std::time::Duration;

use chrono::TimeDelta;

use crate::model::{AssetId, Calendar, Time};

/// Largest spread of a cron line: the operator named a time, so the assets follow close behind it.
const CRON_SPREAD: Duration = Duration::from_mins(10);
/// Share of a cron line's interval that the spread may take.
const CRON_SPREAD_SHARE: u32 = 10;

/// How often a check runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Cadence {
    /// At a fixed interval; the phase is a hash of the asset, so it survives a restart.
    Every(Duration),
    /// At the times of a cron line, each asset a little after it.
    Cron(Box<Calendar>),
}

impl Cadence {
    /// The first due time strictly after `after`; `None` only at the end of time.
    #[must_use]
    pub fn next_after(&self, asset: &AssetId, after: Time) -> Option<Time> {
        match self {
            Self::Every(period) => {
                let period = i64::try_from(period.as_millis()).ok()?.max(1);
                let phase = i64::try_from(hash(asset) % period.unsigned_abs()).ok()?;
                let passed = (after.timestamp_millis() - phase).div_euclid(period);
                Time::from_timestamp_millis(passed.checked_add(1)?.checked_mul(period)?.checked_add(phase)?)
            }
            Self::Cron(calendar) => {
                let offset = cron_offset(calendar, asset, after);
                calendar.next_after(after - offset).map(|fires| fires + offset)
            }
        }
    }

    /// The usual time between two runs. A judgement older than twice this is stale.
    #[must_use]
    pub fn interval(&self, now: Time) -> Duration {
        match self {
            Self::Every(period) => *period,
            Self::Cron(calendar) => calendar.interval(now),
        }
    }
}

fn cron_offset(calendar: &Calendar, asset: &AssetId, now: Time) -> TimeDelta {
    let spread = CRON_SPREAD.min(calendar.interval(now) / CRON_SPREAD_SHARE);
    let millis = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX).max(1);
    TimeDelta::milliseconds(i64::try_from(hash(asset) % millis).unwrap_or(0))
}

/// FNV-1a, because the spread must be the same after a restart and on every machine.
fn hash(asset: &AssetId) -> u64 {
    asset
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn an_interval_keeps_its_phase_over_a_restart_and_differs_between_assets() {
        let cadence = Cadence::Every(Duration::from_hours(1));
        let (one, two) = (AssetId::parse("plc-1").unwrap(), AssetId::parse("plc-2").unwrap());
        let first = cadence.next_after(&one, at("2026-11-23T10:00:00Z")).unwrap();
        assert_eq!(cadence.next_after(&one, first - TimeDelta::seconds(1)), Some(first));
        assert_eq!(cadence.next_after(&one, first), Some(first + TimeDelta::hours(1)));
        assert_ne!(cadence.next_after(&two, at("2026-11-23T10:00:00Z")).unwrap(), first);
    }

    #[test]
    fn a_cron_line_is_followed_within_minutes() {
        let cadence = Cadence::Cron(Box::new(Calendar::parse("0 3 * * *", chrono_tz::UTC).unwrap()));
        let asset = AssetId::parse("plc-1").unwrap();
        let due = cadence.next_after(&asset, at("2026-11-23T10:00:00Z")).unwrap();
        assert!(due >= at("2026-11-24T03:00:00Z") && due < at("2026-11-24T03:10:00Z"), "{due}");
        assert_eq!(cadence.next_after(&asset, due), Some(due + TimeDelta::days(1)));
    }

    #[test]
    fn ten_thousand_assets_spread_evenly() {
        let cadence = Cadence::Every(Duration::from_mins(10));
        let start = at("2026-11-23T10:00:00Z");
        let mut minutes = [0_u32; 10];
        for n in 0..10_000 {
            let due = cadence.next_after(&AssetId::parse(&format!("asset-{n}")).unwrap(), start).unwrap();
            minutes[usize::try_from((due - start).num_minutes().min(9)).unwrap()] += 1;
        }
        assert!(minutes.iter().all(|count| (850..1150).contains(count)), "{minutes:?}");
    }
}
