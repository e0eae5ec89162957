use super::scene::Scene;
use super::*;
use crate::model::{Cause, Value};

const RULE: &str = "
not_applicable_when: [{ fact: t.os, equals: windows }]
requires: [{ fact: t.age, at_most: 7, cause: stale, say: 'the package lists are {observed} days old; repair the timer' }]
assert:
  - { fact: t.f, subset_of: params.allowed }
  - { fact: t.n, at_least: 1 }
warn: [{ fact: t.n, at_least: 5 }]
";

fn scene() -> Scene {
    Scene::of("[1]").fact("t.os", r#""linux""#).fact("t.age", "1").fact("t.n", "9").params(r#"{"allowed":[1]}"#)
}

#[test]
fn a_pass_says_what_was_seen_and_keeps_its_parameters() {
    let judgement = scene().judge(RULE);
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(judgement.reason, "t.f is 1, as expected: only [1] (params.allowed); t.n: at least 1");
    assert_eq!(judgement.observed, Value::list([Value::Int(1)]));
    assert_eq!(judgement.params.get("allowed"), Some(&Value::list([Value::Int(1)])));
}

#[test]
fn a_fail_names_all_that_offends() {
    let judgement = scene().fact("t.f", "[1, 23]").fact("t.n", "0").judge(RULE);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(
        judgement.reason,
        "t.f: 1 of 2 offend (23); expected only [1] (params.allowed); t.n is 0; expected at least 1"
    );
}

/// The places of `expected`, each as its way, its rule and what is wanted.
fn told(judgement: &crate::model::Judgement) -> Vec<String> {
    let field = |place: &Value, name| place.get(name).and_then(Value::as_text).unwrap_or("-").to_owned();
    let places = judgement.expected.as_list().unwrap_or_default().iter();
    places
        .map(|place| format!("{} {}: {}", field(place, "way"), field(place, "rule"), field(place, "wanted")))
        .collect()
}

#[test]
fn where_several_assertions_decide_each_is_named_with_what_it_wants() {
    let judgement = scene().fact("t.f", "[1, 23]").fact("t.n", "0").judge(RULE);
    assert_eq!(told(&judgement), ["- t.f: only [1] (params.allowed)", "- t.n: at least 1"]);
    assert_eq!(judgement.observed, Value::list([Value::list([Value::Int(23)]), Value::Int(0)]));
}

#[test]
fn alternatives_are_told_way_by_way() {
    let rule = "
assert:
  - any:
      - { fact: t.os, equals: bsd, say: 'it is no {expected}' }
      - all:
          - { fact: t.n, at_least: 10 }
          - any: [{ fact: t.age, at_most: 0 }, { fact: t.f, equals: 2 }]
  - any: [{ fact: t.n, equals: 3 }, { none: [{ fact: t.n, equals: 9 }] }]
";
    let judgement = scene().judge(rule);
    assert_eq!(
        told(&judgement),
        ["A1 t.os: bsd", "A2 t.n: at least 10", "A2.1 t.age: at most 0", "A2.2 t.f: 2", "B1 t.n: 3", "B2 t.n: not 9"]
    );
    let expected = judgement.expected.as_list().unwrap();
    assert_eq!(expected[0].get("says"), Some(&Value::text("it is no bsd")));
    assert_eq!(judgement.observed.as_list().map(<[Value]>::len), Some(expected.len()));
    // one that cannot be named still has its place, because a waiver counts the places
    let nameless = "assert: [{ fact: t.n, equals: 3 }, { none: [{ none: [{ fact: t.n, equals: 8 }] }] }]";
    let judgement = scene().judge(nameless);
    assert_eq!(judgement.observed.as_list().map(<[Value]>::len), Some(2), "{judgement:?}");
}

#[test]
fn a_warning_comes_after_the_assertions() {
    assert_eq!(scene().fact("t.n", "2").judge(RULE).verdict, Verdict::Warn);
}

#[test]
fn exclusion_needs_positive_evidence() {
    let excluded = scene().fact("t.os", r#""windows""#).fact("t.n", "0").judge(RULE);
    assert_eq!(excluded.verdict, Verdict::NotApplicable);
    assert!(excluded.reason.contains("t.os is windows"), "{}", excluded.reason);
    assert_eq!(scene().missing("t.os", Cause::Timeout).judge(RULE).verdict, Verdict::Pass);
}

#[test]
fn evidence_that_does_not_count_is_unknown_even_when_it_looks_bad() {
    let judgement = scene().fact("t.age", "30").fact("t.n", "0").judge(RULE);
    assert_eq!(judgement.verdict, Verdict::Unknown(Cause::Stale));
    assert!(judgement.reason.contains("the package lists are 30 days old; repair the timer"), "{}", judgement.reason);
    let missing = scene().missing("t.age", Cause::Privilege).judge(RULE);
    assert_eq!(missing.verdict, Verdict::Unknown(Cause::Privilege));
}

#[test]
fn a_missing_fact_is_unknown_unless_another_assertion_decides() {
    let unknown = scene().missing("t.f", Cause::Timeout).judge(RULE);
    assert_eq!(unknown.verdict, Verdict::Unknown(Cause::Timeout));
    assert_eq!(unknown.reason, "t.f: try again");
    let failed = scene().missing("t.f", Cause::Timeout).fact("t.n", "0").judge(RULE);
    assert_eq!(failed.verdict, Verdict::Fail);
}

#[test]
fn a_warning_that_cannot_be_judged_leaves_the_pass_and_says_so() {
    let judgement = scene()
        .missing("t.w", Cause::Timeout)
        .judge("{assert: [{fact: t.n, exists: true}], warn: [{fact: t.w, equals: 1}]}");
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert!(judgement.reason.contains("a warning could not be judged"), "{}", judgement.reason);
}

#[test]
fn assertions_with_nothing_to_judge_give_no_pass() {
    let scene = Scene::of("[]").fact("t.g", "1");
    for rule in [
        "{}",
        "{assert: []}",
        "{assert: [{fact: t.f, equals: 1}]}",
        "{assert: [{fact: t.g, equals: 1, when: {fact: t.g, equals: 2}}]}",
        "{assert: [{any: [{fact: t.f, matches: a}]}, {fact: t.f, at_least: 1}]}",
    ] {
        let judgement = scene.judge(rule);
        assert_eq!(judgement.verdict, Verdict::Unknown(Cause::NoData), "{rule}");
        assert!(judgement.reason.contains("nothing was judged"), "{}", judgement.reason);
    }
    assert_eq!(scene.judge("{assert: [{fact: t.f, equals: 1}, {fact: t.g, equals: 1}]}").verdict, Verdict::Pass);
    assert_eq!(scene.judge("{assert: [{fact: t.f, none_of: [1]}]}").verdict, Verdict::Pass);
}

#[test]
fn a_reason_is_one_bounded_line() {
    let long = format!("[{}]", vec![format!("\"{}\\n\\u001b\"", "x".repeat(900)); 50].join(","));
    let judgement = Scene::of(&long)
        .judge("{assert: [{fact: t.f, none_of: [y]}, {fact: t.f, count: 1}, {fact: t.f, unique: true}]}");
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.reason.chars().count() <= 1_500);
    assert!(!judgement.reason.chars().any(char::is_control));
}

#[test]
fn a_rule_lists_its_names() {
    let rule: Rule = serde_saphyr::from_str(RULE).unwrap();
    assert_eq!(rule.names().len(), 5);
    assert!(rule.names().contains(&NameRef::Param("allowed".into())));
}

#[test]
fn an_exclusion_is_told_in_the_authors_words_or_else_in_plain_ones() {
    let reason = |scene: Scene, exclusion: &str| {
        let rule = format!("not_applicable_when: [{exclusion}]\nassert: [{{ fact: t.f, exists: true }}]");
        let judgement = scene.judge(&rule);
        assert_eq!(judgement.verdict, Verdict::NotApplicable, "{exclusion}: {}", judgement.reason);
        judgement.reason
    };
    let ports = || Scene::of(r#"[{"port":1883,"state":"closed"},{"port":8883,"state":"closed"}]"#);
    let closed = "all: [{ fact: t.f, count: { at_least: 1 } }, { fact: t.f, field: state, in: [closed] }]";
    assert_eq!(
        reason(ports(), &format!("{{ {closed}, say: 'no broker here: {{elements}} are closed' }}")),
        "does not apply: no broker here: 1883, 8883 are closed"
    );
    assert_eq!(
        reason(ports(), &format!("{{ {closed} }}")),
        "does not apply: t.f has 2 elements, and each state of t.f is closed"
    );
    let plain = |exclusion| reason(Scene::of(r#""tape""#).params(r#"{"off":true,"names":[]}"#), exclusion);
    assert_eq!(plain("{ fact: params.off, equals: true }"), "does not apply: params.off is true");
    assert_eq!(plain("{ fact: params.names, empty: true }"), "does not apply: params.names is empty");
    assert_eq!(
        plain("{ fact: t.f, not_in: [disk, cloud] }"),
        "does not apply: t.f is tape, which is not among [disk, cloud]"
    );
}

#[test]
fn a_pass_over_few_elements_reads_like_a_sentence() {
    let reason = |json: &str, rule: &str| Scene::of(json).judge(&format!("assert: [{rule}]")).reason;
    let rows = r#"[{"name":"a","weak":"no"}]"#;
    assert_eq!(
        reason(rows, "{ fact: t.f, where: { weak: 'yes' }, field: name, in: [] }"),
        "name of t.f (weak: yes): none"
    );
    assert_eq!(reason(rows, "{ fact: t.f, field: weak, in: ['no'] }"), "weak of t.f is no, as expected: only [no]");
    assert_eq!(reason(rows, "{ fact: t.f, count: { at_least: 1 } }"), "t.f: 1 element (a), as expected: at least 1");
}

#[test]
fn a_pass_tells_of_its_further_assertions_and_is_the_same_at_the_next_visit() {
    let rule = "
assert:
  - { fact: t.f.state, equals: up }
  - any: [{ fact: t.f.mode, equals: x }, { all: [{ fact: t.f.mode, in: [a, b] }, { fact: t.f.used, at_most: 80 }] }]
  - none: [{ fact: t.f.mode, equals: x }]
  - { fact: t.f.rows, where: { open: true }, field: name, in: [] }
  - expr: 'fact.t.f.owner == \"me\" && fact.t.f.used < 90'
";
    let reason = |used: u32| {
        let rows = r#"[{"name":"a","open":false}]"#;
        let json = format!(r#"{{"state":"up","mode":"a","used":{used},"owner":"me","rows":{rows}}}"#);
        Scene::of(&json).judge(rule).reason
    };
    assert_eq!(
        reason(20),
        "t.f.state is up, as expected: up; t.f.mode is a; t.f.used: at most 80; \
         name of t.f.rows (open: true): none; t.f.owner is me, t.f.used is as it should be"
    );
    assert_eq!(reason(20), reason(21), "a number that moves is no other judgement");
}

#[test]
fn a_pass_over_many_elements_names_the_first() {
    let rows: Vec<String> = (0..9).map(|n| format!(r#"{{"name":"n{n}","v":{n}}}"#)).collect();
    let reason =
        Scene::of(&format!("[{}]", rows.join(","))).judge("assert: [{ fact: t.f, count: { at_least: 1 } }]").reason;
    assert_eq!(reason, "t.f: 9 elements (n0, n1, n2 and 6 more), as expected: at least 1");
}

#[test]
fn a_row_that_says_why_it_lacks_a_field_gives_its_cause() {
    let rows = r#"[{"port":80,"state":"error","cause":"timeout","detail":"no answer in time"}]"#;
    let judgement = Scene::of(rows).judge("assert: [{ fact: t.f, field: status, in: [301] }]");
    assert_eq!(judgement.verdict, Verdict::Unknown(Cause::Timeout));
    assert_eq!(judgement.reason, "t.f: 80: no answer in time");
    let stranger = r#"[{"port":80,"cause":"the device says so"}]"#;
    let judgement = Scene::of(stranger).judge("assert: [{ fact: t.f, field: status, in: [301] }]");
    assert_eq!(judgement.verdict, Verdict::Unknown(Cause::NoData), "{}", judgement.reason);
}
