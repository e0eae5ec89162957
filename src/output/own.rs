//! Metrics of the daemon itself, kept by the `prometheus` crate and written in either format.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use prometheus::core::Collector;
use prometheus::proto::{Metric, MetricFamily, MetricType};
use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::Format;
use super::family::{Type, header, put, sample};
use crate::model::Time;
use crate::store::{Examination, Head};

/// Upper bounds for the time that a scrape takes to prepare, in seconds.
const SCRAPE_BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];
/// Why building a metric cannot fail.
pub(super) const FIXED: &str = "names and labels are fixed and distinct";

/// Handles of the daemon's own metrics; cloning shares them.
#[derive(Clone)]
pub struct Own {
    registry: Registry,
    lag: Gauge,
    in_flight: IntGauge,
    visits: IntCounter,
    panics: IntCounter,
    reload_ok: IntGauge,
    reload_time: IntGauge,
    active: IntGauge,
    store_errors: IntCounter,
    refresh_failures: IntCounter,
    refresh_ok: IntGauge,
    list_time: IntGaugeVec,
    list_interval: IntGaugeVec,
    pages: IntGaugeVec,
    ledger_contradictions: IntCounter,
    /// Held while number and digest of the last record change, so that a scrape sees both of one moment.
    ledger: Arc<Mutex<()>>,
    ledger_records: IntGauge,
    ledger_digest: IntGauge,
    anchor_time: IntGaugeVec,
    anchor_interval: IntGaugeVec,
    intact: IntGaugeVec,
    examined: IntGaugeVec,
    scrapes: IntCounterVec,
    scrape_time: Histogram,
    feeds: super::feeds::Feeds,
}

impl Default for Own {
    fn default() -> Self {
        Self::new()
    }
}

impl Own {
    /// All metrics at zero, traffic allowed.
    ///
    /// # Panics
    ///
    /// Never: names and labels are fixed.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let build = IntGaugeVec::new(
            Opts::new("nis2watch_build_info", "Version of this program and the system it was built for."),
            &["version", "os", "arch"],
        );
        let version = [env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH];
        add(&registry, build.expect(FIXED)).with_label_values(&version).set(1);
        let counter = |name: &str, help: &str| add(&registry, IntCounter::new(name, help).expect(FIXED));
        let gauge = |name: &str, help: &str| add(&registry, IntGauge::new(name, help).expect(FIXED));
        let by = |name: &str, help: &str, labels: &[&str]| {
            add(&registry, IntGaugeVec::new(Opts::new(name, help), labels).expect(FIXED))
        };
        let bare = |name: &str, help: &str| by(name, help, &[]);
        let lag = Gauge::new("nis2watch_schedule_lag_seconds", "How late the most overdue check is.");
        let by_format = Opts::new("nis2watch_scrapes_total", "Scrapes that were answered.");
        let scrape_time = HistogramOpts::new(
            "nis2watch_scrape_duration_seconds",
            "How long it took to prepare the answer to a scrape, compression included.",
        );
        let own = Self {
            lag: add(&registry, lag.expect(FIXED)),
            in_flight: gauge("nis2watch_visits_in_flight", "Visits that run now."),
            visits: counter("nis2watch_visits_total", "Visits that ended."),
            panics: counter("nis2watch_visit_panics_total", "Visits that ended in a defect of this program."),
            reload_ok: gauge(
                "nis2watch_config_last_reload_successful",
                "Whether the last load of the configuration succeeded: 1 or 0.",
            ),
            reload_time: gauge(
                "nis2watch_config_last_reload_success_timestamp_seconds",
                "When the configuration in use was loaded.",
            ),
            active: gauge("nis2watch_active", "Whether traffic to assets is allowed: 0 while the kill switch is on."),
            store_errors: counter("nis2watch_store_errors_total", "Reads and writes that the store refused."),
            refresh_failures: counter(
                "nis2watch_inventory_refresh_failures_total",
                "Target lists of http_sd and file_sd that did not come or were refused; the list from before stays.",
            ),
            refresh_ok: gauge(
                "nis2watch_inventory_last_refresh_successful",
                "Whether the target lists and files that came last were taken: 1 or 0.",
            ),
            list_time: by(
                "nis2watch_inventory_list_last_success_timestamp_seconds",
                "When a target list of http_sd last came; for one that never did, since when it is awaited.",
                &["list"],
            ),
            list_interval: by(
                "nis2watch_inventory_list_interval_seconds",
                "How often a target list of http_sd is asked for.",
                &["list"],
            ),
            pages: by("nis2watch_page_info", "Where the pages of this daemon are for those who are called.", &["url"]),
            ledger_contradictions: counter(
                "nis2watch_ledger_contradictions_total",
                "Times that the ledger did not go on from the record that it had been seen to end in.",
            ),
            ledger: Arc::default(),
            ledger_records: gauge("nis2watch_ledger_records", "Number of the last record of the ledger."),
            ledger_digest: gauge(
                "nis2watch_ledger_head_digest",
                "The first 48 bits of the digest of the last record of the ledger, as a number.",
            ),
            // without a series while no anchor is configured
            anchor_time: bare(
                "nis2watch_ledger_anchor_last_success_timestamp_seconds",
                "When the head of the ledger was last kept in the anchor file.",
            ),
            anchor_interval: bare(
                "nis2watch_ledger_anchor_interval_seconds",
                "How often the head of the ledger is to be kept in the anchor file.",
            ),
            // without a series before the first look
            intact: bare("nis2watch_ledger_intact", "Whether the ledger was found as it was written: 1 or 0."),
            examined: bare(
                "nis2watch_ledger_examined_timestamp_seconds",
                "When the whole ledger was last walked and found as it is told.",
            ),
            scrapes: add(&registry, IntCounterVec::new(by_format, &["format"]).expect(FIXED)),
            scrape_time: add(
                &registry,
                Histogram::with_opts(scrape_time.buckets(SCRAPE_BUCKETS.to_vec())).expect(FIXED),
            ),
            feeds: super::feeds::Feeds::new(&registry),
            registry,
        };
        own.active.set(1);
        own.refresh_ok.set(1);
        own
    }

    /// Where other parts register metrics of their own; they appear in the same body. Names begin with `nis2watch_`.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Notes that the configuration was loaded, or that it was refused and the old one stays.
    pub fn reloaded(&self, ok: bool, now: Time) {
        self.reload_ok.set(i64::from(ok));
        if ok {
            self.reload_time.set(now.timestamp());
        }
    }

    /// Notes that target lists and files were taken, or that one of them was refused.
    pub fn refreshed(&self, ok: bool) {
        self.refresh_ok.set(i64::from(ok));
        if !ok {
            self.refresh_failures.inc();
        }
    }

    /// Notes that a target list did not come.
    pub fn not_fetched(&self) {
        self.refresh_failures.inc();
    }

    /// Forgets the target lists of an older configuration.
    pub fn forget_lists(&self) {
        self.list_time.reset();
        self.list_interval.reset();
    }

    /// Notes how the target lists stand: when each last came, and how often it is asked for.
    pub fn lists(&self, lists: impl IntoIterator<Item = (String, Time, Duration)>) {
        for (list, came, every) in lists {
            self.list_time.with_label_values(&[&list]).set(came.timestamp());
            self.list_interval.with_label_values(&[&list]).set(i64::try_from(every.as_secs()).unwrap_or(i64::MAX));
        }
    }

    /// Notes where the daemon's pages are, if the configuration says so.
    pub fn pages_at(&self, url: Option<&str>) {
        self.pages.reset();
        if let Some(url) = url {
            self.pages.with_label_values(&[url]).set(1);
        }
    }

    /// Notes that the ledger does not hold what was seen of it before.
    pub fn ledger_contradicted(&self) {
        self.ledger_contradictions.inc();
    }

    /// Notes whether traffic is allowed at all.
    pub fn set_active(&self, active: bool) {
        self.active.set(i64::from(active));
    }

    /// Notes that the store refused a read or a write.
    pub fn store_failed(&self) {
        self.store_errors.inc();
    }

    /// Notes how the ledger was found.
    pub fn examined(&self, found: &Examination) {
        let none: [&str; 0] = [];
        self.intact.with_label_values(&none).set(i64::from(found.problems.is_empty()));
        self.examined.with_label_values(&none).set(found.at.timestamp());
    }

    /// Notes where the ledger ends. The digest is cut to 48 bits, which a sample holds exactly.
    pub fn ledger_head(&self, head: &Head) {
        let _both = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let start = head.digest.0.iter().take(6);
        self.ledger_digest.set(start.fold(0, |number, byte| number << 8 | i64::from(*byte)));
        self.ledger_records.set(i64::try_from(head.seq).unwrap_or(i64::MAX));
    }

    /// Notes that heads are to be kept in an anchor file so often, or `None` that they are kept nowhere.
    pub fn anchor_every(&self, interval: Option<TimeDelta>) {
        if let Some(interval) = interval {
            self.anchor_interval.with_label_values::<&str>(&[]).set(interval.num_seconds());
        } else {
            self.anchor_interval.reset();
            self.anchor_time.reset();
        }
    }

    /// Notes when a head was last kept there.
    pub fn anchored(&self, at: Time) {
        self.anchor_time.with_label_values::<&str>(&[]).set(at.timestamp());
    }

    /// Notes what was carried in, and how old it is.
    pub fn feeds(&self, carried: &crate::feeds::Shelf, now: Time) {
        self.feeds.tell(carried, now);
    }

    pub(super) fn visited(&self) {
        self.visits.inc();
    }

    pub(super) fn panicked(&self) {
        self.panics.inc();
    }

    pub(super) fn load(&self, lag: TimeDelta, in_flight: usize) {
        self.lag.set(lag.to_std().unwrap_or_default().as_secs_f64());
        self.in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
    }

    pub(super) fn scraped(&self, format: Format, took: Duration) {
        self.scrapes.with_label_values(&[format.word()]).inc();
        self.scrape_time.observe(took.as_secs_f64());
    }

    pub(super) fn render(&self, format: Format, out: &mut Vec<u8>) {
        let families = {
            let _both = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            self.registry.gather()
        };
        for family in &families {
            render(format, family, out);
        }
    }
}

pub(super) fn add<M: Collector + Clone + 'static>(registry: &Registry, metric: M) -> M {
    registry.register(Box::new(metric.clone())).expect(FIXED);
    metric
}

/// Writes one family. The crate's own encoder writes text 0.0.4 only.
fn render(format: Format, family: &MetricFamily, out: &mut Vec<u8>) {
    let name = family.name();
    let kind = match family.get_field_type() {
        MetricType::COUNTER => Type::Counter,
        MetricType::HISTOGRAM => Type::Histogram,
        MetricType::GAUGE if name.ends_with("_info") => Type::Info,
        _ => Type::Gauge,
    };
    header(out, format, kind, name, family.help());
    for metric in family.get_metric() {
        let labels: Vec<(&str, &str)> = metric.get_label().iter().map(|pair| (pair.name(), pair.value())).collect();
        match kind {
            Type::Counter => sample(out, name, &labels, metric.get_counter().get_value()),
            Type::Histogram => histogram(out, name, &labels, metric),
            Type::Gauge | Type::Info => sample(out, name, &labels, metric.get_gauge().get_value()),
        }
    }
}

fn histogram(out: &mut Vec<u8>, name: &str, labels: &[(&str, &str)], metric: &Metric) {
    let histogram = metric.get_histogram();
    let mut bucket = |bound: &str, count: u64| {
        let labels: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
        sample(out, &format!("{name}_bucket"), &labels, count);
    };
    for one in histogram.get_bucket().iter().filter(|one| one.upper_bound().is_finite()) {
        // OpenMetrics wants "1.0", and a bound must read the same in both formats
        bucket(&format!("{:?}", one.upper_bound()), one.cumulative_count());
    }
    bucket("+Inf", histogram.get_sample_count());
    sample(out, &format!("{name}_sum"), labels, histogram.get_sample_sum());
    sample(out, &format!("{name}_count"), labels, histogram.get_sample_count());
}

/// Ends a body, where the format has an end.
pub(super) fn end(format: Format, out: &mut Vec<u8>) {
    if format == Format::OpenMetrics {
        put(out, format_args!("# EOF\n"));
    }
}
