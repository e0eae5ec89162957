//! What time alone changes: judgements grow old, statements end, and the clock of the machine may be set back.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use tracing::{error, warn};

use super::Life;
use crate::duties::Book;
use crate::engine::freshness::{STALE_INTERVALS, is_to_come, rests_on_paper, stale_after};
use crate::engine::unasked::bare_result;
use crate::engine::{AssetIndex, CheckIndex};
use crate::model::{Cause, CheckResult, Time, Verdict};
use crate::store::StoreError;

/// What the loop looked at last.
#[derive(Default)]
pub(super) struct Noticed {
    now: Option<Time>,
    book: Option<Arc<Book>>,
    /// When something in the book begins, ends or falls due next.
    pub(super) turn: Option<Time>,
}

impl Life {
    /// Notices that the clock was set back: what waits, waits as long as it would have, and not until the old time comes again.
    pub(super) fn heed_clock(&mut self) {
        let now = self.now();
        let Some(before) = self.noticed.now.replace(now) else { return };
        if !is_to_come(before, now) {
            return;
        }
        let back = before - now;
        warn!(%before, %now, "the clock of this machine was set back; visits go on in their rhythm");
        self.schedule.shift(-back);
        for state in self.states.values_mut() {
            state.at -= back;
        }
        self.noticed.turn = Some(now);
    }

    /// Judges anew what rests on what people signed and owe, once that changed or ran out. Nothing is sent for it. Whether
    /// the book is another one.
    pub(super) fn heed_book(&mut self) -> bool {
        let (book, now) = (self.daemon.visitor.book.load_full(), self.now());
        let is_new = self.noticed.book.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &book));
        if !is_new && self.noticed.turn.is_none_or(|turn| turn > now) {
            return false;
        }
        self.noticed.turn = book.next_turn(now);
        self.noticed.book = Some(book);
        for (asset, planned) in (0..).zip(&self.daemon.plan.assets) {
            let paper = planned.checks.iter().map(|one| rests_on_paper(planned, one));
            let checks: Vec<CheckIndex> = (0..).zip(paper).filter(|(_, paper)| *paper).map(|(at, _)| at).collect();
            if !checks.is_empty() {
                self.patient.push((asset, checks));
            }
        }
        is_new
    }

    /// Turns judgements that are too old into unknowns: what was true two intervals ago proves nothing now.
    pub(super) async fn sweep(&mut self, grace: TimeDelta) -> Result<(), StoreError> {
        let now = self.now();
        let plan = Arc::clone(&self.daemon.plan);
        let mut stale: HashMap<AssetIndex, Vec<CheckResult>> = HashMap::new();
        for ((asset, check), state) in &self.states {
            let planned = plan.asset(*asset);
            let one = &planned.checks[usize::from(*check)];
            let is_old = now - state.at > stale_after(one, now).checked_add(&grace).unwrap_or(TimeDelta::MAX);
            let is_to_come = is_to_come(state.at, now);
            let was_said = state.verdict == Verdict::Unknown(Cause::Stale) && !is_to_come;
            if (is_old || is_to_come) && !was_said && !self.schedule.is_busy(*asset) {
                let at = state.at.to_rfc3339();
                let reason = if is_to_come {
                    format!("last judged {at}, which is still to come: the clock was set back since; it is judged anew")
                } else {
                    format!("last judged {at}, more than {STALE_INTERVALS} intervals ago; see why it is not visited")
                };
                stale.entry(*asset).or_default().push(bare_result(planned, *check, Cause::Stale, reason, now));
            }
        }
        if stale.is_empty() {
            return Ok(());
        }
        match self.daemon.store.record(stale.values().flatten().cloned().collect()).await {
            Ok(transitions) => {
                for (asset, results) in &stale {
                    self.publish(*asset, plan.asset(*asset), results);
                }
                self.publish_transitions(&transitions);
            }
            Err(StoreError::Stopped) => return Err(StoreError::Stopped),
            Err(error) => error!(%error, "cannot record what has grown stale"),
        }
        Ok(())
    }
}
