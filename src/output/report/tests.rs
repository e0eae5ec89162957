//! A made-up plant, judged by checks of the house: what the numbers are, and what a page does with too many of them.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::TimeDelta;

use super::read::Known;
use super::*;
use crate::catalog::Catalog;
use crate::duties::Book;
use crate::engine::{Cadence, Plan, Schedules};
use crate::model::{AssetId, Cause, Listed, Severity, Verdict, Vulnerability, ZoneId};
use crate::store::{Act, ActRecord, Change, Digest};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(true, &[]).unwrap());

/// Every check runs once a day.
struct Daily;

impl Schedules for Daily {
    fn cadence(&self, _: &str, _: bool) -> Option<Arc<Cadence>> {
        Some(Arc::new(Cadence::Every(Duration::from_hours(24))))
    }
}

/// So many hours before the present, which is the end of the period; it has ten days.
fn ago(hours: i64) -> Time {
    now() - TimeDelta::hours(hours)
}

fn now() -> Time {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

/// A plant of which the store knows these states, each from so many hours before the present; `None` is out of the plan.
#[derive(Default)]
struct Plant {
    kept: Kept,
}

impl Plant {
    fn with(mut self, asset: &str, check: &str, past: &[(i64, Option<Verdict>)]) -> Self {
        self.put(asset, check, past);
        self
    }

    fn put(&mut self, asset: &str, check: &str, past: &[(i64, Option<Verdict>)]) {
        let (asset, check) = (AssetId::parse(asset).unwrap(), CheckId::parse(check).unwrap());
        let zone = ZoneId::parse("cell-1").unwrap();
        let mut from = None;
        for (hours, to) in past {
            self.kept.changes.push(Change {
                seq: self.kept.changes.len() as u64 + 1,
                digest: Digest([7; 32]),
                asset: asset.clone(),
                zone: zone.clone(),
                check: check.clone(),
                severity: Severity::High,
                from,
                to: *to,
                reason: "as seen".into(),
                at: ago(*hours),
            });
            from = *to;
        }
        let (hours, Some(verdict)) = past.last().copied().unwrap() else { return };
        let known = Known {
            zone,
            verdict,
            severity: Severity::High,
            reason: "<i>as seen</i>".into(),
            advice: None,
            waiver: (verdict == Verdict::Waived).then(|| ("w-1".to_owned(), false)),
            since: ago(hours),
            at: now(),
            evidence: Evidence::default(),
            listed: None,
        };
        self.kept.known.insert((asset, check), known);
    }

    fn report(self) -> Report {
        let mut kept = self.kept;
        kept.changes.sort_by_key(|change| change.at);
        Report::new(&Material {
            site: Some("aarhus".into()),
            plan: &Plan::default(),
            catalog: &CATALOG,
            schedules: &Daily,
            book: &Book::default(),
            kept,
            period: Period { from: ago(240), until: now() },
            now: now(),
            configuration: "00".into(),
            stopped: false,
            target_lists: 0,
        })
    }
}

#[test]
fn waived_findings_part_the_net_score_from_the_gross_and_unknown_counts_in_neither() {
    let report = Plant::default()
        .with("a", "ssh-root-login", &[(480, Some(Verdict::Pass))])
        .with("b", "ssh-root-login", &[(480, Some(Verdict::Waived))])
        .with("c", "ssh-root-login", &[(480, Some(Verdict::Unknown(Cause::Timeout)))])
        .with("d", "ssh-root-login", &[(480, Some(Verdict::Fail))])
        .with("e", "ssh-root-login", &[(480, Some(Verdict::NotApplicable))])
        .report();
    let summary = &report.summary;
    assert_eq!((summary.gross_score, summary.net_score), (Some(0.25), Some(0.5)));
    assert_eq!((summary.gross_time, summary.net_time), (Some(0.25), Some(0.5)));
    assert_eq!((summary.counts.assessed(), summary.counts.open, summary.open_by_severity[&Severity::High]), (4, 1, 1));
    assert_eq!(report.trend.len(), 11, "ten ends of days and the present");
    assert_eq!((report.trend[0].met, report.trend[0].gross_score), (1, Some(0.25)));
    assert_eq!(report.results[0].record.as_ref().map(|record| record.seq), Some(1), "begun long before the period");
}

#[test]
fn a_suppression_carries_the_reason_of_its_waiver() {
    let mut report = Plant::default().with("b", "ssh-root-login", &[(480, Some(Verdict::Waived))]).report();
    let told = |report: &Report| {
        let log: serde_json::Value = serde_json::from_str(&sarif::write(report)).unwrap();
        log["runs"][0]["results"][0]["suppressions"][0]["justification"].as_str().unwrap().to_owned()
    };
    assert_eq!(told(&report), "waiver w-1");
    report.papers.waivers.push(papers::WaiverRow {
        id: crate::model::EntryId::parse("w-1").unwrap(),
        state: "running",
        checks: Vec::new(),
        reason: "Replaced in the shutdown of 2027.".into(),
        owner: None,
        approved_by: crate::duties::Signer { person: "p-014".into(), role: "plant-manager".into() },
        starts_at: ago(480),
        expires_at: "2099-08-01T00:00:00Z".parse().unwrap(),
        days_left: 1,
        measure: None,
        accepts: 1,
        suspended: 0,
    });
    assert_eq!(
        told(&report),
        "waiver w-1: Replaced in the shutdown of 2027. (until 2099-08-01T00:00:00Z, approved by p-014 (plant-manager))"
    );
}

#[test]
fn a_control_has_evidence_when_something_speaks_for_or_against_it_and_not_when_nothing_can_be_said() {
    let told = |verdict| Plant::default().with("a", "ssh-root-login", &[(300, Some(verdict))]).report();
    let controls = &CATALOG.check(&CheckId::parse("ssh-root-login").unwrap()).unwrap().controls;
    let mapped = told(Verdict::Pass).summary.controls_mapped;
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Waived] {
        let report = told(verdict);
        assert_eq!(report.summary.controls_with_evidence, controls.len(), "{verdict}");
        let sentence = format!("{} of {mapped} mapped controls have current evidence", controls.len());
        assert_eq!(report.summary.sentence, sentence);
    }
    for verdict in [Verdict::Unknown(Cause::Auth), Verdict::NotApplicable] {
        assert_eq!(told(verdict).summary.controls_with_evidence, 0, "{verdict}");
    }
    let open = told(Verdict::Fail);
    assert_eq!(open.summary.controls_with_open_findings, controls.len());
    let points: Vec<_> = open.points.iter().filter(|point| point.evidence == Source::Measured).collect();
    assert!(!points.is_empty() && points.iter().all(|point| point.counts.open == 1 && point.record_count == 1));
}

#[test]
fn a_green_that_nobody_renewed_is_stale_and_its_good_time_ends() {
    let mut plant = Plant::default().with("a", "ssh-root-login", &[(240, Some(Verdict::Pass))]);
    for known in plant.kept.known.values_mut() {
        known.at = ago(120);
    }
    let report = plant.report();
    let row = &report.results[0];
    assert_eq!((row.verdict, row.cause), (Verdict::Unknown(Cause::Stale), Some(Cause::Stale)));
    assert!(row.reason.starts_with("pass when it was last judged"), "{}", row.reason);
    // five days until the last judgement, two intervals and five minutes of grace
    assert_eq!(row.time.met_seconds, 7 * 86_400 + 300);
    assert_eq!(row.time.met_seconds + row.time.unknown_seconds, 10 * 86_400);
    assert_eq!(report.unknown[0].cause, Cause::Stale);
    assert_eq!(report.trend.last().map(|tick| (tick.met, tick.unknown)), Some((0, 1)));
}

#[test]
fn drift_is_told_once_with_its_end_and_only_when_it_happened_in_the_period() {
    let (pass, fail) = (Some(Verdict::Pass), Some(Verdict::Fail));
    let unknown = Some(Verdict::Unknown(Cause::Refused));
    let report = Plant::default()
        .with("back", "ssh-root-login", &[(300, pass), (100, unknown), (90, fail), (50, pass)])
        .with("away", "ssh-root-login", &[(300, pass), (30, fail)])
        .with("before", "ssh-root-login", &[(400, pass), (300, fail)])
        .with("left", "ssh-root-login", &[(300, Some(Verdict::Waived)), (40, fail), (20, None)])
        .with("never", "ssh-root-login", &[(300, pass), (40, Some(Verdict::NotApplicable))])
        .report();
    let told: Vec<_> = report
        .drift
        .iter()
        .map(|one| (one.asset.as_str(), one.from, one.to, one.away_seconds / 3_600, one.back_at, one.left_plan))
        .collect();
    assert_eq!(
        told,
        [
            ("away", "pass", "fail", 30, None, false),
            ("left", "waived", "fail", 20, None, true),
            ("back", "pass", "unknown", 50, Some(ago(50)), false),
        ]
    );
    assert_eq!((report.summary.drifts, report.summary.drifts_not_back), (3, 2));
}

#[test]
fn ten_thousand_assets_make_a_page_that_can_be_read_and_a_table_that_leaves_nothing_out() {
    let mut plant = Plant::default();
    for number in 0..10_000 {
        for check in ["ssh-root-login", "asset-open-ports", "tls-min-version"] {
            plant.put(&format!("plc-{number:05}"), check, &[(300, Some(Verdict::Pass)), (5, Some(Verdict::Fail))]);
        }
    }
    let report = plant.report();
    for format in [ReportFormat::Html, ReportFormat::Markdown] {
        let text = report.write(format);
        assert!(text.len() < 300_000, "{format:?} has {} bytes", text.len());
        assert!(text.contains("30000 fail") || text.contains("30000 findings"), "{format:?}");
        assert!(text.contains("more, see CSV") && !text.contains("<i>"), "{format:?}");
    }
    let csv = report.write(ReportFormat::Csv);
    let rows: BTreeSet<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 30_001);
}

#[test]
fn the_same_thing_has_the_same_identifier_in_every_report() {
    let report = |verdict| Plant::default().with("a", "ssh-root-login", &[(5, Some(verdict))]).report();
    let (one, other) = (report(Verdict::Pass), report(Verdict::Fail));
    assert_eq!(one.pair_uuid("pair", &one.results[0]), other.pair_uuid("pair", &other.results[0]));
    assert_ne!(one.pair_uuid("pair", &one.results[0]), one.pair_uuid("risk", &one.results[0]));
    let uuid = one.pair_uuid("pair", &one.results[0]);
    assert_eq!((uuid.len(), uuid.as_bytes()[14]), (36, b'5'));
}

#[test]
fn what_is_exploited_stands_in_the_report_with_its_date_and_says_of_how_many_assets_nothing_is_known() {
    let fail = [(48, Some(Verdict::Fail))];
    let mut plant = Plant::default().with("plc-1", "kev-exposure", &fail).with(
        "plc-2",
        "kev-exposure",
        &[(48, Some(Verdict::Unknown(Cause::NoData)))],
    );
    let vulnerability = |id: &str, exploited: bool| Vulnerability {
        id: id.into(),
        advisory: "EX-2099-014".into(),
        confidence: "name+version".into(),
        certain: exploited,
        severity: "critical".into(),
        exploited,
        ransomware: false,
        due: exploited.then(|| "2026-12-24".to_owned()),
    };
    let rows = vec![vulnerability("CVE-2026-2", false), vulnerability("CVE-2026-1", true)];
    let listed = Listed::Vulnerabilities { product: "Rivermark <b> 40".into(), total: 2, rows };
    plant.kept.known.values_mut().next().unwrap().listed = Some(listed);
    let report = plant.report();
    assert_eq!((report.exposures.rows[0].what.id.as_str(), report.exposures.unknown), ("CVE-2026-1", 1));
    for format in [ReportFormat::Html, ReportFormat::Markdown, ReportFormat::Json] {
        let text = report.write(format);
        assert!(text.contains("2026-12-24") && text.contains("CVE-2026-2"), "{format:?}");
    }
    let page = report.write(ReportFormat::Html);
    assert!(
        page.contains(
            "2 assets looked through. Open vulnerabilities: 1, of these known to be exploited: 1; undecided: 1."
        ),
        "{page}"
    );
    assert!(page.contains("Rivermark &lt;b&gt; 40"));
}

#[test]
fn who_approved_what_in_the_period_stands_in_the_report_and_nothing_from_before_it() {
    let act = |seq: u64, kind: &str, hours: i64, body: &str| ActRecord {
        seq,
        digest: Digest([7; 32]),
        act: Act {
            kind: kind.into(),
            subject: "plc-1".into(),
            actor: "ada".into(),
            reason: format!("<i>change {seq}</i>"),
            body: body.into(),
            at: ago(hours),
        },
    };
    let mut plant = Plant::default().with("plc-1", "asset-open-ports", &[(300, Some(Verdict::Pass))]);
    plant.kept.acts = vec![
        act(1, "baseline.approve", 300, r#"{"check": "asset-open-ports"}"#),
        act(
            2,
            "baseline.approve",
            50,
            r#"{"check": "asset-open-ports", "valid_until": "2027-11-26T12:00:00Z", "added": ["443", "80"], "gone": ["21"]}"#,
        ),
        act(3, "baseline.revert", 40, r#"{"check": "asset-open-ports"}"#),
        act(4, "waiver.add", 30, "{}"),
    ];
    let report = plant.report();
    let told: Vec<_> = report.baselines.iter().map(|one| (one.record.seq, one.act, one.difference())).collect();
    let difference = "new: 443 and 1 more; gone: 21".to_owned();
    assert_eq!(told, [(3, "reverted", String::new()), (2, "approved", difference)]);
    for format in [ReportFormat::Html, ReportFormat::Markdown, ReportFormat::Json] {
        let text = report.write(format);
        assert!(text.contains("ada") && text.contains("change 2") && !text.contains("change 1<"), "{format:?}");
    }
}
