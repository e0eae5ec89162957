//! The clock of Article 23: which report of an incident is due when, and how that went.
//!
//! Pure: the deadlines are data, the present is an argument. All of it is reckoned in UTC, where no hour is missing and none
//! comes twice.

use std::path::Path;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::incident::{Incident, Significance};
use super::month::months_after;
use super::page::Page;
use crate::model::{EntryId, Problems, Time};

/// The deadlines of the directive.
const STANDARD: &str = include_str!("../../checks/data/reporting-deadlines.yaml");
/// Its name in messages.
const STANDARD_NAME: &str = "checks/data/reporting-deadlines.yaml";
/// The key of the list.
const KEY: &str = "deadlines";
/// How far ahead of us the clock of a reporter may be.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);
/// Progress reports that are reckoned with; ten years of them.
const MOST_PROGRESS: u32 = 120;

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Article 23(4)(a).
    EarlyWarning,
    /// Article 23(4)(b).
    Notification,
    /// Article 23(4)(c), on request.
    IntermediateReport,
    /// Article 23(4)(e).
    ProgressReport,
    /// Article 23(4)(d).
    FinalReport,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 5] =
        [Self::EarlyWarning, Self::Notification, Self::IntermediateReport, Self::ProgressReport, Self::FinalReport];

    /// The word in files, labels and commands.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::EarlyWarning => "early_warning",
            Self::Notification => "notification",
            Self::IntermediateReport => "intermediate_report",
            Self::ProgressReport => "progress_report",
            Self::FinalReport => "final_report",
        }
    }

    /// The stage that a word names; `-` and `_` are the same.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.replace('-', "_");
        Self::ALL.into_iter().find(|stage| stage.word() == word)
    }
}

/// A span of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Hours(u32),
    Months(u32),
}

impl Span {
    /// The end of `times` such spans in a row.
    fn after(self, start: Time, times: u32) -> Option<Time> {
        match self {
            Self::Hours(hours) => start.checked_add_signed(TimeDelta::hours(i64::from(hours) * i64::from(times))),
            Self::Months(months) => months_after(start, months.checked_mul(times)?),
        }
    }
}

/// By when each report is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlines {
    early_warning: Span,
    notification: Span,
    final_report: Span,
    progress_report: Span,
    final_after_handling: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: EntryId,
    hours: Option<u32>,
    months: Option<u32>,
    #[serde(default, rename = "reference")]
    _reference: String,
}

impl Default for Deadlines {
    /// Those of the directive.
    fn default() -> Self {
        let mut problems = Problems::new();
        let page = Page::parse(Path::new(STANDARD_NAME), STANDARD, KEY, &mut problems);
        page.and_then(read).expect("the deadlines inside the program were read by a test")
    }
}

impl Deadlines {
    /// Reads a file that replaces those of the directive.
    pub(super) fn load(file: &Path, problems: &mut Problems) -> Option<Self> {
        Page::load(file, KEY, problems).and_then(read)
    }
}

fn read(mut page: Page<'_>) -> Option<Deadlines> {
    const NAMES: [&str; 5] =
        ["early_warning", "notification", "final_report", "progress_report", "final_after_handling"];
    let mut spans: [Option<Span>; 5] = [None; 5];
    for found in page.entries::<Entry>(KEY) {
        let entry = &found.value;
        let Some(slot) = NAMES.iter().position(|name| *name == entry.id.as_str()) else {
            page.wrong(
                &found,
                "id",
                "there is no such deadline",
                "known: early_warning, notification, final_report, progress_report, final_after_handling",
            );
            continue;
        };
        match (entry.hours, entry.months) {
            (Some(hours @ 1..=8_784), None) => spans[slot] = Some(Span::Hours(hours)),
            (None, Some(months @ 1..=12)) => spans[slot] = Some(Span::Months(months)),
            _ => page.wrong(&found, "", "exactly one of hours (1 to 8784) and months (1 to 12) is expected", ""),
        }
    }
    for (name, span) in NAMES.iter().zip(spans) {
        if span.is_none() {
            page.lacks(KEY, format!("the deadline {name:?} is missing or wrong"));
        }
    }
    let [
        Some(early_warning),
        Some(notification),
        Some(final_report),
        Some(progress_report),
        Some(final_after_handling),
    ] = spans
    else {
        return None;
    };
    Some(Deadlines { early_warning, notification, final_report, progress_report, final_after_handling })
}

/// How it stands with one report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It went out in time.
    Met,
    /// It went out late.
    Late,
    /// There is time left.
    Due,
    /// It should have gone out.
    Overdue,
    /// It is owed, and its deadline is not known yet: it counts from something that has not happened.
    Open,
}

impl Progress {
    /// The word in lists and facts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Late => "late",
            Self::Due => "due",
            Self::Overdue => "overdue",
            Self::Open => "open",
        }
    }
}

/// One report that is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty {
    /// Which.
    pub stage: Stage,
    /// By when, where that is known.
    pub due: Option<Time>,
    /// Whether that is the latest possible moment, because what it counts from has not happened and is itself still due.
    pub is_latest: bool,
    /// When it went out.
    pub sent: Option<Time>,
    /// How it stands.
    pub progress: Progress,
}

impl Duty {
    fn new(stage: Stage, due: Option<Time>, sent: Option<Time>, now: Time) -> Self {
        let progress = match (due, sent) {
            (Some(due), Some(sent)) if sent > due => Progress::Late,
            (_, Some(_)) => Progress::Met,
            (Some(due), None) if now > due => Progress::Overdue,
            (Some(_), None) => Progress::Due,
            (None, None) => Progress::Open,
        };
        Self { stage, due, is_latest: false, sent, progress }
    }
}

/// What is owed for an incident at a moment, in the order of the stages; nothing for one that is not significant, or of
/// which that is not decided. A report that is said to have gone out in the future has not.
#[must_use]
pub fn duties_of(incident: &Incident, deadlines: &Deadlines, now: Time) -> Vec<Duty> {
    if incident.significant != Significance::Yes {
        return Vec::new();
    }
    let happened = |time: Option<Time>| time.filter(|time| *time <= now + CLOCK_SKEW);
    let start = incident.clock_starts();
    let notified = happened(incident.notification_at);
    let mut owed = vec![
        Duty::new(
            Stage::EarlyWarning,
            deadlines.early_warning.after(start, 1),
            happened(incident.early_warning_at),
            now,
        ),
        Duty::new(Stage::Notification, deadlines.notification.after(start, 1), notified, now),
    ];
    // Article 23(4)(c) names no time for a report on request
    if happened(incident.intermediate_requested_at).is_some() {
        owed.push(Duty::new(Stage::IntermediateReport, None, happened(incident.intermediate_sent_at), now));
    }
    let ending = Ending {
        notified,
        handled: happened(incident.closed_at),
        finished: happened(incident.final_report_at),
        reports: incident.progress_report_at.iter().copied().filter(|time| happened(Some(*time)).is_some()).collect(),
    };
    owed.extend(ending.progress(deadlines, now));
    let latest = owed[1].due.filter(|_| notified.is_none()).and_then(|due| deadlines.final_report.after(due, 1));
    let due = ending.final_due(deadlines, now).or(latest);
    owed.push(Duty { is_latest: latest.is_some(), ..Duty::new(Stage::FinalReport, due, ending.finished, now) });
    owed
}

/// What decides the last stages of an incident.
struct Ending {
    notified: Option<Time>,
    handled: Option<Time>,
    finished: Option<Time>,
    reports: Vec<Time>,
}

impl Ending {
    /// Whether the incident was, or for all that is known will be, going on at a time.
    fn goes_on_at(&self, time: Time) -> bool {
        self.handled.is_none_or(|handled| handled > time)
    }

    /// One month after the notification; where the incident goes on then, one month after its handling has ended.
    fn final_due(&self, deadlines: &Deadlines, now: Time) -> Option<Time> {
        let first = deadlines.final_report.after(self.notified?, 1)?;
        let is_past = now > first && self.finished.is_none_or(|finished| finished > first);
        if is_past && self.goes_on_at(first) {
            return deadlines.final_after_handling.after(self.handled?, 1);
        }
        Some(first)
    }

    /// A progress report for each month that ends while the incident goes on, the first that is still to come included once a
    /// month has passed. One report stands for one month, the oldest that still lacks one: what was missed for nine months is
    /// not made good by a single letter. The final report ends them all.
    fn progress(&self, deadlines: &Deadlines, now: Time) -> Vec<Duty> {
        let Some(notified) = self.notified else { return Vec::new() };
        let (mut owed, mut begin) = (Vec::new(), notified);
        let mut reports = self.reports.clone();
        reports.sort_unstable();
        let mut unused = reports.into_iter().peekable();
        for month in 1..=MOST_PROGRESS {
            let Some(due) = deadlines.progress_report.after(notified, month) else { break };
            if !self.goes_on_at(due) || self.finished.is_some_and(|finished| finished <= due) {
                break;
            }
            // a second report within a month that has one already says nothing of the next
            while unused.next_if(|sent| *sent <= begin).is_some() {}
            let sent = unused.next().or(self.finished);
            // before the first month is over the final report itself is expected; a progress report may take its place
            if month > 1 || sent.is_some() || now > due {
                owed.push(Duty::new(Stage::ProgressReport, Some(due), sent, now));
            }
            if now <= due {
                break;
            }
            begin = due;
        }
        owed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn significant(aware: &str) -> Incident {
        let id = EntryId::parse("inc-1").unwrap();
        Incident { significant: Significance::Yes, ..Incident::new(id, "x".into(), at(aware)) }
    }

    fn told(incident: &Incident, now: &str) -> Vec<String> {
        let tell = |duty: Duty| {
            let due = duty.due.map_or("-".to_owned(), |due| due.format("%m-%dT%H:%M").to_string());
            format!("{} {} {due}", duty.stage.word(), duty.progress.word())
        };
        duties_of(incident, &Deadlines::default(), at(now)).into_iter().map(tell).collect()
    }

    #[test]
    fn the_clock_runs_from_becoming_aware() {
        let incident = significant("2099-04-01T06:10:00Z");
        assert_eq!(
            told(&incident, "2099-04-01T07:00:00Z"),
            ["early_warning due 04-02T06:10", "notification due 04-04T06:10", "final_report due 05-04T06:10"]
        );
        assert_eq!(told(&incident, "2099-04-02T06:10:00Z")[0], "early_warning due 04-02T06:10");
        assert_eq!(told(&incident, "2099-04-02T06:10:01Z")[0], "early_warning overdue 04-02T06:10");
    }

    #[test]
    fn twenty_four_hours_are_that_also_when_clocks_change() {
        // 29 March 2026: Copenhagen has 23 hours; 25 October 2026: 25 hours
        for (aware, due) in [
            ("2026-03-28T12:00:00+01:00", "2026-03-29T13:00:00+02:00"),
            ("2026-10-24T12:00:00+02:00", "2026-10-25T11:00:00+01:00"),
            ("2028-02-28T23:30:00Z", "2028-02-29T23:30:00Z"),
        ] {
            let duties = duties_of(&significant(aware), &Deadlines::default(), at(aware));
            assert_eq!(duties[0].due, Some(at(due)), "{aware}");
        }
    }

    #[test]
    fn a_late_notification_is_late_and_starts_the_month() {
        let mut incident = significant("2099-06-05T10:10:00Z");
        incident.early_warning_at = Some(at("2099-06-05T20:00:00Z"));
        incident.notification_at = Some(at("2099-06-08T12:10:00Z"));
        assert_eq!(
            told(&incident, "2099-06-20T00:00:00Z"),
            ["early_warning met 06-06T10:10", "notification late 06-08T10:10", "final_report due 07-08T12:10"]
        );
    }

    #[test]
    fn an_incident_that_is_handled_in_time_ends_with_its_final_report() {
        let mut incident = significant("2099-04-01T06:10:00Z");
        incident.early_warning_at = Some(at("2099-04-01T19:00:00Z"));
        incident.notification_at = Some(at("2099-04-03T16:00:00Z"));
        incident.final_report_at = Some(at("2099-05-02T10:00:00Z"));
        incident.closed_at = Some(at("2099-04-20T00:00:00Z"));
        assert_eq!(
            told(&incident, "2099-08-01T00:00:00Z"),
            ["early_warning met 04-02T06:10", "notification met 04-04T06:10", "final_report met 05-03T16:00"]
        );
        incident.final_report_at = None;
        assert_eq!(told(&incident, "2099-08-01T00:00:00Z")[2], "final_report overdue 05-03T16:00");
    }

    #[test]
    fn while_it_goes_on_a_progress_report_is_due_each_month_and_the_final_one_a_month_after_its_end() {
        let mut incident = significant("2099-01-29T00:00:00Z");
        incident.early_warning_at = Some(at("2099-01-29T01:00:00Z"));
        incident.notification_at = Some(at("2099-01-31T00:00:00Z"));
        let tail = |incident: &Incident, now: &str| told(incident, now)[2..].to_vec();
        assert_eq!(tail(&incident, "2099-02-10T00:00:00Z"), ["final_report due 02-28T00:00"]);
        assert_eq!(
            tail(&incident, "2099-03-01T00:00:00Z"),
            ["progress_report overdue 02-28T00:00", "progress_report due 03-31T00:00", "final_report open -"]
        );
        incident.progress_report_at = vec![at("2099-02-27T00:00:00Z")];
        assert_eq!(
            tail(&incident, "2099-03-01T00:00:00Z"),
            ["progress_report met 02-28T00:00", "progress_report due 03-31T00:00", "final_report open -"]
        );
        incident.closed_at = Some(at("2099-03-20T00:00:00Z"));
        assert_eq!(
            tail(&incident, "2099-03-21T00:00:00Z"),
            ["progress_report met 02-28T00:00", "final_report due 04-20T00:00"]
        );
    }

    #[test]
    fn one_report_makes_good_one_missed_month() {
        let mut incident = significant("2099-01-01T00:00:00Z");
        incident.early_warning_at = Some(at("2099-01-01T01:00:00Z"));
        incident.notification_at = Some(at("2099-01-02T00:00:00Z"));
        incident.progress_report_at = vec![at("2099-11-20T00:00:00Z")];
        let words = |incident: &Incident| {
            let all = duties_of(incident, &Deadlines::default(), at("2099-11-21T00:00:00Z"));
            let of_months = all.into_iter().filter(|duty| duty.stage == Stage::ProgressReport);
            of_months.map(|duty| duty.progress.word()).collect::<Vec<_>>()
        };
        let expected = ["late"].into_iter().chain(["overdue"; 9]).chain(["due"]).collect::<Vec<_>>();
        assert_eq!(words(&incident), expected);
        // two in one month, both within it: the second is not that of the next
        incident.progress_report_at = vec![at("2099-01-20T00:00:00Z"), at("2099-01-25T00:00:00Z")];
        assert_eq!(words(&incident)[..2], ["met", "overdue"]);
        // the final report is the end of them all
        incident.final_report_at = Some(at("2099-11-20T00:00:00Z"));
        assert!(!words(&incident).contains(&"overdue"));
    }

    #[test]
    fn a_report_from_the_future_has_not_gone_out() {
        let mut incident = significant("2099-04-01T06:10:00Z");
        incident.early_warning_at = Some(at("2099-04-01T23:00:00Z"));
        assert_eq!(told(&incident, "2099-04-01T12:00:00Z")[0], "early_warning due 04-02T06:10");
    }

    #[test]
    fn what_is_not_significant_owes_nothing() {
        let mut incident = significant("2099-04-01T06:10:00Z");
        incident.significant = Significance::Undecided;
        assert!(told(&incident, "2099-06-01T00:00:00Z").is_empty());
    }

    #[test]
    fn a_file_of_deadlines_must_have_all_of_them() {
        let mut problems = Problems::new();
        let text = "schema_version: 1\ndeadlines:\n  - {id: early_warning, hours: 12}\n  - {id: notification, hours: 0}\n  - {id: finale, months: 1}\n";
        let page = Page::parse(Path::new("d.yaml"), text, KEY, &mut problems).unwrap();
        assert!(read(page).is_none());
        let said = problems.to_string();
        for wanted in
            ["d.yaml:4:5: deadlines[1]: exactly one", "there is no such deadline", "\"final_report\" is missing"]
        {
            assert!(said.contains(wanted), "{said}");
        }
    }

    proptest! {
        /// Time only makes things worse: what is overdue stays owed, and what was met or late stays so.
        #[test]
        fn states_only_move_forward(
            aware in 1_000_000_000_i64..4_000_000_000,
            warning in proptest::option::of(0_i64..400_000),
            notification in proptest::option::of(0_i64..800_000),
            closed in proptest::option::of(0_i64..20_000_000),
            (first, second) in (0_i64..30_000_000, 0_i64..30_000_000),
        ) {
            let time = |offset: i64| Time::from_timestamp(aware + offset, 0).unwrap();
            let mut incident = significant("2099-04-01T06:10:00Z");
            incident.aware_at = time(0);
            incident.early_warning_at = warning.map(time);
            incident.notification_at = notification.map(time);
            incident.closed_at = closed.map(time);
            let (before, after) = (time(first.min(second)), time(first.max(second)));
            let deadlines = Deadlines::default();
            let (early, late) = (duties_of(&incident, &deadlines, before), duties_of(&incident, &deadlines, after));
            for stage in [Stage::EarlyWarning, Stage::Notification] {
                let find = |list: &[Duty]| list.iter().find(|duty| duty.stage == stage).unwrap().progress;
                let settled = |progress| matches!(progress, Progress::Met | Progress::Late);
                prop_assert!(!settled(find(&early)) || find(&early) == find(&late));
                if find(&early) == Progress::Overdue {
                    prop_assert!(matches!(find(&late), Progress::Overdue | Progress::Late));
                }
            }
            for duty in late {
                if let (Some(due), Some(sent)) = (duty.due, duty.sent) {
                    prop_assert_eq!(duty.progress == Progress::Late, sent > due);
                }
            }
        }
    }
}
