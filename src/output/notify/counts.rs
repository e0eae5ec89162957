//! Whether receivers hear of what happens: metrics by receiver.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::model::Time;

/// Why building a metric cannot fail.
const FIXED: &str = "names and labels are fixed and distinct";

/// Metrics of all receivers; cloning shares them.
#[derive(Clone)]
pub(super) struct Counts {
    sent: IntCounterVec,
    failed: IntCounterVec,
    dropped: IntCounterVec,
    waiting: IntGaugeVec,
    success: IntGaugeVec,
}

impl Counts {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| {
            let made = IntCounterVec::new(Opts::new(name, help), &["receiver"]).expect(FIXED);
            registry.register(Box::new(made.clone())).expect(FIXED);
            made
        };
        let gauge = |name: &str, help: &str| {
            let made = IntGaugeVec::new(Opts::new(name, help), &["receiver"]).expect(FIXED);
            registry.register(Box::new(made.clone())).expect(FIXED);
            made
        };
        Self {
            sent: counter("nis2watch_notices_sent_total", "Notices that the receiver has taken."),
            failed: counter("nis2watch_notice_posts_failed_total", "Messages that the receiver did not take."),
            dropped: counter("nis2watch_notices_dropped_total", "Notices that were given up; the ledger has them."),
            waiting: gauge(
                "nis2watch_notices_waiting",
                "Notices that wait for the receiver, or for a window to close.",
            ),
            success: gauge(
                "nis2watch_notices_last_success_timestamp_seconds",
                "When the receiver last took a message; 0 before it has.",
            ),
        }
    }

    /// Begins a receiver at zero: an alert cannot see a counter that is born at one.
    pub(super) fn begin(&self, receiver: &str) {
        let labels = [receiver];
        for counter in [&self.sent, &self.failed, &self.dropped] {
            counter.with_label_values(&labels);
        }
        self.waiting.with_label_values(&labels);
        self.success.with_label_values(&labels);
    }

    /// Forgets a receiver.
    pub(super) fn end(&self, receiver: &str) {
        let labels = [receiver];
        // one that is not there is as good
        for counter in [&self.sent, &self.failed, &self.dropped] {
            counter.remove_label_values(&labels).ok();
        }
        self.waiting.remove_label_values(&labels).ok();
        self.success.remove_label_values(&labels).ok();
    }

    pub(super) fn sent(&self, receiver: &str, notices: usize, now: Time) {
        self.sent.with_label_values(&[receiver]).inc_by(notices as u64);
        self.success.with_label_values(&[receiver]).set(now.timestamp());
    }

    pub(super) fn failed(&self, receiver: &str) {
        self.failed.with_label_values(&[receiver]).inc();
    }

    pub(super) fn dropped(&self, receiver: &str, notices: usize) {
        self.dropped.with_label_values(&[receiver]).inc_by(notices as u64);
    }

    pub(super) fn waiting(&self, receiver: &str, notices: usize) {
        self.waiting.with_label_values(&[receiver]).set(i64::try_from(notices).unwrap_or(i64::MAX));
    }
}
