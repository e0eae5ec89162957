//! What is to be told to one receiver: reads the ledger from where it stopped, and holds back what must wait.
//!
//! The ledger is the queue: what could not be told is still there after a restart, and the place up to which everything
//! is told is a note in the store. Held back is what happens in a window of `no_alert`, until it closes, and what
//! flaps, until it has stood still; then it is told what has become of it in the end, if that is news.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::notice::{Change, Kind, Notice};
use super::settings::Receiver;
use crate::engine::Plan;
use crate::model::{AssetId, CheckId, Severity, Time, Transition, Verdict, WindowEffect};
use crate::output::story::{Standing, Story, UNREST, UNREST_INTERVALS};
use crate::store::{ChainRecord, Filter, LedgerRecord, Store, StoreError};

/// Records of the ledger that are read at once.
const CHUNK: usize = 500;
/// Changes of a pair that are read at once; more within the time of unrest are flapping anyhow.
const HISTORY: usize = 32;
/// Pairs that are held back at most; what is beyond is told at once.
const MOST_HELD: usize = 20_000;
/// What is looked at once a week or less need not stand still for months until its end is told.
const MOST_UNREST: TimeDelta = TimeDelta::days(7);
/// Kinds of records that are news.
const TRANSITION: &str = "transition";
const LEFT: &str = "left";

/// A pair that is held back.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Held {
    asset: AssetId,
    check: CheckId,
    /// How the receiver believes it to stand.
    before: Standing,
    /// The state when holding began.
    from: String,
    /// Its last change.
    seq: u64,
    /// Not before this.
    until: Time,
    /// Whether it is on its way.
    #[serde(skip)]
    is_released: bool,
}

/// What is remembered of a receiver.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Bookmark {
    after: u64,
    held: Vec<Held>,
}

/// The desk of one receiver.
pub(super) struct Desk {
    receiver: Arc<Receiver>,
    store: Arc<dyn Store>,
    /// The ledger was read up to here.
    read: u64,
    held: BTreeMap<(AssetId, CheckId), Held>,
    saved: String,
}

impl Desk {
    /// Opens it where it was left; a new receiver is told of what happens from now on.
    pub(super) async fn open(receiver: Arc<Receiver>, store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let saved = store.note(&name(&receiver)).await?.unwrap_or_default();
        let bookmark: Bookmark = match serde_json::from_str(&saved) {
            Ok(bookmark) => bookmark,
            Err(_) => Bookmark { after: store.head().await?.map_or(0, |head| head.seq), held: Vec::new() },
        };
        let held = bookmark.held.into_iter().map(|held| ((held.asset.clone(), held.check.clone()), held)).collect();
        let mut desk = Self { receiver, store, read: bookmark.after, held, saved };
        desk.keep(desk.read).await?;
        Ok(desk)
    }

    /// Where the ledger was read up to.
    pub(super) const fn place(&self) -> u64 {
        self.read
    }

    /// How many pairs are held back.
    pub(super) fn held(&self) -> usize {
        self.held.values().filter(|held| !held.is_released).count()
    }

    /// Remembers that everything up to a record is told.
    pub(super) async fn keep(&mut self, done: u64) -> Result<(), StoreError> {
        let bookmark = Bookmark { after: done, held: self.held.values().cloned().collect() };
        let text = serde_json::to_string(&bookmark).expect("texts, numbers and times are always JSON");
        if text != self.saved {
            self.store.keep_note(&name(&self.receiver), &text).await?;
            self.saved = text;
        }
        Ok(())
    }

    /// Notes that a notice has been told, or given up.
    pub(super) fn told(&mut self, notice: &Notice) {
        let pair = (notice.asset.clone(), notice.check.clone());
        if notice.was_held && self.held.get(&pair).is_some_and(|held| held.is_released && held.seq == notice.id) {
            self.held.remove(&pair);
        }
    }

    /// Adds the next news, up to about a number; `false` when more may be waiting in the ledger. What was added before an
    /// error is not read again.
    pub(super) async fn next(
        &mut self,
        plan: Option<&Plan>,
        now: Time,
        most: usize,
        news: &mut VecDeque<Notice>,
    ) -> Result<bool, StoreError> {
        let enough = news.len() + most;
        while news.len() < enough {
            let records = self.store.chain(self.read, CHUNK).await?;
            let is_all = records.len() < CHUNK;
            for record in records {
                let seq = record.seq;
                if let Some(change) = change(record).filter(|change| self.concerns(change)) {
                    news.extend(self.weigh(change, plan, now).await?);
                }
                self.read = seq;
            }
            if is_all {
                self.release(plan, now, news).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a change can be news to the receiver, before its history is looked up.
    fn concerns(&self, change: &Change) -> bool {
        let is_old = self.held.get(&pair(change)).is_some_and(|held| held.seq >= change.seq);
        let is_first_sight = change.from == "none" && change.to != Verdict::Fail.word();
        let in_zone = self.receiver.zones.is_empty() || self.receiver.zones.contains(&change.zone);
        in_zone && change.severity >= self.receiver.severity && !is_old && !is_first_sight
    }

    async fn weigh(&mut self, change: Change, plan: Option<&Plan>, now: Time) -> Result<Option<Notice>, StoreError> {
        let unrest = unrest(plan, &change.asset, &change.check, now);
        let story = self.story(&change, unrest).await?;
        let tell = &self.receiver.tell;
        let is_held = self.held.get(&pair(&change)).is_some_and(|held| !held.is_released);
        if !is_held && tell.seen(story.before) == tell.seen(story.after) {
            return Ok(None);
        }
        let in_window = is_quiet(plan, &change.asset, change.at) || is_quiet(plan, &change.asset, now);
        let flaps = story.flaps() && (is_held || !story.falls_again());
        if (is_held || in_window || flaps) && (is_held || self.held.len() < MOST_HELD) {
            let until = if flaps { change.at + unrest } else { change.at };
            self.hold(change, &story, until);
            return Ok(None);
        }
        let since = story.since.unwrap_or(change.at);
        let kind = tell.news(story.before, story.after);
        let kind = if story.falls_again() { kind.map(|_| Kind::Flapping) } else { kind };
        Ok(kind.map(|kind| self.notice(kind, change, since, plan)))
    }

    fn hold(&mut self, change: Change, story: &Story, until: Time) {
        let (pair, seq) = (pair(&change), change.seq);
        if let Some(held) = self.held.get_mut(&pair).filter(|held| !held.is_released) {
            (held.seq, held.until) = (seq, held.until.max(until));
            return;
        }
        let Change { asset, check, from, .. } = change;
        let held = Held { asset, check, before: story.before, from, seq, until, is_released: false };
        self.held.insert(pair, held);
    }

    /// What need not be held any longer.
    async fn release(&mut self, plan: Option<&Plan>, now: Time, news: &mut VecDeque<Notice>) -> Result<(), StoreError> {
        let is_due = |held: &Held| !held.is_released && held.until <= now && !is_quiet(plan, &held.asset, now);
        let due: Vec<Held> = self.held.values().filter(|held| is_due(held)).cloned().collect();
        for held in due {
            let pair = (held.asset.clone(), held.check.clone());
            let found = self.store.chain(held.seq.saturating_sub(1), 1).await?.pop().and_then(change);
            let Some(last) = found.filter(|change| change.seq == held.seq) else {
                self.held.remove(&pair);
                continue;
            };
            let story = self.story(&last, unrest(plan, &held.asset, &held.check, now)).await?;
            match self.receiver.tell.news(held.before, story.after) {
                None => {
                    self.held.remove(&pair);
                }
                Some(kind) => {
                    let since = story.since.unwrap_or(last.at);
                    let notice = self.notice(kind, Change { from: held.from, ..last }, since, plan);
                    news.push_back(Notice { was_held: true, ..notice });
                    self.held.entry(pair).and_modify(|held| held.is_released = true);
                }
            }
        }
        Ok(())
    }

    fn notice(&self, kind: Kind, change: Change, since: Time, plan: Option<&Plan>) -> Notice {
        let Receiver { site, link, .. } = &*self.receiver;
        Notice::new(kind, change, since, plan, site.as_ref(), link.as_ref())
    }

    /// What a change means in the history of its pair.
    async fn story(&self, change: &Change, unrest: TimeDelta) -> Result<Story, StoreError> {
        let history = self.history(&change.asset, &change.check, change.seq).await?;
        let story = Story::of(history.iter().map(|record| &record.transition), unrest);
        Ok(if change.to == "none" { story.left(change.at) } else { story })
    }

    /// The changes of a pair up to a record, oldest first, as far back as the meaning of the last one goes: what is off
    /// every night fails and is unknown in turn for months, and is a drift all the time.
    async fn history(&self, asset: &AssetId, check: &CheckId, upto: u64) -> Result<Vec<LedgerRecord>, StoreError> {
        let before = upto.checked_add(1);
        let mut filter = Filter { asset: Some(asset.clone()), check: Some(check.clone()), before, ..Filter::default() };
        let mut all: Vec<LedgerRecord> = Vec::new();
        loop {
            let records = self.store.transitions(filter.clone(), HISTORY).await?;
            let is_all = records.len() < HISTORY;
            filter.before = records.last().map(|record| record.seq);
            all.extend(records);
            let says_all =
                |record: &LedgerRecord| record.transition.from.is_none() || record.transition.to.is_conclusive();
            if is_all || all.iter().skip(1).any(says_all) {
                all.reverse();
                return Ok(all);
            }
        }
    }

    /// What stands in the eyes of the receiver, from what the ledger says up to where it was read.
    pub(super) async fn standing(&self, plan: Option<&Plan>) -> Result<Vec<Notice>, StoreError> {
        let mut standing = Vec::new();
        for latest in self.store.latest().await? {
            let pair = (latest.asset.clone(), latest.check.clone());
            let may_stand =
                matches!(latest.verdict, Verdict::Fail | Verdict::Unknown(_)) || self.held.contains_key(&pair);
            if !may_stand {
                continue;
            }
            let told = self.history(&pair.0, &pair.1, self.read).await?;
            let Some(last) = told.last() else { continue };
            let change = Change::of(&last.transition, last.seq);
            let story = Story::of(told.iter().map(|record| &record.transition), UNREST);
            let held = self.held.get(&self::pair(&change));
            let stands = self.receiver.tell.seen(held.map_or(story.after, |held| held.before));
            let kind = self.receiver.tell.news(Standing::Clear, stands);
            if let Some(kind) = kind.filter(|_| self.concerns_pair(&change)) {
                let since = story.since.unwrap_or(change.at);
                standing.push(self.notice(kind, change, since, plan));
            }
        }
        Ok(standing)
    }

    fn concerns_pair(&self, change: &Change) -> bool {
        let in_zone = self.receiver.zones.is_empty() || self.receiver.zones.contains(&change.zone);
        in_zone && change.severity >= self.receiver.severity
    }
}

fn name(receiver: &Receiver) -> String {
    format!("notify.{}", receiver.name)
}

fn pair(change: &Change) -> (AssetId, CheckId) {
    (change.asset.clone(), change.check.clone())
}

/// For how long a fall counts, and a pair that flaps has to stand still: some intervals of its check, and an hour at least.
fn unrest(plan: Option<&Plan>, asset: &AssetId, check: &CheckId, now: Time) -> TimeDelta {
    let planned = plan.and_then(|plan| Some(plan.asset(plan.find(asset.as_str())?)));
    let one = planned.and_then(|planned| planned.checks.iter().find(|one| one.check.id == *check));
    let interval = one.map(|one| one.cadence.interval(now).saturating_mul(UNREST_INTERVALS));
    interval.and_then(|time| TimeDelta::from_std(time).ok()).map_or(UNREST, |time| time.clamp(UNREST, MOST_UNREST))
}

/// Whether nothing is told about an asset now.
fn is_quiet(plan: Option<&Plan>, asset: &AssetId, now: Time) -> bool {
    let Some(planned) = plan.and_then(|plan| Some(plan.asset(plan.find(asset.as_str())?))) else { return false };
    planned.member.windows.iter().any(|window| window.is_open(WindowEffect::NoAlert, now))
}

/// Reads a record of the ledger; `None` when it is no change of a pair.
fn change(record: ChainRecord) -> Option<Change> {
    if record.kind != TRANSITION && record.kind != LEFT {
        return None;
    }
    let has_left = record.kind == LEFT;
    let word = |state: Option<String>| state.unwrap_or_else(|| "none".into());
    Some(Change {
        seq: record.seq,
        asset: record.asset.parse().ok()?,
        check: record.check.parse().ok()?,
        zone: record.zone.parse().ok()?,
        severity: Severity::from_word(&record.severity)?,
        from: word(record.from_state),
        to: if has_left { "none".into() } else { word(record.to_state) },
        cause: record.to_cause.filter(|_| !has_left),
        reason: if has_left { "it is no longer watched".into() } else { record.reason },
        at: Time::from_timestamp_micros(record.at)?,
    })
}

impl Change {
    fn of(transition: &Transition, seq: u64) -> Self {
        Self {
            seq,
            asset: transition.asset.clone(),
            check: transition.check.clone(),
            zone: transition.zone.clone(),
            severity: transition.severity,
            from: transition.from.map_or("none", Verdict::word).into(),
            to: transition.to.word().into(),
            cause: transition.to.cause().map(|cause| cause.word().into()),
            reason: transition.reason.clone(),
            at: transition.at,
        }
    }
}
