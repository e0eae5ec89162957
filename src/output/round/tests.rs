//! The reports as their readers see them: hostile reasons included.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::*;
use crate::catalog::Catalog;
use crate::engine::{Cadence, Schedules};
use crate::inventory::{Access, Inventory, Member};
use crate::model::{
    Asset, AssetId, Cause, CheckId, Criticality, Evidence, Judgement, Kind, Profile, Time, Transport, Value, ZoneId,
};
use crate::transport::gate::Limits;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(true, &[]).unwrap());

/// Everything that ends an attribute, a cell, a line or a plug-in's text.
const NASTY: &str = "=cmd|' /C calc'!A0 \"<failure/>]]> & \u{1b}[31m\n|pass=99\u{0}, \u{ffff}";

struct Often;

impl Schedules for Often {
    fn cadence(&self, _: &str, _: bool) -> Option<Arc<Cadence>> {
        Some(Arc::new(Cadence::Every(Duration::from_hours(1))))
    }
}

fn plan() -> Plan {
    let asset = Asset {
        id: AssetId::parse("srv-1").unwrap(),
        address: Some("127.0.0.1".into()),
        zone: ZoneId::parse("office").unwrap(),
        kind: Kind::LinuxHost,
        site: None,
        vendor: None,
        product: None,
        version: None,
        serial: None,
        owner: None,
        criticality: Criticality::Medium,
        supplier: None,
        support_end: None,
        profile: Profile::It,
        allowed_ports: None,
        declared_ports: std::collections::BTreeSet::new(),
        labels: BTreeMap::new(),
        fields: BTreeMap::new(),
        params: BTreeMap::new(),
        active: true,
        allow_intrusive: false,
        allow_protocol_reads: false,
        vantage: false,
    };
    let member = Member {
        asset: Arc::new(asset),
        zone_role: None,
        fragile: false,
        limits: Limits::STANDARD,
        access: Access::default(),
        tls: None,
        http: None,
        has: [Transport::Ssh].into(),
        jump: Vec::new(),
        looks_from: None,
        windows: Vec::new(),
        inactive: None,
        declared: "assets.yaml".into(),
    };
    let inventory = Inventory { members: vec![Arc::new(member)], per_zone: 8, ..Inventory::default() };
    Plan::new(&CATALOG, &inventory, &Often)
}

/// A result for each of the first checks of the plan.
fn results(plan: &Plan, verdicts: &[(Verdict, Severity)]) -> Vec<CheckResult> {
    let planned = &plan.assets[0];
    let result = |(at, (verdict, severity)): (usize, &(Verdict, Severity))| CheckResult {
        asset: planned.member.asset.id.clone(),
        zone: planned.member.asset.zone.clone(),
        check: CheckId::parse(planned.checks[at].check.id.as_str()).unwrap(),
        check_version: 1,
        severity: *severity,
        controls: planned.checks[at].check.controls.clone(),
        judgement: Judgement {
            verdict: *verdict,
            reason: NASTY.into(),
            observed: Value::text("no"),
            expected: Value::text("yes"),
            params: Arc::default(),
        },
        evidence: Evidence::default(),
        at: Time::from_timestamp(1_780_000_000, 0).unwrap(),
        duration_ms: 1_500,
    };
    verdicts.iter().enumerate().map(result).collect()
}

fn write(verdicts: &[(Verdict, Severity)], shape: Shape) -> String {
    let plan = plan();
    let results = results(&plan, verdicts);
    Round::new(&plan, &results, Severity::Info).write(shape, false)
}

const ALL: [(Verdict, Severity); 5] = [
    (Verdict::Pass, Severity::High),
    (Verdict::Warn, Severity::Low),
    (Verdict::Fail, Severity::Critical),
    (Verdict::Unknown(Cause::Timeout), Severity::Medium),
    (Verdict::NotApplicable, Severity::Info),
];

#[test]
fn json_has_the_keys_that_programs_rely_on() {
    let report: serde_json::Value = serde_json::from_str(&write(&ALL, Shape::Json)).unwrap();
    let entry = &report["results"][3];
    let keys = [
        "asset",
        "zone",
        "check",
        "state",
        "cause",
        "severity",
        "reason",
        "observed",
        "expected",
        "params",
        "controls",
        "advice",
        "evidence",
        "duration_ms",
        "at",
    ];
    for key in keys {
        assert!(entry.get(key).is_some(), "{key} is missing");
    }
    assert_eq!((&entry["state"], &entry["cause"]), (&"unknown".into(), &"timeout".into()));
    assert_eq!(entry["reason"], NASTY);
    assert!(entry["advice"].as_str().unwrap().ends_with('.'), "{entry}");
    assert!(report["results"][0]["advice"].is_null(), "what is known needs none");
    assert_eq!(report["summary"]["fail"], 1);
    assert_eq!(report["summary"]["waived"], 0);
}

#[test]
fn junit_counts_what_it_holds_and_stays_well_formed() {
    let text = write(&ALL, Shape::Junit);
    assert!(text.contains("tests=\"5\" failures=\"1\" errors=\"1\" skipped=\"1\""), "{text}");
    assert!(!text.contains("<failure/>]]>"), "a device wrote into the document: {text}");
    assert!(!text.contains(['\u{0}', '\u{1b}', '\u{ffff}']), "XML 1.0 has no such character");
    assert_eq!(text.matches("<testcase ").count(), 5);
}

#[test]
fn a_cell_is_never_a_formula() {
    let text = write(&ALL, Shape::Csv);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let reasons: Vec<_> = reader.records().map(|row| row.unwrap()[8].to_owned()).collect();
    assert_eq!(reasons.len(), 5);
    assert!(reasons.iter().all(|reason| reason.starts_with("'=")), "{reasons:?}");
}

#[test]
fn a_plug_in_speaks_one_line_with_one_bar() {
    let text = write(&ALL, Shape::Nagios);
    assert_eq!((text.lines().count(), text.matches('|').count()), (1, 1), "{text}");
    assert!(text.starts_with("NIS2WATCH CRITICAL - 1 fail, 1 unknown, 1 warn, 1 pass; srv-1 "), "{text}");
    assert!(text.contains(" fail=1;;;0"), "{text}");
}

#[test]
fn the_table_shows_first_what_needs_somebody_and_what_to_do() {
    let text = write(&ALL, Shape::Table);
    let states: Vec<_> = text.lines().skip(1).map_while(|line| line.split_whitespace().next()).collect();
    assert_eq!(states, ["fail", "unknown", "warn", "pass", "not"]);
    assert!(text.contains("What to do:"), "{text}");
    assert!(!text.contains('\u{1b}'), "a device must not paint the terminal");
}

#[test]
fn the_severity_asked_for_decides_the_outcome() {
    let plan = plan();
    let outcome = |verdicts: &[(Verdict, Severity)], fail_on| {
        let results = results(&plan, verdicts);
        let round = Round::new(&plan, &results, fail_on);
        (round.outcome(), round.light())
    };
    let unknown = Verdict::Unknown(Cause::Auth);
    assert_eq!(outcome(&[(Verdict::Pass, Severity::High)], Severity::Info), (Outcome::Good, Light::Ok));
    assert_eq!(outcome(&[(Verdict::Warn, Severity::High)], Severity::Info), (Outcome::Good, Light::Warning));
    assert_eq!(outcome(&[(Verdict::Fail, Severity::Low)], Severity::Info), (Outcome::Failed, Light::Critical));
    assert_eq!(outcome(&[(Verdict::Fail, Severity::Low)], Severity::High), (Outcome::Good, Light::Warning));
    assert_eq!(
        outcome(&[(unknown, Severity::High), (Verdict::Warn, Severity::High)], Severity::High).1,
        Light::Unknown
    );
    assert_eq!(outcome(&[(unknown, Severity::Low), (Verdict::Fail, Severity::Low)], Severity::Low).0, Outcome::Failed);
}

#[test]
fn every_report_says_what_to_do_about_an_unknown() {
    let unknown = [(Verdict::Unknown(Cause::HostKey), Severity::High)];
    let advice = Cause::HostKey.advice(Some(Transport::Ssh)).sentence();
    let table = write(&unknown, Shape::Table);
    assert!(table.contains("What to do about unknowns:") && table.contains(advice), "{table}");
    assert!(table.contains("\n    srv-1: "), "{table}");
    assert!(write(&unknown, Shape::Csv).contains(advice));
    assert!(write(&unknown, Shape::Junit).contains(&advice.replace('<', "&lt;")));
    let good = write(&[(Verdict::Pass, Severity::High)], Shape::Table);
    assert!(!good.contains("unknowns"), "{good}");
}
