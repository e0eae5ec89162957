use std::fmt::Write as _;

use proptest::prelude::*;

use super::selector::fits;
use super::*;
use crate::duties::tests::asset;
use crate::model::{Cause, CheckResult, Evidence, Judgement, Kind, Params, Verdict};

fn read(text: &str) -> (Waivers, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.yaml");
    std::fs::write(&file, text).unwrap();
    let mut problems = Problems::new();
    let waivers = load(&[file], &mut problems);
    let said = problems.to_string().replace(&folder.path().display().to_string(), "");
    (waivers, said)
}

/// One waiver with these keys, and the usual others.
fn waivers(entries: &[&str]) -> Waivers {
    let mut text = "schema_version: 1\nwaivers:\n".to_owned();
    for (at, entry) in entries.iter().enumerate() {
        writeln!(
            text,
            "  - {{id: w-{at}, reason: 'no patch yet', owner: ot, approved_by: {{person: p-1, role: ciso}}, \
             starts_at: '2026-01-01T00:00:00Z', expires_at: '2026-07-01T02:00:00+02:00', {entry}}}"
        )
        .unwrap();
    }
    let (waivers, said) = read(&text);
    assert_eq!(said, "");
    waivers
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn check(id: &str) -> CheckId {
    CheckId::parse(id).unwrap()
}

/// `waived`, `stands` or the reason of a suspension, of snmp-v3-only on plc-7 in cell-1, line 3.
fn word(waivers: &Waivers, observed: &Value, verdict: Option<Verdict>, now: &str) -> String {
    let plc = asset("plc-7", Kind::Plc, "cell-1");
    match waivers.judge(&plc, &check("snmp-v3-only"), observed, &|_, _| verdict, at(now)) {
        Net::Stands => "stands".into(),
        Net::Waived { .. } => "waived".into(),
        Net::Suspended { why, .. } => why,
        Net::Partly { waiver, open } => format!("{waiver} but {open}"),
    }
}

#[test]
fn every_condition_must_hold_and_one_word_of_each_is_enough() {
    for (selector, expected) in [
        ("check: snmp-v3-only", "waived"),
        ("check: [tls-min-version, snmp-v3-only]", "waived"),
        ("check: tls-min-version", "stands"),
        ("check: snmp-v3-only, asset: plc-*", "waived"),
        ("check: snmp-v3-only, asset: '*-7'", "waived"),
        ("check: snmp-v3-only, asset: plc", "stands"),
        ("check: snmp-v3-only, asset: ['p*7', x]", "waived"),
        ("check: snmp-v3-only, zone: office", "stands"),
        ("check: snmp-v3-only, zone: [office, cell-1], kind: plc", "waived"),
        ("check: snmp-v3-only, kind: hmi", "stands"),
        ("check: snmp-v3-only, labels: {line: 3}", "waived"),
        ("check: snmp-v3-only, labels: {line: ['1', '2']}", "stands"),
        ("check: snmp-v3-only, labels: {owner: x}", "stands"),
    ] {
        let waivers = waivers(&[&format!("match: {{{selector}}}")]);
        assert_eq!(word(&waivers, &Value::Null, None, "2026-03-01T00:00:00Z"), expected, "{selector}");
    }
}

#[test]
fn a_waiver_runs_from_its_start_to_its_end_to_the_second() {
    let waivers = waivers(&["match: {check: snmp-v3-only}"]);
    for (now, expected) in [
        ("2025-12-31T23:59:59Z", "stands"),
        ("2026-01-01T00:00:00Z", "waived"),
        ("2026-06-30T23:59:59Z", "waived"),
        ("2026-07-01T00:00:00Z", "stands"),
    ] {
        assert_eq!(word(&waivers, &Value::Null, None, now), expected, "{now}");
    }
}

#[test]
fn a_waiver_is_suspended_while_what_makes_up_for_it_is_not_green() {
    for compensating in ["[{check: seg-reachability-matrix, asset: fw-1}]", "seg-reachability-matrix@fw-1"] {
        suspended(&waivers(&[&format!("match: {{check: snmp-v3-only}}, compensating: {compensating}")]));
    }
}

fn suspended(waivers: &Waivers) {
    let now = "2026-03-01T00:00:00Z";
    for (verdict, expected) in [
        (Some(Verdict::Pass), "waived"),
        (Some(Verdict::Warn), "waived"),
        (Some(Verdict::Fail), "compensating check seg-reachability-matrix on fw-1 is fail"),
        (Some(Verdict::Waived), "compensating check seg-reachability-matrix on fw-1 is waived"),
        (Some(Verdict::NotApplicable), "compensating check seg-reachability-matrix on fw-1 is not_applicable"),
        (
            Some(Verdict::Unknown(Cause::Timeout)),
            "compensating check seg-reachability-matrix on fw-1 is unknown (timeout)",
        ),
        (None, "compensating check seg-reachability-matrix on fw-1 is without a judgement of late"),
    ] {
        assert_eq!(word(waivers, &Value::Null, verdict, now), expected);
    }
}

#[test]
fn what_a_waiver_does_not_name_is_not_accepted_though_the_check_is() {
    let waivers =
        waivers(&["match: {check: snmp-v3-only, only: [18081, public]}", "match: {check: snmp-v3-only, only: guest}"]);
    let (text, now) = (Value::text, "2026-03-01T00:00:00Z");
    let account = |name: &str| Value::map([("name", Value::text(name)), ("uid", Value::Int(7))]);
    for (observed, expected) in [
        (Value::list([Value::Int(18081)]), "waived"),
        (Value::list([text("public"), text("guest")]), "waived"),
        (Value::list([account("guest"), text("public")]), "waived"),
        (Value::list([Value::list([Value::Int(18081)]), Value::list([Value::Int(18023)])]), "w-0 but 18023"),
        (Value::list([text("public"), text("publication")]), "w-0 but publication"),
        (Value::list([text("public"), text("… and 3 more")]), "w-0 but … and 3 more"),
        (Value::list([text("private")]), "stands"),
        (Value::Null, "stands"),
    ] {
        assert_eq!(word(&waivers, &observed, None, now), expected, "{observed:?}");
    }
}

#[test]
fn vulnerabilities_are_waived_only_when_every_one_that_was_found_is() {
    let waivers = waivers(&[
        "match: {check: snmp-v3-only, cve: CVE-2099-10001}",
        "match: {check: snmp-v3-only, cve: [CVE-2099-10002, CVE-2099-10003]}",
    ]);
    let now = "2026-03-01T00:00:00Z";
    for (observed, expected) in [
        (vec!["CVE-2099-10001"], "waived"),
        (vec!["CVE-2099-10001 in firmware 1.2", "CVE-2099-10003"], "waived"),
        (vec!["CVE-2099-10001", "CVE-2099-10004"], "w-0 but CVE-2099-10004"),
        (vec!["CVE-2099-10004", "CVE-2099-10002", "CVE-2099-10001: 40.0"], "w-0, w-1 but CVE-2099-10004"),
        (vec!["CVE-2099-10001", "… and 3 more"], "w-0 but what is not listed for want of room"),
        // an advisory without a CVE id cannot be named, so it is not accepted with another
        (vec!["CVE-2099-10001", "NHA-2099-002: 90.0"], "w-0 but what has no CVE id"),
        (vec!["CVE-2099-10004"], "stands"),
        (vec!["CVE-2099-100010"], "stands"),
        (vec!["something else"], "stands"),
        (vec![], "stands"),
    ] {
        let observed = Value::list(observed.into_iter().map(Value::text));
        assert_eq!(word(&waivers, &observed, None, now), expected, "{observed}");
    }
}

#[test]
fn the_finding_names_what_nobody_accepted_of_any_of_its_assertions() {
    let waivers = waivers(&["match: {check: snmp-v3-only, cve: CVE-2099-10001}"]);
    let plc = asset("plc-7", Kind::Plc, "cell-1");
    let offenders = |from: u32, to: u32| Value::list((from..to).map(|n| Value::text(format!("CVE-2099-{n}: 40.0"))));
    let net = |observed: &Value| {
        waivers.judge(&plc, &check("snmp-v3-only"), observed, &|_, _| None, at("2026-03-01T00:00:00Z"))
    };
    let twelve = Value::list([offenders(10001, 10002), offenders(10010, 10022)]);
    let shown = net(&twelve).apply(&fail());
    let reason = &shown.judgement.reason;
    assert_eq!(shown.judgement.verdict, Verdict::Fail);
    assert!(reason.starts_with("answers to public (accepted in part by w-0; not waived: CVE-2099-10010, "), "{reason}");
    assert!(reason.ends_with("CVE-2099-10019, 2 more)"), "{reason}");
    assert_eq!(Net::undo(&shown), fail());
    assert!(matches!(net(&Value::list([offenders(10001, 10002), Value::Null])), Net::Partly { .. }));
    assert!(matches!(net(&Value::list([offenders(10001, 10002)])), Net::Waived { .. }));
}

fn fail() -> CheckResult {
    CheckResult {
        asset: AssetId::parse("plc-7").unwrap(),
        zone: ZoneId::parse("cell-1").unwrap(),
        check: check("snmp-v3-only"),
        check_version: 1,
        severity: Severity::High,
        controls: Vec::new(),
        judgement: Judgement {
            verdict: Verdict::Fail,
            reason: "answers to public".into(),
            observed: Value::text("public"),
            expected: Value::Null,
            params: Params::default(),
        },
        evidence: Evidence::default(),
        at: at("2026-03-01T00:00:00Z"),
        duration_ms: 1,
    }
}

#[test]
fn the_finding_stays_beside_what_a_waiver_makes_of_it() {
    let waivers = waivers(&["match: {check: snmp-v3-only}, compensating: fw-check"]);
    let plc = asset("plc-7", Kind::Plc, "cell-1");
    let shown = |verdict| {
        let net = waivers.judge(
            &plc,
            &check("snmp-v3-only"),
            &Value::Null,
            &|_, _| Some(verdict),
            at("2026-03-01T00:00:00Z"),
        );
        net.apply(&fail())
    };
    let waived = shown(Verdict::Pass);
    assert_eq!(waived.judgement.verdict, Verdict::Waived);
    assert_eq!(waived.judgement.reason, "answers to public (waived by w-0 until 2026-07-01T00:00:00Z: no patch yet)");
    assert_eq!(Net::undo(&waived), fail());
    let suspended = shown(Verdict::Fail);
    assert_eq!(suspended.judgement.verdict, Verdict::Fail);
    assert_eq!(
        suspended.judgement.reason,
        "answers to public (waiver w-0 is suspended: compensating check fw-check on plc-7 is fail)"
    );
    assert_eq!(Net::undo(&suspended), fail());
}

#[test]
fn every_mistake_has_its_line() {
    let (_, said) = read(
        "schema_version: 2\nwaivers:\n  - id: w-1\n    match: {check: a, cve: [CVE-1]}\n    reason: ' '\n    approved_by: {person: p, role: r}\n    \
         starts_at: 2026-02-01T00:00:00Z\n    expires_at: 2026-01-01T00:00:00Z\n  - {id: w-2, match: {chek: a}, expires_at: tomorrow}\n  - {id: w-1}\n",
    );
    for wanted in [
        "/w.yaml:1:17: schema_version: this version is not known",
        "waivers[0].expires_at: it ends before it begins",
        "waivers[0].reason: nothing is said",
        "waivers[0].match: \"CVE-1\" is no CVE id",
        "/w.yaml:9:23: waivers[1].match.chek: unknown key \"chek\"",
        "\"tomorrow\" is no time such as 2026-11-26T08:00:00Z",
        "/w.yaml:10:5: waivers[2]: key \"match\" is missing",
    ] {
        assert!(said.contains(wanted), "{wanted} is not in\n{said}");
    }
}

#[test]
fn the_register_is_judged_by_what_its_entries_lack() {
    let waivers = waivers(&["match: {check: snmp-v3-only}"]);
    let fact = waivers.0[0].fact(Some(Severity::Critical), at("2026-06-30T00:00:00Z"));
    assert_eq!(fact.get("missing").unwrap().to_string(), "[compensating_measure]");
    assert_eq!(fact.get("days_left"), Some(&Value::Float(1.0)));
    assert_eq!(fact.get("lifetime_days"), Some(&Value::Float(181.0)));
}

proptest! {
    #[test]
    fn a_pattern_fits_what_it_was_made_of(parts in proptest::collection::vec("[a-c]{0,3}", 1..5), glue in proptest::collection::vec("[a-d]{0,3}", 4)) {
        let pattern = parts.join("*");
        let mut text = parts[0].clone();
        for (part, glue) in parts[1..].iter().zip(&glue) {
            text += glue;
            text += part;
        }
        prop_assert!(fits(&pattern, &text), "{} {}", pattern, text);
    }

    #[test]
    fn a_pattern_without_a_star_is_the_text_itself(pattern in "[a-c]{0,4}", text in "[a-c]{0,4}") {
        prop_assert_eq!(fits(&pattern, &text), pattern == text);
    }
}
