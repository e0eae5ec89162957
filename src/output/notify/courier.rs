//! Carries the news to one receiver, tries again while it is not taken, and remembers what was told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::alert::{self, Board, Style};
use super::counts::Counts;
use super::desk::Desk;
use super::door::PostError;
use super::notice::{self, Notice};
use super::settings::{Receiver, Way};
use crate::engine::Plan;
use crate::model::Time;
use crate::store::{Store, StoreError};

/// The ledger is looked at so often without a bell: a window closes, a round by hand adds to it.
const LOOK: Duration = Duration::from_secs(5);
/// Changes of one visit ring within this time, and come in one message.
const GATHER: Duration = Duration::from_millis(200);
/// The second attempt follows after this time, each further one after twice the time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// But not longer.
const LAST_RETRY: Duration = Duration::from_mins(5);
/// What is older and still not taken is given up; the ledger has it.
const GIVE_UP: TimeDelta = TimeDelta::days(1);
/// News in memory; the rest waits in the ledger.
const MOST_WAITING: usize = 1000;
/// How often it is remembered that nothing was to be told.
const KEEP_EVERY: Duration = Duration::from_mins(1);

/// What couriers share.
#[derive(Clone)]
pub(super) struct Office {
    pub(super) store: Arc<dyn Store>,
    pub(super) plan: Arc<ArcSwapOption<Plan>>,
    pub(super) counts: Counts,
    pub(super) clock: fn() -> Time,
}

/// One receiver's courier.
pub(super) struct Courier {
    receiver: Arc<Receiver>,
    office: Office,
    desk: Desk,
    /// News for a webhook that waits.
    queue: VecDeque<Notice>,
    /// What stands for Alertmanager, and whether it has changed.
    board: Board,
    news: usize,
    attempts: u32,
    due: Instant,
    kept: Instant,
}

/// Works until told to stop; a message under way is still delivered.
pub(super) async fn run(
    receiver: Arc<Receiver>,
    office: Office,
    mut bell: watch::Receiver<()>,
    stop: CancellationToken,
) {
    let opened = stop.run_until_cancelled(open(&receiver, &office, &mut bell)).await;
    let Some(mut courier) = opened else { return };
    info!(receiver = %receiver.name, place = receiver.door.place(), "notices are told");
    while !stop.is_cancelled() {
        // a message that is sent has to be remembered as sent, so a turn is not cut off
        let wait = courier.turn(&stop).await;
        tokio::select! {
            () = stop.cancelled() => {}
            Ok(()) = bell.changed() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn open(receiver: &Arc<Receiver>, office: &Office, bell: &mut watch::Receiver<()>) -> Courier {
    loop {
        if office.plan.load().is_none() {
            bell.changed().await.ok();
            continue;
        }
        match Courier::open(Arc::clone(receiver), office.clone()).await {
            Ok(courier) => return courier,
            Err(error) => {
                warn!(receiver = %receiver.name, %error, "cannot read what was told");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

impl Courier {
    async fn open(receiver: Arc<Receiver>, office: Office) -> Result<Self, StoreError> {
        let desk = Desk::open(Arc::clone(&receiver), Arc::clone(&office.store)).await?;
        let mut board = Board::default();
        if let Way::Alertmanager(_) = receiver.way {
            let plan = office.plan.load_full();
            desk.standing(plan.as_deref()).await?.into_iter().for_each(|notice| board.take(notice));
        }
        office.counts.begin(&receiver.name);
        let now = Instant::now();
        Ok(Self { receiver, office, desk, queue: VecDeque::new(), board, news: 0, attempts: 0, due: now, kept: now })
    }

    /// Reads what is new and tells what it can; how long there is nothing to do then, unless the bell rings.
    async fn turn(&mut self, stop: &CancellationToken) -> Duration {
        let receiver = Arc::clone(&self.receiver);
        let told = match &receiver.way {
            Way::Webhook => self.tell(stop).await,
            Way::Alertmanager(style) => self.show(style, stop).await,
        };
        if let Err(error) = told {
            warn!(receiver = %receiver.name, %error, "cannot read or remember what is to be told");
            return LOOK;
        }
        self.office.counts.waiting(&receiver.name, self.waiting());
        LOOK.min(self.due.saturating_duration_since(Instant::now()).max(Duration::from_millis(10)))
    }

    fn waiting(&self) -> usize {
        self.queue.len() + self.news + self.desk.held()
    }

    /// Takes further news from the ledger; whether that is all.
    async fn fetch(&mut self) -> Result<bool, StoreError> {
        let room = MOST_WAITING.saturating_sub(self.queue.len());
        if room == 0 {
            return Ok(false);
        }
        let plan = self.office.plan.load_full();
        self.desk.next(plan.as_deref(), (self.office.clock)(), room, &mut self.queue).await
    }

    /// Posts what waits to a webhook.
    async fn tell(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        loop {
            let is_all = self.fetch().await?;
            self.office.counts.waiting(&self.receiver.name, self.waiting());
            if self.queue.is_empty() {
                self.keep_place(self.desk.place()).await?;
                self.due = Instant::now() + LOOK;
                if is_all || stop.is_cancelled() {
                    return Ok(());
                }
                continue;
            }
            if stop.is_cancelled() || self.due > Instant::now() && self.attempts > 0 {
                return Ok(());
            }
            let together: Vec<_> = self.queue.iter().take(notice::MOST_TOGETHER).collect();
            let posted = self.receiver.door.post(notice::body(&self.receiver.name, &together)).await;
            let count = together.len();
            match posted {
                Ok(()) => {
                    self.taken(count);
                    self.done(count).await?;
                }
                Err(error) => {
                    self.refused(&error);
                    let given_up = self.given_up(count, &error);
                    if given_up == 0 {
                        return Ok(());
                    }
                    self.office.counts.dropped(&self.receiver.name, given_up);
                    warn!(receiver = %self.receiver.name, notices = given_up, %error, "notices are given up");
                    self.done(given_up).await?;
                }
            }
        }
    }

    /// How many of the first notices are not tried again.
    fn given_up(&self, count: usize, error: &PostError) -> usize {
        if error.is_final() {
            return count;
        }
        let oldest = (self.office.clock)() - GIVE_UP;
        self.queue.iter().take(count).take_while(|notice| notice.at < oldest).count()
    }

    /// The first notices are through: remembers it at once, so that a crash repeats at most what is under way.
    async fn done(&mut self, count: usize) -> Result<(), StoreError> {
        for notice in self.queue.drain(..count).collect::<Vec<_>>() {
            self.desk.told(&notice);
        }
        // what was held back is remembered by itself and says nothing about the place
        let next = self.queue.iter().filter(|notice| !notice.was_held).map(|notice| notice.id).min();
        let place = next.map_or(self.desk.place(), |next| next.saturating_sub(1));
        self.kept = Instant::now();
        self.desk.keep(place).await
    }

    /// Shows Alertmanager what stands, when that has changed or is to be repeated.
    async fn show(&mut self, style: &Style, stop: &CancellationToken) -> Result<(), StoreError> {
        let (mut is_all, mut has_news) = (false, false);
        while !is_all && !stop.is_cancelled() {
            is_all = self.fetch().await?;
            has_news |= !self.queue.is_empty();
            self.news += self.queue.len();
            for notice in self.queue.drain(..) {
                self.desk.told(&notice);
                self.board.take(notice);
            }
        }
        let is_due = self.due <= Instant::now();
        if stop.is_cancelled() || !is_due && (self.attempts > 0 || !has_news) {
            return Ok(());
        }
        let now = (self.office.clock)();
        for together in self.board.alerts(style, now).chunks(alert::MOST_TOGETHER) {
            let body = serde_json::to_vec(together).expect("texts, numbers and times are always JSON");
            if let Err(error) = self.receiver.door.post(body).await {
                self.refused(&error);
                return Ok(());
            }
            self.taken(0);
        }
        let news = std::mem::take(&mut self.news);
        self.taken(news);
        self.board.heard(now);
        self.due = Instant::now() + style.repeat;
        let place = self.desk.place();
        if news > 0 { self.desk.keep(place).await } else { self.keep_place(place).await }
    }

    /// Remembers now and then that the ledger was read, also where nothing was to be told.
    async fn keep_place(&mut self, place: u64) -> Result<(), StoreError> {
        if self.kept.elapsed() < KEEP_EVERY {
            return Ok(());
        }
        self.kept = Instant::now();
        self.desk.keep(place).await
    }

    fn taken(&mut self, notices: usize) {
        if self.attempts > 0 {
            info!(receiver = %self.receiver.name, "the receiver takes notices again");
        }
        self.attempts = 0;
        self.office.counts.sent(&self.receiver.name, notices, (self.office.clock)());
    }

    /// Plans the next attempt.
    fn refused(&mut self, error: &PostError) {
        self.office.counts.failed(&self.receiver.name);
        let wait = pause(self.attempts);
        self.due = Instant::now() + wait;
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts == 1 {
            warn!(receiver = %self.receiver.name, %error, "the receiver does not take notices, and is tried again");
        } else {
            debug!(receiver = %self.receiver.name, %error, ?wait, "the receiver does not take notices");
        }
    }
}

/// How long to wait after so many failed attempts: up to a fifth longer, so that many receivers do not come at once.
fn pause(attempts: u32) -> Duration {
    let wait = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(attempts.min(16))).min(LAST_RETRY);
    wait.mul_f64(1.0 + rand::random::<f64>() / 5.0)
}
