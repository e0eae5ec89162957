//! Days and moments as people write them, and what is wrong where they cannot be read.

use chrono::{DateTime, NaiveDate, NaiveTime, Timelike as _};

use super::end_of;
use crate::model::Time;

/// Longest part of a text that a message repeats, in characters.
const SHOWN: usize = 40;

/// Reads a moment: RFC 3339 with `Z` or an offset.
///
/// # Errors
///
/// It is none, in words: the day does not exist, the time of day or the offset is missing, a second 60.
pub fn moment(text: &str) -> Result<Time, String> {
    let text = text.trim();
    match DateTime::parse_from_rfc3339(text) {
        // the parser keeps a leap second as more than a whole second of nanoseconds, and prints it back as one
        Ok(time) if time.nanosecond() >= 1_000_000_000 => {
            Err(format!("{}: leap seconds are not kept; write second 59", shown(text)))
        }
        Ok(time) => Ok(time.to_utc()),
        Err(_) => Err(why_no_moment(text)),
    }
}

/// Reads a moment from which something holds: a day alone means its first instant in UTC.
pub(super) fn beginning(text: &str) -> Result<Time, String> {
    match bare_day(text) {
        Some(day) => Ok(day.and_time(NaiveTime::MIN).and_utc()),
        None => moment(text),
    }
}

/// Reads a moment until which something holds: a day alone means the whole of it in UTC.
///
/// # Errors
///
/// It is neither, in words.
pub fn ending(text: &str) -> Result<Time, String> {
    match bare_day(text) {
        Some(day) => end_of(day).ok_or_else(|| format!("{} is beyond the calendar", shown(text))),
        None => moment(text),
    }
}

/// Reads a day, `YYYY-MM-DD`.
pub(super) fn day(text: &str) -> Result<NaiveDate, String> {
    let text = text.trim();
    bare_day(text).ok_or_else(|| match date_shape(text) {
        Some((date, "")) => no_such_day(date),
        _ => format!("{} is no day such as 2026-11-26", shown(text)),
    })
}

fn bare_day(text: &str) -> Option<NaiveDate> {
    let (date, rest) = date_shape(text.trim())?;
    if rest.is_empty() { date.parse().ok() } else { None }
}

/// What looks like `YYYY-MM-DD`, and what follows it.
fn date_shape(text: &str) -> Option<(&str, &str)> {
    let (date, rest) = text.split_at_checked(10)?;
    let is_date = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_date.then_some((date, rest))
}

fn why_no_moment(text: &str) -> String {
    const WANTED: &str = "such as 2026-11-26T08:00:00Z (RFC 3339, with Z or an offset)";
    match date_shape(text) {
        Some((date, _)) if date.parse::<NaiveDate>().is_err() => no_such_day(date),
        Some((_, "")) => format!("{} is a day without a time of day; write a time {WANTED}", shown(text)),
        _ => format!("{} is no time {WANTED}", shown(text)),
    }
}

fn no_such_day(date: &str) -> String {
    format!("there is no day {date} in the calendar")
}

fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(SHOWN).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        moment(text).unwrap_err()
    }

    #[test]
    fn what_is_wrong_with_a_time_is_said() {
        for day in ["2026-02-30", "2026-02-30T08:00:00Z", "2027-02-29T00:00:00+01:00", "2026-13-01"] {
            assert!(refusal(day).contains("there is no day"), "{}", refusal(day));
        }
        assert!(refusal("2026-02-28").contains("without a time of day"));
        assert!(refusal("2026-12-31T23:59:60Z").contains("second 59"));
        for odd in ["tomorrow", "2026-02-28T08:00:00", "2026-02-28 08:00", "2026-02-28T25:00:00Z", "é026-02-28", ""] {
            assert!(refusal(odd).contains("is no time such as"), "{}", refusal(odd));
        }
    }

    #[test]
    fn a_day_alone_is_the_whole_of_it() {
        assert_eq!(ending("2027-02-28").unwrap(), moment("2027-03-01T00:00:00Z").unwrap());
        assert_eq!(beginning(" 2027-02-28 ").unwrap(), moment("2027-02-28T00:00:00Z").unwrap());
        assert_eq!(ending("2027-02-28T01:00:00+01:00").unwrap(), moment("2027-02-28T00:00:00Z").unwrap());
        assert!(ending("2027-02-29").unwrap_err().contains("there is no day 2027-02-29"));
    }

    #[test]
    fn a_day_that_does_not_exist_is_told_from_what_is_no_day() {
        assert_eq!(day("2026-02-30").unwrap_err(), "there is no day 2026-02-30 in the calendar");
        assert_eq!(day("31.12.2027").unwrap_err(), "\"31.12.2027\" is no day such as 2026-11-26");
        assert!(day("2028-02-29").is_ok());
    }
}
