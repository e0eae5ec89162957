//! Metrics of the feeds that were carried in.

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

use super::own::{FIXED, add};
use crate::feeds::{Kind, Shelf, State};
use crate::model::Time;

/// Handles; cloning shares them.
#[derive(Clone)]
pub(super) struct Feeds {
    date: IntGaugeVec,
    entries: IntGaugeVec,
    current: IntGaugeVec,
    refused: IntGauge,
}

impl Feeds {
    pub(super) fn new(registry: &Registry) -> Self {
        let by_kind =
            |name: &str, help: &str| add(registry, IntGaugeVec::new(Opts::new(name, help), &["feed"]).expect(FIXED));
        let refused = IntGauge::new("nis2watch_feed_refused_files", "Files of the feed folder that were refused.");
        let feeds = Self {
            date: by_kind("nis2watch_feed_timestamp_seconds", "The date that a feed bears."),
            entries: by_kind("nis2watch_feed_entries", "How much a feed holds."),
            current: by_kind(
                "nis2watch_feed_current",
                "Whether checks may rest on a feed: 1, or 0 when it is old or broken.",
            ),
            refused: add(registry, refused.expect(FIXED)),
        };
        // before anything was read, checks may rest on nothing
        feeds.tell(&Shelf::default(), Time::MIN_UTC);
        feeds
    }

    pub(super) fn tell(&self, carried: &Shelf, now: Time) {
        self.refused.set(i64::try_from(carried.refused.len()).unwrap_or(i64::MAX));
        for kind in Kind::ALL {
            let (label, state) = ([kind.word()], carried.state(kind, now));
            self.entries.with_label_values(&label).set(i64::try_from(carried.entries(kind)).unwrap_or(i64::MAX));
            self.current.with_label_values(&label).set(i64::from(state == State::Current));
            match carried.date(kind) {
                Some(date) => self.date.with_label_values(&label).set(date.timestamp()),
                // no series where there is no date: an age since 1970 would be a lie
                None => drop(self.date.remove_label_values(&label)),
            }
        }
    }
}
