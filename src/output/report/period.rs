//! The span of time that a report is about.

use chrono::{DateTime, DurationRound, NaiveDate, NaiveTime, TimeDelta};
use serde::Serialize;

use crate::model::Time;

/// Longest period, in days; ten years are beyond any duty to keep records.
const LONGEST: i64 = 3_653;
/// Points of a trend; more would be noise on one line.
const MOST_POINTS: i64 = 92;

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// Its beginning.
    pub from: Time,
    /// Its end, never in the future; the report says how things stood then.
    pub until: Time,
}

/// Why a text is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// It is written otherwise.
    #[error("a period is written 30d, 12w, or FROM..TO with dates or times such as 2026-01-01..2026-03-31")]
    Shape,
    /// It is empty or begins in the future.
    #[error("the period ends before it begins, or begins in the future")]
    Empty,
    /// It is too long.
    #[error("a period has at most {LONGEST} days")]
    TooLong,
}

impl Period {
    /// Reads `30d` (the last 30 days), `12w`, or `FROM..TO`, each a time of RFC 3339 or a date, which means the whole day in
    /// UTC; without `TO` it ends now, and what lies in the future is left out.
    ///
    /// # Errors
    ///
    /// [`PeriodError`] says how it is written.
    pub fn parse(text: &str, now: Time) -> Result<Self, PeriodError> {
        let text = text.trim();
        let (from, until) = match text.split_once("..") {
            Some((from, "")) => (moment(from, false)?, now),
            Some((from, until)) => (moment(from, false)?, moment(until, true)?.min(now)),
            None => (now - last(text)?, now),
        };
        match until - from {
            length if length <= TimeDelta::zero() => Err(PeriodError::Empty),
            length if length > TimeDelta::days(LONGEST + 1) => Err(PeriodError::TooLong),
            _ => Ok(Self { from, until }),
        }
    }

    /// The ends of its days in UTC, of longer steps where those are many, of hours where they are few; and its own end.
    pub(super) fn ticks(self) -> Vec<Time> {
        let (hours, days) = ((self.until - self.from).num_hours(), (self.until - self.from).num_days());
        let (step, first) = if hours <= MOST_POINTS {
            (TimeDelta::hours(1), self.from.duration_trunc(TimeDelta::hours(1)).ok())
        } else {
            (TimeDelta::days((days + MOST_POINTS - 1) / MOST_POINTS), self.from.duration_trunc(TimeDelta::days(1)).ok())
        };
        let mut ticks = Vec::new();
        let mut next = first.and_then(|first| first.checked_add_signed(step));
        while let Some(tick) = next.filter(|tick| *tick < self.until) {
            ticks.push(tick);
            next = tick.checked_add_signed(step);
        }
        ticks.push(self.until);
        ticks
    }
}

fn last(text: &str) -> Result<TimeDelta, PeriodError> {
    let (number, days) = match text.char_indices().next_back() {
        Some((at, 'd')) => (&text[..at], 1),
        Some((at, 'w')) => (&text[..at], 7),
        _ => return Err(PeriodError::Shape),
    };
    let days = number.parse::<u16>().map_err(|_| PeriodError::Shape).map(|number| i64::from(number) * days)?;
    if days > LONGEST { Err(PeriodError::TooLong) } else { Ok(TimeDelta::days(days)) }
}

fn moment(text: &str, is_end: bool) -> Result<Time, PeriodError> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let day = text.parse::<NaiveDate>().map_err(|_| PeriodError::Shape)?;
    let day = if is_end { day.succ_opt().ok_or(PeriodError::Shape)? } else { day };
    Ok(day.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn told(text: &str) -> Result<(String, String), PeriodError> {
        Period::parse(text, at("2026-11-26T12:00:00Z"))
            .map(|period| (period.from.to_rfc3339(), period.until.to_rfc3339()))
    }

    #[test]
    fn a_date_means_the_whole_day_and_nothing_reaches_into_the_future() {
        let said = |from: &str, until: &str| Ok((from.to_owned(), until.to_owned()));
        let now = "2026-11-26T12:00:00+00:00";
        assert_eq!(told("30d"), said("2026-10-27T12:00:00+00:00", now));
        assert_eq!(told("2026-01-01..2026-03-31"), said("2026-01-01T00:00:00+00:00", "2026-04-01T00:00:00+00:00"));
        assert_eq!(told("2026-11-01.."), said("2026-11-01T00:00:00+00:00", now));
        assert_eq!(told("2026-11-01..2027-01-01"), said("2026-11-01T00:00:00+00:00", now));
        assert_eq!(
            told("2026-11-01T06:00:00+02:00..2026-11-02T00:00:00Z"),
            said("2026-11-01T04:00:00+00:00", "2026-11-02T00:00:00+00:00")
        );
    }

    #[test]
    fn what_is_no_period_is_refused_with_its_reason() {
        for text in ["", "d", "30", "30h", "-1d", "é", "..", "..2026-01-01", "2026-13-01..", "99999d"] {
            assert_eq!(told(text), Err(PeriodError::Shape), "{text}");
        }
        assert_eq!(told("0d"), Err(PeriodError::Empty));
        assert_eq!(told("2027-01-01..2027-02-01"), Err(PeriodError::Empty));
        assert_eq!(told("2026-03-01..2026-01-01"), Err(PeriodError::Empty));
        assert_eq!(told("9999w"), Err(PeriodError::TooLong));
        assert_eq!(told("1900-01-01.."), Err(PeriodError::TooLong));
    }

    #[test]
    fn a_trend_has_a_point_a_day_and_never_too_many() {
        let period = Period { from: at("2026-11-21T12:00:00Z"), until: at("2026-11-26T12:00:00Z") };
        let ticks = period.ticks();
        assert_eq!((ticks.len(), ticks[0], ticks[5]), (6, at("2026-11-22T00:00:00Z"), period.until));
        let day = Period { from: at("2026-11-25T12:30:00Z"), until: at("2026-11-25T15:00:00Z") };
        assert_eq!(day.ticks(), [at("2026-11-25T13:00:00Z"), at("2026-11-25T14:00:00Z"), day.until]);
        let year = Period { from: at("2025-11-26T00:00:00Z"), until: at("2026-11-26T00:00:00Z") };
        assert!((80..=93).contains(&year.ticks().len()), "{}", year.ticks().len());
    }
}
