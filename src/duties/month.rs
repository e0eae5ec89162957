//! "One month" as the law means it: the same day of a later month, its last day where that does not exist, at the same time, in UTC.

use chrono::Months;

use crate::model::Time;

/// The same day and time some months later, in UTC; the last day of a shorter month. `None` at the end of time.
///
/// Count from the first day each time and not from the result before: 31 January leads to 28 February and 31 March.
#[must_use]
pub fn months_after(start: Time, months: u32) -> Option<Time> {
    start.checked_add_months(Months::new(months))
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, TimeDelta, Timelike};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_ends_on_the_same_day_or_on_the_last_one() {
        for (start, end) in [
            ("2099-06-08T12:10:00Z", "2099-07-08T12:10:00Z"),
            ("2026-01-31T23:59:59Z", "2026-02-28T23:59:59Z"),
            ("2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("2028-02-29T08:00:00Z", "2028-03-29T08:00:00Z"),
            ("2026-12-31T10:00:00Z", "2027-01-31T10:00:00Z"),
            // the clocks of Europe change on 29 March and 25 October: nothing to see in UTC
            ("2026-03-28T01:30:00Z", "2026-04-28T01:30:00Z"),
            ("2026-09-25T00:30:00Z", "2026-10-25T00:30:00Z"),
            // an hour that comes twice in Copenhagen is two instants here
            ("2026-10-25T02:30:00+02:00", "2026-11-25T00:30:00Z"),
            ("2026-10-25T02:30:00+01:00", "2026-11-25T01:30:00Z"),
        ] {
            assert_eq!(months_after(at(start), 1), Some(at(end)), "{start}");
        }
        assert_eq!(months_after(at("2026-01-31T00:00:00Z"), 2), Some(at("2026-03-31T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn a_month_keeps_the_time_of_day_and_never_skips_a_month(seconds in 0_i64..7_000_000_000, months in 0_u32..48) {
            let start = Time::from_timestamp(seconds, 0).unwrap();
            let end = months_after(start, months).unwrap();
            prop_assert_eq!(end.time(), start.time());
            let number = |time: Time| i64::from(time.year()) * 12 + i64::from(time.month0());
            prop_assert_eq!(number(end) - number(start), i64::from(months));
            prop_assert!(end.day() <= start.day());
            // a shorter day of the month is always the last one
            if end.day() < start.day() {
                prop_assert_eq!((end + TimeDelta::days(1)).day(), 1);
            }
            prop_assert_eq!(end.second(), start.second());
        }

        #[test]
        fn a_later_start_never_ends_earlier(seconds in 0_i64..7_000_000_000, later in 0_i64..10_000_000) {
            let start = Time::from_timestamp(seconds, 0).unwrap();
            let after = start + TimeDelta::seconds(later);
            // within one day of the month the order is kept; the clamped days of a month fall together but for the time
            let (first, second) = (months_after(start, 1).unwrap(), months_after(after, 1).unwrap());
            prop_assert!(second.date_naive() >= first.date_naive());
        }
    }
}
