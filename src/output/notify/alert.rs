//! What stands, as alerts of Prometheus' own names and labels, so that silences, routes and inhibition hold for both.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::notice::{Kind, Notice};
use crate::model::{AssetId, CheckId, Severity, Time};

/// Labels that say which alert it is.
pub(super) const OWN: [&str; 6] = ["alertname", "severity", "asset", "check", "zone", "instance"];
/// An alert of which nothing is heard for so many repeats has ended, as with Prometheus.
const LIVES: u32 = 4;
/// Most alerts in one message.
pub(super) const MOST_TOGETHER: usize = 500;

/// One alert, as Alertmanager's API v2 takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    pub(super) labels: BTreeMap<String, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: Time,
    ends_at: Time,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

/// What stands, and what Alertmanager believes to stand.
#[derive(Debug, Default)]
pub(super) struct Board {
    standing: BTreeMap<(AssetId, CheckId), Notice>,
    /// What was sent last, by its labels, until its end was sent too.
    sent: BTreeMap<BTreeMap<String, String>, Alert>,
}

impl Board {
    /// Takes a piece of news.
    pub(super) fn take(&mut self, notice: Notice) {
        let pair = (notice.asset.clone(), notice.check.clone());
        if notice.kind == Kind::Recovery {
            self.standing.remove(&pair);
        } else {
            // flapping is no new trouble: what stands keeps its beginning
            let since = self.standing.get(&pair).map_or(notice.since, |before| before.since.min(notice.since));
            self.standing.insert(pair, Notice { since, ..notice });
        }
    }

    /// The alerts that Alertmanager has to hear of now: what stands, and what has ended since it last did.
    pub(super) fn alerts(&mut self, style: &Style, now: Time) -> Vec<Alert> {
        let alerts = self.standing.values().map(|notice| alert(notice, style, now));
        let mut alerts: BTreeMap<_, _> = alerts.map(|alert| (alert.labels.clone(), alert)).collect();
        for (labels, before) in &self.sent {
            let ended = || Alert { ends_at: before.ends_at.min(now).max(before.starts_at), ..before.clone() };
            alerts.entry(labels.clone()).or_insert_with(ended);
        }
        self.sent.clone_from(&alerts);
        alerts.into_values().collect()
    }

    /// Alertmanager has heard of all that [`Self::alerts`] gave for `now`.
    pub(super) fn heard(&mut self, now: Time) {
        self.sent.retain(|_, alert| alert.ends_at > now);
    }
}

/// How alerts are made for one Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Style {
    /// Labels of every alert.
    pub(super) labels: BTreeMap<String, String>,
    /// How often it hears of what stands.
    pub(super) repeat: Duration,
    /// Where the pages on alerts are.
    pub(super) runbooks: Option<String>,
}

fn alert(notice: &Notice, style: &Style, now: Time) -> Alert {
    // as long as it stands: an alert that ends says that something was mended
    let has_drifted = notice.kind != Kind::Fail;
    let (name, urgency) = match (has_drifted, notice.severity) {
        (true, Severity::Critical | Severity::High) => ("Nis2CheckDrifted", "critical"),
        (true, Severity::Medium) => ("Nis2CheckDrifted", "warning"),
        (true, _) => ("Nis2CheckDrifted", "info"),
        (false, Severity::Critical | Severity::High) => ("Nis2CheckFails", "warning"),
        (false, _) => ("Nis2CheckFails", "info"),
    };
    let own = [
        ("alertname", name),
        ("severity", urgency),
        ("asset", notice.asset.as_str()),
        ("check", notice.check.as_str()),
        ("zone", notice.zone.as_str()),
    ];
    let own = own.map(|(label, value)| (label.to_owned(), value.to_owned()));
    Alert {
        labels: style.labels.clone().into_iter().chain(own).collect(),
        annotations: annotations(notice, name, has_drifted, style.runbooks.as_deref()),
        starts_at: notice.since,
        ends_at: now + style.repeat * LIVES,
        link: notice.link.clone(),
    }
}

fn annotations(
    notice: &Notice,
    name: &str,
    has_drifted: bool,
    runbooks: Option<&str>,
) -> BTreeMap<&'static str, String> {
    let Notice { asset, check, zone, severity, reason, .. } = notice;
    let (verb, how) = match (has_drifted, notice.kind) {
        (true, Kind::Flapping) => ("keeps losing", "changes again and again, and fails now"),
        (true, _) => ("no longer meets", "passed before and fails now"),
        (false, _) => ("does not meet", "was never seen to pass"),
    };
    let fix = notice.fix.as_deref().map_or_else(|| format!("`nis2watch explain {check}`"), str::to_owned);
    let description =
        format!("The check {check} ({severity}) on {asset} in zone {zone} {how}: {reason}. Fix: {}", fix.trim());
    let runbook = runbooks.map(|runbooks| ("runbook_url", format!("{}/{name}.md", runbooks.trim_end_matches('/'))));
    let texts = [
        ("summary", format!("{asset} {verb} {check}")),
        ("description", description),
        ("reason", reason.clone()),
        ("fix", fix),
    ];
    texts.into_iter().chain(runbook).collect()
}
