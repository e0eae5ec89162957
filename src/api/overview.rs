//! The landing page: how the plant stands, and what needs somebody.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use maud::{DOCTYPE, Markup, html};
use tokio::time::{Duration, Instant};

use super::View;
use crate::catalog::Check;
use crate::model::{Advice, AssetId, CheckId, Time, Verdict, ZoneId};
use crate::store::{Filter, Store, StoreError, Stored};

/// How long an overview is shown before it is read again.
const FRESH: Duration = Duration::from_secs(2);
/// Findings that are read, of which the most urgent are shown.
const READ: usize = 1_000;
/// Findings that are shown of each state.
const SHOWN: usize = 50;
/// Longest text of a device that is shown.
const LONGEST: usize = 400;

/// Pairs by state, in the order of [`Verdict::WORDS`].
type Counts = [usize; Verdict::WORDS.len()];

/// How the plant stands at one moment.
#[derive(Debug)]
pub(super) struct Overview {
    read_at: Instant,
    loaded_at: Time,
    total: Counts,
    zones: BTreeMap<ZoneId, Counts>,
    findings: Vec<Finding>,
    /// Findings that are not shown.
    more: usize,
    /// Pairs that have never been judged.
    waiting: usize,
}

#[derive(Debug)]
struct Finding {
    stored: Stored,
    check: Arc<Check>,
    advice: Option<Advice>,
}

impl Overview {
    /// Reads the states of all pairs, and in full those that need somebody.
    pub(super) async fn read(view: &View, store: &dyn Store) -> Result<Self, StoreError> {
        let latest: HashMap<(AssetId, CheckId), Verdict> =
            store.latest().await?.into_iter().map(|one| ((one.asset, one.check), one.verdict)).collect();
        let mut total = Counts::default();
        let mut zones: BTreeMap<ZoneId, Counts> = BTreeMap::new();
        let mut waiting = 0;
        for planned in &view.plan.assets {
            let asset = &planned.member.asset;
            let zone = zones.entry(asset.zone.clone()).or_default();
            for one in &planned.checks {
                let known = latest.get(&(asset.id.clone(), one.check.id.clone()));
                waiting += usize::from(known.is_none());
                let word = known.map_or("unknown", |verdict| verdict.word());
                if let Some(place) = Verdict::WORDS.iter().position(|other| *other == word) {
                    total[place] += 1;
                    zone[place] += 1;
                }
            }
        }
        let mut findings = Vec::new();
        let mut more = 0;
        for state in ["fail", "unknown", "warn"] {
            let filter = Filter { state: Some(state.to_owned()), ..Filter::default() };
            let stored = store.results(filter, READ).await?;
            let count = Verdict::WORDS.iter().position(|word| *word == state).map_or(0, |place| total[place]);
            // what nobody has looked at yet is counted as unknown and is no finding
            let count = count.saturating_sub(if state == "unknown" { waiting } else { 0 });
            let mut found: Vec<_> = stored.into_iter().filter_map(|stored| Finding::of(stored, view)).collect();
            found.sort_by(|a, b| {
                let key = |finding: &Finding| (finding.stored.result.severity, finding.stored.since);
                let ((severity, since), (other, later)) = (key(a), key(b));
                other.cmp(&severity).then(later.cmp(&since))
            });
            found.truncate(SHOWN);
            more += count.saturating_sub(found.len());
            findings.extend(found);
        }
        Ok(Self { read_at: Instant::now(), loaded_at: view.loaded_at, total, zones, findings, more, waiting })
    }

    pub(super) fn is_fresh(&self, view: &View) -> bool {
        self.loaded_at == view.loaded_at && self.read_at.elapsed() < FRESH
    }
}

impl Finding {
    /// `None` when the pair has left the plan.
    fn of(stored: Stored, view: &View) -> Option<Self> {
        let planned = view.plan.asset(view.plan.find(stored.result.asset.as_str())?);
        let one = planned.checks.get(usize::from(planned.check(stored.result.check.as_str())?))?;
        let advice = planned.advice(&stored.result);
        Some(Self { advice, check: Arc::clone(&one.check), stored })
    }
}

/// The page in full.
pub(super) fn page(view: &View, overview: &Overview, traffic: bool) -> Markup {
    let site = view.site.as_deref().unwrap_or("this site");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="30";
                title { "nis2watch: " (site) }
                link rel="stylesheet" href="/style.css";
            }
            body {
                header {
                    h1 { "nis2watch" span { (site) } }
                    p { (view.plan.assets.len()) " assets, configuration of " (minute(view.loaded_at)) ", version "
                        (env!("CARGO_PKG_VERSION")) ". "
                        a href="/metrics" { "Metrics" } " " a href="/-/healthy" { "Health" } " "
                        a href="/-/ready" { "Readiness" } }
                    @if !traffic {
                        p.stopped role="alert" {
                            "Traffic is stopped: no asset is asked anything. POST /-/resume-traffic lets it flow again."
                        }
                    }
                }
                main {
                    ul.tiles {
                        @for (state, count) in Verdict::WORDS.iter().zip(overview.total) {
                            li class=(state) { b { (count) } (state.replace('_', " ")) }
                        }
                    }
                    h2 { "Zones" }
                    (zones(overview))
                    h2 { "What needs somebody" }
                    (findings(overview))
                }
            }
        }
    }
}

fn zones(overview: &Overview) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Zone" }
                @for state in Verdict::WORDS { th.number scope="col" { (state.replace('_', " ")) } }
            } }
            tbody {
                @for (zone, counts) in &overview.zones {
                    tr {
                        th scope="row" { (zone) }
                        @for (state, count) in Verdict::WORDS.iter().zip(counts) {
                            td class={ "number " (if *count > 0 { *state } else { "none" }) } { (count) }
                        }
                    }
                }
            }
        }
    }
}

fn findings(overview: &Overview) -> Markup {
    html! {
        @if overview.waiting > 0 {
            p { (waiting(overview.waiting)) }
        }
        @if overview.findings.is_empty() && overview.waiting > 0 {
            p { "Nothing yet." }
        } @else if overview.findings.is_empty() && overview.more == 0 {
            p { "Nothing: no check fails, warns or is unknown." }
        } @else {
            table.findings {
                thead { tr {
                    @for column in ["State", "Asset", "Check", "Reason", "What to do", "Since"] {
                        th scope="col" { (column) }
                    }
                } }
                tbody { @for finding in &overview.findings { (row(finding)) } }
            }
            @if overview.more > 0 {
                p { "and " (overview.more) " more; nis2watch check lists them all, and so do the metrics." }
            }
        }
    }
}

fn waiting(pairs: usize) -> String {
    let (checks, have) = if pairs == 1 { ("check", "has") } else { ("checks", "have") };
    format!("{pairs} {checks} {have} not been judged yet and count as unknown until then; the next visits will tell.")
}

fn row(finding: &Finding) -> Markup {
    let result = &finding.stored.result;
    let verdict = result.judgement.verdict;
    html! {
        tr {
            td { span class={ "state " (verdict.word()) } { (verdict.word()) }
                @if let Some(cause) = verdict.cause() { " " small { (cause) } } }
            td { b { (result.asset) } br; small { (result.zone) } }
            td { (finding.check.title) br; small { (result.check) ", " (result.severity) } }
            td { (bounded(&result.judgement.reason)) }
            td { (finding.advice.map_or(finding.check.fix.as_str(), |advice| advice.sentence())) }
            td { time datetime=(finding.stored.since.to_rfc3339()) { (minute(finding.stored.since)) } }
        }
    }
}

fn minute(time: Time) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// What may be a device's own words, cut to a length that leaves the page readable.
fn bounded(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() && text.chars().count() > LONGEST {
        short.push('…');
    }
    short
}
