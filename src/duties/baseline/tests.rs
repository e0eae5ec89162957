use chrono::{DateTime, TimeDelta};

use super::*;
use crate::catalog::Drift;
use crate::model::{
    AssetId, Calendar, CheckId, CheckResult, Evidence, Judgement, Params, Severity, Time, Value, Verdict, Window,
    WindowEffect, ZoneId,
};
use crate::store::{Approved, Baseline, Planned};

fn at(minutes: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn drift(text: &str) -> Drift {
    serde_saphyr::from_str(text).unwrap()
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn judged(verdict: Verdict) -> CheckResult {
    CheckResult {
        asset: AssetId::parse("plc-1").unwrap(),
        zone: ZoneId::parse("cell-1").unwrap(),
        check: CheckId::parse("asset-open-ports").unwrap(),
        check_version: 1,
        severity: Severity::High,
        controls: Vec::new(),
        judgement: Judgement {
            verdict,
            reason: "as judged".into(),
            observed: Value::Null,
            expected: Value::Null,
            params: Params::default(),
        },
        evidence: Evidence::default(),
        at: at(0),
        duration_ms: 1,
    }
}

/// A pair whose approved value is this one.
fn approved(snapshot: &Snapshot, until: Option<Time>) -> Baseline {
    let result = judged(Verdict::Pass);
    Baseline {
        asset: result.asset,
        check: result.check,
        zone: result.zone,
        value: snapshot.text(),
        sha256: snapshot.sha256.clone(),
        since: at(0),
        standing: "approved".into(),
        approval: Some(Approved {
            seq: 1,
            value: snapshot.text(),
            sha256: snapshot.sha256.clone(),
            actor: "ann".into(),
            reason: "looked at".into(),
            at: at(0),
            until,
        }),
        plan: None,
    }
}

fn now<'a>(kept: &'a Baseline, windows: &'a [Window], exact: bool) -> Circumstances<'a> {
    Circumstances { kept: Some(kept), windows, exact, required: false, now: at(10) }
}

const PORTS: &str = "{ baseline: set, of: tcp.ports.open }";

#[test]
fn an_element_that_nobody_approved_is_a_fail_that_names_it_and_says_what_to_do() {
    let drift = drift(PORTS);
    let kept = approved(&Snapshot::of(&drift, &value("[22, 443]")), None);
    let seen = Snapshot::of(&drift, &value("[443, 8080, 22, 9100]"));
    let shown = standing(&seen, &now(&kept, &[], false)).over(&judged(Verdict::Pass));
    assert_eq!(shown.judgement.verdict, Verdict::Fail);
    assert_eq!(
        shown.judgement.reason,
        "differs from the approved baseline: added 8080, 9100; undo the change or nis2watch baseline approve --asset plc-1 --check asset-open-ports"
    );
    assert_eq!(undo(&shown).judgement, judged(Verdict::Pass).judgement);
}

#[test]
fn an_element_that_is_gone_is_news_only_where_the_check_says_so() {
    let drift = drift(PORTS);
    let kept = approved(&Snapshot::of(&drift, &value("[22, 443]")), None);
    let seen = Snapshot::of(&drift, &value("[22]"));
    assert_eq!(standing(&seen, &now(&kept, &[], false)), Standing::Approved);
    let shown = standing(&seen, &now(&kept, &[], true)).over(&judged(Verdict::Pass));
    assert_eq!(shown.judgement.verdict, Verdict::Warn);
    assert!(shown.judgement.reason.contains("gone 443"), "{}", shown.judgement.reason);
}

#[test]
fn the_order_of_a_set_does_not_matter_and_rows_count_by_the_fields_that_are_named() {
    let drift = drift("{ baseline: set, of: linux.listeners, fields: [protocol, port], ignore: ['/^udp /'] }");
    let one = value(r#"[{"protocol":"tcp","port":22,"pid":7},{"protocol":"udp","port":68,"pid":9}]"#);
    let other = value(r#"[{"protocol":"udp","port":5353,"pid":1},{"pid":80,"port":22,"protocol":"tcp"}]"#);
    let (one, other) = (Snapshot::of(&drift, &one), Snapshot::of(&drift, &other));
    assert_eq!(one, other);
    assert_eq!(one.parts.keys().collect::<Vec<_>>(), ["tcp 22"]);
}

#[test]
fn the_fields_of_a_map_are_sets_of_their_own() {
    let drift = drift("{ baseline: set, of: snmp.versions, ignore: [any] }");
    let before = value(r#"{"any":true,"v1":[],"v3_authpriv":"answered"}"#);
    let after = value(r#"{"any":false,"v1":[{"community":"public","answered":true}],"v3_authpriv":"answered"}"#);
    let found = Difference::between(&Snapshot::of(&drift, &after), &Snapshot::of(&drift, &before));
    assert_eq!(found.sentence(), "added v1 answered=true community=public");
}

#[test]
fn a_value_that_is_compared_as_a_whole_is_kept_without_its_text_and_names_what_changed() {
    let drift = drift(r"{ baseline: hash, of: linux.nft_input, ignore: [handle, '/^# counter/'] }");
    let before =
        r##"[{"name":"input","policy":"drop","handle":4,"rules":"# counter 1\naccept ssh\naccept https\ndrop"}]"##;
    let after = r##"[{"name":"input","policy":"drop","handle":9,"rules":"# counter 2\naccept ssh\naccept telnet\naccept https\ndrop"}]"##;
    let [before, after] = [before, after].map(|text| Snapshot::of(&drift, &value(text)));
    assert!(!before.text().contains("accept"), "{}", before.text());
    assert_eq!(Difference::between(&after, &before).sentence(), "changed input.rules line 2");
    let quiet =
        r##"[{"name":"input","policy":"drop","handle":5,"rules":"# counter 7\naccept ssh\naccept https\ndrop"}]"##;
    assert_eq!(Snapshot::of(&drift, &value(quiet)), before);
    let open = r#"[{"name":"input","policy":"accept","rules":"accept ssh\naccept https\ndrop"}]"#;
    let found = Difference::between(&Snapshot::of(&drift, &value(open)), &before);
    assert_eq!(found.sentence(), "changed input.policy");
}

#[test]
fn a_digest_alone_is_told_as_the_whole() {
    let drift = drift("{ baseline: hash, of: network.config.sha256 }");
    let [before, after] = ["\"ab\"", "\"cd\""].map(|text| Snapshot::of(&drift, &value(text)));
    assert_eq!(Difference::between(&after, &before).sentence(), "changed value");
}

#[test]
fn a_flood_of_elements_is_bounded_and_cannot_hide_among_them() {
    let drift = drift(PORTS);
    let few = approved(&Snapshot::of(&drift, &value("[22]")), None);
    let flood = Snapshot::of(&drift, &Value::list((0..5_000).map(Value::Int)));
    assert!(flood.text().len() < 1_000, "{}", flood.text().len());
    let standing = standing(&flood, &now(&few, &[], false));
    assert_eq!(
        standing,
        Standing::Differs(Difference {
            changed: vec!["the whole: 5000 elements now, 1 approved".into()],
            ..Difference::default()
        })
    );
    let long = Snapshot::of(&drift, &Value::list((0..900).map(|n| Value::text(format!("{n:0>9000}\n")))));
    assert!(long.text().len() < 200_000 && long.parts.keys().all(|name| !name.contains('\n')));
    assert!(Difference::between(&long, &Snapshot::of(&drift, &value("[]"))).sentence().len() < 500);
}

#[test]
fn what_nobody_approved_stays_what_the_check_judged_and_says_so() {
    for (verdict, reason) in [
        (Verdict::Pass, "as judged; baseline not approved"),
        (Verdict::Warn, "as judged; baseline not approved"),
        (Verdict::Fail, "as judged"),
    ] {
        let shown = Standing::Proposed.over(&judged(verdict));
        assert_eq!((shown.judgement.verdict, shown.judgement.reason.as_str()), (verdict, reason));
        assert_eq!(shown.evidence.drift.as_ref().unwrap().standing, "proposed");
    }
}

#[test]
fn where_the_approval_is_what_is_proven_nothing_is_before_it() {
    let drift = drift("{ baseline: set, of: tcp.ports.open }");
    let seen = Snapshot::of(&drift, &value("[22]"));
    let stands =
        |kept| standing(&seen, &Circumstances { kept, windows: &[], exact: false, required: true, now: at(10) });
    for verdict in [Verdict::Pass, Verdict::Warn] {
        let shown = stands(None).over(&judged(verdict));
        assert_eq!(shown.judgement.verdict, Verdict::Unknown(crate::model::Cause::NoData));
        assert!(shown.judgement.reason.contains("nis2watch baseline approve"), "{}", shown.judgement.reason);
        assert_eq!(shown.evidence.drift.as_ref().unwrap().standing, "proposed");
        assert_eq!(undo(&shown).judgement, judged(verdict).judgement);
    }
    assert_eq!(stands(None).over(&judged(Verdict::Fail)).judgement, judged(Verdict::Fail).judgement);
    let kept = approved(&seen, None);
    assert_eq!(stands(Some(&kept)).over(&judged(Verdict::Pass)).judgement.verdict, Verdict::Pass);
}

#[test]
fn an_approval_makes_no_failing_check_pass_and_nothing_is_said_of_an_unknown() {
    let failed = judged(Verdict::Fail);
    assert_eq!(Standing::Approved.over(&failed).judgement, failed.judgement);
    let differs = Standing::Differs(Difference { added: vec!["23".into()], ..Difference::default() });
    assert_eq!(differs.over(&failed).judgement.reason, "as judged; also differs from the approved baseline: added 23");
    let planned = Standing::Planned { by: "ticket C-7".into(), difference: Difference::default() };
    assert_eq!(planned.over(&failed).judgement.verdict, Verdict::Fail);
    for verdict in [Verdict::Unknown(crate::model::Cause::Timeout), Verdict::NotApplicable] {
        assert_eq!(differs.over(&judged(verdict)), judged(verdict));
    }
}

#[test]
fn an_announced_change_is_a_warning_until_its_end() {
    let drift = drift(PORTS);
    let mut kept = approved(&Snapshot::of(&drift, &value("[22]")), None);
    kept.plan = Some(Planned { ticket: "C-7".into(), actor: "bob".into(), until: at(11) });
    let seen = Snapshot::of(&drift, &value("[22, 80]"));
    let shown = standing(&seen, &now(&kept, &[], false)).over(&judged(Verdict::Pass));
    assert_eq!(shown.judgement.verdict, Verdict::Warn);
    assert!(shown.judgement.reason.starts_with("planned (ticket C-7, until "), "{}", shown.judgement.reason);
    let later = Circumstances { now: at(11), ..now(&kept, &[], false) };
    assert_eq!(standing(&seen, &later).word(), "differs");
}

#[test]
fn a_window_for_changes_announces_them_and_another_window_does_not() {
    let drift = drift(PORTS);
    let kept = approved(&Snapshot::of(&drift, &value("[22]")), None);
    let seen = Snapshot::of(&drift, &value("[80]"));
    let window = |effect| Window {
        name: "patch-night".into(),
        opens: Calendar::parse("* * * * *", chrono_tz::UTC).unwrap(),
        lasts: std::time::Duration::from_mins(5),
        effects: vec![effect],
    };
    let open = [window(WindowEffect::Change)];
    assert!(
        matches!(standing(&seen, &now(&kept, &open, false)), Standing::Planned { by, .. } if by == "window patch-night")
    );
    assert_eq!(standing(&seen, &now(&kept, &[window(WindowEffect::NoAlert)], false)).word(), "differs");
}

#[test]
fn an_approval_that_is_over_or_of_another_form_is_a_warning_and_no_pass() {
    let drift = drift(PORTS);
    let seen = Snapshot::of(&drift, &value("[22]"));
    let over = approved(&seen, Some(at(10)));
    let shown = standing(&seen, &now(&over, &[], false)).over(&judged(Verdict::Pass));
    assert_eq!((shown.judgement.verdict, shown.evidence.drift.unwrap().standing.as_str()), (Verdict::Warn, "expired"));
    let other = self::drift("{ baseline: set, of: tcp.ports.closed }");
    let kept = approved(&Snapshot::of(&other, &value("[22]")), None);
    assert_eq!(standing(&seen, &now(&kept, &[], false)), Standing::Outdated);
    let mut unreadable = approved(&seen, None);
    unreadable.approval.as_mut().unwrap().value = "{}".into();
    assert_eq!(standing(&seen, &now(&unreadable, &[], false)), Standing::Outdated);
}
