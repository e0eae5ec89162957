//! How a pair stands, as a person tells it: not every change of state is news.
//!
//! Pure: the history of a pair goes in, and what the last change means comes out. Not to see a fault any more is no
//! repair, so a pair that failed and cannot be seen now still stands as failed. Metrics and notices rest on this one
//! reading, so that both ways of alerting tell the same.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::model::{AssetId, CheckId, Time, Transition, Verdict};
use crate::store::{Past, Store, StoreError};

/// Pairs whose past is read at once.
const PAIRS: usize = 512;

/// Falls within this time of each other are counted, however often the pair is looked at.
pub(super) const UNREST: TimeDelta = TimeDelta::hours(1);
/// Intervals of the check within which falls are counted: what is looked at every six hours cannot fall twice in one.
pub(super) const UNREST_INTERVALS: u32 = 6;
/// So many falls, and the pair is said to flap: with the recovery between them these are three changes.
const FLAPS: usize = 2;

/// How a pair stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// Nothing speaks against it.
    #[default]
    Clear,
    /// It passed, and cannot be seen any more.
    Lost,
    /// It fails, and was never seen to pass.
    Found,
    /// It fails, and passed before.
    Drifted,
}

/// How a pair stands, with what the meaning of its next change depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Track {
    pub(super) standing: Standing,
    /// When it came to stand so; `None` before its first change.
    pub(super) since: Option<Time>,
    /// Whether it passed since it was first seen or last came to apply.
    has_passed: bool,
}

impl Track {
    /// The end of a past, oldest change first; it may begin anywhere.
    fn of(past: &Past) -> Self {
        let mut track = Self::default();
        past.turns.iter().for_each(|turn| track.go(turn.from, turn.to, turn.at));
        track
    }

    /// How a pair stands of which only the present state is known.
    pub(super) fn alone(verdict: Verdict, since: Time) -> Self {
        let mut track = Self::default();
        track.go(None, verdict, since);
        track
    }

    /// Whether it was seen to pass or to fail since it was first looked at.
    pub(super) fn was_seen(&self) -> bool {
        self.standing != Standing::Clear
    }

    /// Takes the next change.
    pub(super) fn go(&mut self, from: Option<Verdict>, to: Verdict, at: Time) {
        self.take_before(from);
        let before = self.standing;
        self.standing = before.next(to, self.has_passed);
        if self.standing != before || self.since.is_none() && self.standing != Standing::Clear {
            self.since = Some(at);
        }
        self.has_passed = match to {
            Verdict::NotApplicable => false,
            to => self.has_passed || to.passes() == Some(true),
        };
    }

    /// Reads what a change says about the time before it.
    fn take_before(&mut self, from: Option<Verdict>) {
        match from {
            // first sight, also of one that left the plan and came back
            None => (self.standing, self.has_passed) = (Standing::Clear, false),
            Some(Verdict::Fail) if self.since.is_none() && self.standing == Standing::Clear => {
                self.standing = Standing::Found;
            }
            Some(from) => self.has_passed |= from.passes() == Some(true),
        }
    }
}

/// How the pairs stand that fail or are unknown, by the ledger. How any other stands, its state says alone.
#[derive(Debug, Clone, Default)]
pub struct Standings(HashMap<(AssetId, CheckId), Track>);

impl Standings {
    /// Reads the ledger once, some hundred pairs at a time.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let (mut all, mut after) = (HashMap::new(), None);
        loop {
            let pasts = store.pasts(after, PAIRS).await?;
            let is_all = pasts.len() < PAIRS;
            after = pasts.last().map(|past| (past.asset.clone(), past.check.clone()));
            all.extend(Self::of(pasts).0);
            if is_all {
                return Ok(Self(all));
            }
        }
    }

    /// Reads these pasts.
    pub(super) fn of(pasts: Vec<Past>) -> Self {
        let track = |past: Past| {
            let track = Track::of(&past);
            ((past.asset, past.check), track)
        };
        Self(pasts.into_iter().map(track).collect())
    }

    /// How a pair stands that is in a state since some time.
    pub(super) fn track(&self, asset: &AssetId, check: &CheckId, verdict: Verdict, since: Time) -> Track {
        let known = (!verdict.is_conclusive()).then(|| self.0.get(&(asset.clone(), check.clone()))).flatten();
        known.copied().unwrap_or_else(|| Track::alone(verdict, since))
    }
}

/// What the last change of a pair means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Story {
    /// How the pair stood before.
    pub(super) before: Standing,
    /// How it stands now.
    pub(super) after: Standing,
    /// When it came to stand so.
    pub(super) since: Option<Time>,
    /// How often it came to fail within the time of unrest.
    falls: usize,
    /// Whether the last change is one of those.
    fell: bool,
}

impl Story {
    /// Reads the history of one pair, oldest first; it may begin anywhere. Falls count for as long as `unrest`.
    pub(super) fn of<'a>(history: impl DoubleEndedIterator<Item = &'a Transition> + Clone, unrest: TimeDelta) -> Self {
        let Some(last) = history.clone().next_back() else { return Self::default() };
        let (mut story, mut track) = (Self::default(), Track::default());
        for change in history {
            track.take_before(change.from);
            story.before = track.standing;
            track.go(change.from, change.to, change.at);
            // a fault that is seen again is no further fall
            story.fell = track.standing == Standing::Drifted && story.before != Standing::Drifted;
            story.falls += usize::from(story.fell && last.at - change.at < unrest);
        }
        (story.after, story.since) = (track.standing, track.since);
        story
    }

    /// The same when the pair leaves the plan: then it is no trouble any more.
    pub(super) fn left(self, at: Time) -> Self {
        Self { before: self.after, after: Standing::Clear, since: Some(at), ..Self::default() }
    }

    /// Whether the pair changes so often that each further change is no news.
    pub(super) fn flaps(&self) -> bool {
        self.falls >= FLAPS
    }

    /// Whether its last change is a fall that has to be called so, unless it is held back already.
    pub(super) fn falls_again(&self) -> bool {
        self.fell && self.flaps()
    }
}

impl Standing {
    fn next(self, to: Verdict, has_passed: bool) -> Self {
        match (self, to) {
            (Self::Drifted | Self::Found, Verdict::Fail | Verdict::Unknown(_)) | (Self::Lost, Verdict::Unknown(_)) => {
                self
            }
            (_, Verdict::Fail) if has_passed => Self::Drifted,
            (_, Verdict::Fail) => Self::Found,
            (_, Verdict::Unknown(_)) if has_passed => Self::Lost,
            _ => Self::Clear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssetId, Cause, CheckId, Severity, ZoneId};

    const UNKNOWN: Verdict = Verdict::Unknown(Cause::Timeout);

    /// A pair that went through these states, a minute each.
    fn story(states: &[Verdict]) -> Story {
        let from = std::iter::once(None).chain(states.iter().copied().map(Some));
        let changes: Vec<_> =
            (0..).zip(from.zip(states)).map(|(minute, (from, to))| change(from, *to, minute)).collect();
        Story::of(changes.iter(), UNREST)
    }

    fn change(from: Option<Verdict>, to: Verdict, minute: i64) -> Transition {
        Transition {
            asset: AssetId::parse("a").unwrap(),
            zone: ZoneId::parse("z").unwrap(),
            check: CheckId::parse("c").unwrap(),
            severity: Severity::High,
            from,
            to,
            reason: String::new(),
            at: Time::from_timestamp(1_780_000_000 + minute * 60, 0).unwrap(),
        }
    }

    fn turn(states: &[Verdict]) -> (Standing, Standing) {
        let story = story(states);
        (story.before, story.after)
    }

    #[test]
    fn only_what_passed_before_has_drifted() {
        use Verdict::{Fail, NotApplicable, Pass, Waived};
        assert_eq!(turn(&[Pass, Fail]), (Standing::Clear, Standing::Drifted));
        assert_eq!(turn(&[Pass, UNKNOWN, Fail]), (Standing::Lost, Standing::Drifted));
        assert_eq!(turn(&[Waived, Fail]), (Standing::Clear, Standing::Drifted));
        assert_eq!(turn(&[Fail]), (Standing::Clear, Standing::Found));
        assert_eq!(turn(&[UNKNOWN, Fail]), (Standing::Clear, Standing::Found));
        assert_eq!(turn(&[Pass, NotApplicable, Fail]), (Standing::Clear, Standing::Found));
    }

    #[test]
    fn a_fault_that_cannot_be_seen_any_more_is_not_mended() {
        use Verdict::{Fail, Pass};
        assert_eq!(turn(&[Pass, Fail, UNKNOWN]), (Standing::Drifted, Standing::Drifted));
        assert_eq!(turn(&[Pass, Fail, UNKNOWN, Fail]), (Standing::Drifted, Standing::Drifted));
        assert_eq!(turn(&[Pass, Fail, UNKNOWN, Pass]), (Standing::Drifted, Standing::Clear));
        assert_eq!(story(&[Pass, Fail, UNKNOWN]).since, Some(change(None, Pass, 1).at));
    }

    #[test]
    fn what_is_off_every_night_fails_since_the_day_it_began() {
        use Verdict::{Fail, Pass};
        let nights = std::iter::once(Pass).chain([Fail, UNKNOWN].into_iter().cycle().take(61));
        let story = story(&nights.collect::<Vec<_>>());
        assert_eq!((story.before, story.after), (Standing::Drifted, Standing::Drifted));
        assert_eq!(story.since, Some(change(None, Pass, 1).at));
    }

    #[test]
    fn a_fail_under_a_waiver_is_no_drift_and_one_that_is_accepted_ends() {
        use Verdict::{Fail, Pass, Waived};
        assert_eq!(turn(&[Pass, Waived]), (Standing::Clear, Standing::Clear));
        assert_eq!(turn(&[Pass, Fail, Waived]), (Standing::Drifted, Standing::Clear));
    }

    #[test]
    fn a_history_that_begins_in_the_middle_is_read_by_its_first_change() {
        let history = [change(Some(Verdict::Fail), UNKNOWN, 0), change(Some(UNKNOWN), Verdict::Pass, 1)];
        let story = Story::of(history.iter(), UNREST);
        assert_eq!((story.before, story.after), (Standing::Found, Standing::Clear));
        let story = Story::of([change(Some(Verdict::Pass), Verdict::Fail, 0)].iter(), UNREST);
        assert_eq!((story.before, story.after), (Standing::Clear, Standing::Drifted));
        assert_eq!(Story::of([].iter(), UNREST), Story::default());
    }

    #[test]
    fn three_changes_in_six_intervals_are_called_flapping() {
        use Verdict::{Fail, Pass};
        let mended = story(&[Pass, Fail, Pass]);
        assert!(!mended.flaps());
        let again = story(&[Pass, Fail, Pass, Fail]);
        assert!(again.flaps() && again.falls_again());
        let after = story(&[Pass, Fail, Pass, Fail, Pass]);
        assert!(after.flaps() && !after.falls_again());
    }

    #[test]
    fn what_is_looked_at_every_six_hours_flaps_as_well_as_what_is_looked_at_every_minute() {
        use Verdict::{Fail, Pass};
        let (from, to) = ([Pass, Fail, Pass], [Fail, Pass, Fail]);
        let every_six_hours: Vec<_> =
            (0..).zip(from.into_iter().zip(to)).map(|(at, (from, to))| change(Some(from), to, at * 360)).collect();
        assert!(Story::of(every_six_hours.iter(), TimeDelta::hours(36)).falls_again());
        assert!(!Story::of(every_six_hours.iter(), UNREST).flaps());
    }
}
