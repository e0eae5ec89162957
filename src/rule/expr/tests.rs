use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::model::{Cause, Params, Reading, Value, Verdict};
use crate::rule::Matcher;
use crate::rule::matcher::Outcome;
use crate::rule::scene::Scene;

/// The outcome of an expression, written as it stands in a file.
fn word(scene: &Scene, source: &str) -> &'static str {
    scene.word(&serde_json::json!({ "expr": source }).to_string())
}

fn refusal(source: &str) -> String {
    Expression::of_rule(source).unwrap_err()
}

#[test]
fn facts_parameters_asset_and_verdicts_are_read() {
    let scene = Scene::of(r#"{"root": "no", "tries": 4, "list": [22, 80]}"#)
        .fact("device", r#"{"model": "X"}"#)
        .params(r#"{"max": 6, "ports": [22, "80"]}"#)
        .verdict("mfa-ssh", Verdict::Pass);
    for (source, expected) in [
        ("fact.t.f.root == 'no'", "holds"),
        ("fact.t.f.tries <= params.max", "holds"),
        ("fact.t.f.tries + 1 == 5", "holds"),
        ("fact.t.f.tries > params.max", "offends"),
        ("fact.t.f.list.all(p, in_set(p, params.ports))", "holds"),
        ("fact.t.f.list.all(p, p in params.ports)", "offends"),
        ("fact.t.f.list.exists(p, p == 80) && size(fact.t.f.list) == 2", "holds"),
        ("fact.device.model == 'X'", "holds"),
        ("asset.kind == 'linux-host' && asset.labels.line == '3'", "holds"),
        ("verdict['mfa-ssh'] == 'pass'", "holds"),
        ("has(fact.t.f.gone) || fact.t.f.root == 'no'", "holds"),
        ("has(fact.t.f.gone)", "offends"),
        ("fact.t.f[?'gone'].orValue('x') == 'x'", "holds"),
        ("fact.t.f.?gone.orValue('x') == 'x'", "holds"),
    ] {
        assert_eq!(word(&scene, source), expected, "{source}");
    }
}

#[test]
fn our_functions_do_what_they_say() {
    let scene = Scene::of(r#"{"v": "4.10", "ip": "10.1.2.3", "t": "2026-05-31", "csv": "a,b", "n": 22, "s": "22"}"#);
    for (source, expected) in [
        ("version_at_least(fact.t.f.v, '4.9')", "holds"),
        ("version_at_least(fact.t.f.v, '4.11', 'semver')", "offends"),
        ("version_at_least(fact.t.f.csv, '4.9')", "parse"),
        ("cidr(fact.t.f.ip, '10.0.0.0/8')", "holds"),
        ("fact.t.f.ip.cidr('10.2.0.0/16')", "offends"),
        ("cidr(fact.t.f.csv, '10.0.0.0/8')", "parse"),
        ("cidr(fact.t.f.ip, ['192.0.2.0/24', '10.1.0.0/16'])", "holds"),
        ("cidr(fact.t.f.ip, [])", "offends"),
        ("cidr(['10.1.0.0/24', fact.t.f.ip], ['10.0.0.0/8'])", "holds"),
        ("cidr(['10.0.0.0/7', fact.t.f.ip], ['10.0.0.0/8'])", "offends"),
        ("cidr(fact.t.f.ip, ['a'])", "parse"),
        ("in_set(fact.t.f.n, ['22'])", "holds"),
        ("in_set(fact.t.f.s, [22])", "holds"),
        ("in_set(fact.t.f.s, [23])", "offends"),
        ("in_set(fact.t.f.s, 'x')", "parse"),
        ("days_since(fact.t.f.t) == 1.0", "holds"),
        ("days_since(timestamp('2026-05-30T00:00:00Z')) == 2.0 && fact.t.f.n == 22", "holds"),
        ("days_since(fact.t.f.csv) < 1.0", "parse"),
        ("split(fact.t.f.csv, ',') == ['a', 'b']", "holds"),
        ("fact.t.f.csv.split(',').exists(x, x == 'b')", "holds"),
        ("split(fact.t.f.csv, '') == []", "parse"),
        ("fact.t.f.v.matches('^4[.]')", "holds"),
    ] {
        assert_eq!(word(&scene, source), expected, "{source}");
    }
}

#[test]
fn what_is_missing_is_unknown_and_what_is_absent_can_be_asked_for() {
    let scene = Scene::of(r#"{"a": 1}"#)
        .missing("t.off", Cause::Timeout)
        .reading("t.gone", Reading::Absent("no such file".into()));
    for (source, expected) in [
        ("fact.t.off.x == 1", "timeout"),
        ("fact.t.f.a == 1 || fact.t.off.x == 1", "timeout"),
        ("has(fact.t.off.x)", "timeout"),
        ("!has(fact.t.gone.x)", "holds"),
        ("fact.t.gone.x == 1", "no_data"),
        ("fact.t.f.b == 1", "no_data"),
        ("fact.t.never.b == 1", "no_data"),
        ("params.p == 1", "no_data"),
        ("verdict.other == 'pass'", "no_data"),
        ("fact.t.f.a / 0 == 1", "parse"),
        ("fact.t.f.a < 'x'", "parse"),
        ("fact.t.f.a", "internal"),
        ("-9223372036854775807 - 1 - fact.t.f.a == 0", "parse"),
    ] {
        assert_eq!(word(&scene, source), expected, "{source}");
    }
    assert!(scene.text("{expr: 'fact.t.f.b == 1'}").contains("which the asset does not say"));
}

#[test]
fn an_offence_shows_what_was_read() {
    let scene = Scene::of(r#"{"n": 3}"#);
    assert_eq!(scene.text("{expr: 'fact.t.f.n == 4'}"), "`fact.t.f.n == 4` does not hold: {fact.t.f.n: 3}");
    assert_eq!(scene.text("{expr: 'fact.t.f.n == 4', say: 'saw {observed}'}"), "saw {fact.t.f.n: 3}");
}

#[test]
fn unknown_names_and_functions_do_not_load() {
    for (source, words) in [
        ("facts.a == 1", "`facts` is unknown"),
        ("fact == 1", "name what is read"),
        ("fact[params.x] == 1", "name what is read"),
        ("fact.a.b.al(x, x)", "no function `al`"),
        ("1 == 1", "judges nothing"),
        ("fact.a.b.all(fact, true)", "must not be called `fact`"),
        ("fact.a.b == ", "line 1, column"),
        ("Foo{a: 1} == fact.a.b", "no type"),
        ("fact.a.b.matches(params.p)", "plain text"),
        ("fact.a.b.matches('a(')", "unclosed group"),
        ("fact.a.b.matches('((a{1000}){1000}){1000}')", "too large"),
    ] {
        let error = refusal(source);
        assert!(error.contains(words), "{source}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn what_cannot_be_bounded_does_not_load() {
    let chain = |sign: &str, n: usize| format!("fact.a.b == {}", vec!["1"; n].join(sign));
    for source in [
        format!("fact.a.b == {}1{}", "(".repeat(400), ")".repeat(400)),
        format!("fact.a.b == {}1{}", "[".repeat(400), "]".repeat(400)),
        format!("{}fact.a.b", "!".repeat(900)),
        format!("{}fact.a.b == 1", "-".repeat(900)),
        chain("+", 500),
        chain("+", 200),
        chain("||", 300),
        format!("fact.a.b{}", "[0]".repeat(300)),
        format!("fact.a{}", ".b".repeat(500)),
        format!("{}fact.a.b", "fact.a.b ? 1 : ".repeat(66)),
        format!("fact.a.b.matches('{}')", "a".repeat(2000)),
        "fact.a.b.all(x, fact.a.c.all(y, x == y))".to_owned(),
        "fact.a.b.map(x, fact.a.b.map(y, [x, y])) == []".to_owned(),
        "[1].exists(x, [2].exists(y, [3].exists(z, fact.a.b == z)))".to_owned(),
        format!("fact.a.b == '{}'", "\u{1F600}".repeat(300)),
        "fact.a.b == '\\".to_owned(),
        "\"".repeat(1000),
        "\u{0}\u{1}".to_owned(),
        String::new(),
    ] {
        assert!(Expression::of_rule(&source).is_err(), "{source}");
    }
    assert!(
        Expression::of_rule("fact.a.b.filter(x, x > 1).all(y, y < 9)").is_ok(),
        "one loop after another is bounded"
    );
}

#[test]
fn hostile_values_end_in_an_unknown_and_never_in_a_panic() {
    let scene = Scene::of(
        r#"{"min": -9223372036854775808, "big": 9223372036854775807, "f": 1e308, "t": "x", "l": [], "z": 0,
            "far": "9999999999999999999h", "m": {"a": {"b": null}}}"#,
    );
    for source in [
        "fact.t.f.min / -1 == 0",
        "fact.t.f.min % -1 == 0",
        "-fact.t.f.min == 0",
        "fact.t.f.big + 1 == 0",
        "fact.t.f.big * 2 == 0",
        "fact.t.f.big % fact.t.f.z == 0",
        "fact.t.f.l[-1] == 0",
        "fact.t.f.l[fact.t.f.big] == 0",
        "int(fact.t.f.f * 10.0) == 0",
        "int(fact.t.f.t) == 0",
        "uint(fact.t.f.min) == 0u",
        "duration(fact.t.f.far) == duration('1s')",
        "duration('9223372036854775807h') == duration(fact.t.f.t)",
        "timestamp(fact.t.f.big) == timestamp(0)",
        "timestamp('9999-12-31T23:59:59Z') + duration('900000h') == timestamp(fact.t.f.t)",
        "timestamp('2026-01-01T00:00:00Z') - timestamp('0001-01-01T00:00:00Z') > duration('1h') && fact.t.f.z == 1",
        "timestamp('2026-01-01T00:00:00Z').getHours(fact.t.f.t) == 1",
        "days_since(fact.t.f.big) > 1.0",
        "days_since(fact.t.f.f) > 1.0",
        "fact.t.f.m.a.b.c == 1",
        "fact.t.f.t.matches('(a+)+$')",
        "split(fact.t.f.t, 'x')[9] == ''",
        "cidr('::1', '10.0.0.0/8') && fact.t.f.z == 0",
        "{fact.t.f.t: 1}[fact.t.f.z] == 1",
        "{1: 1, 1: 2}[fact.t.f.z] == 1",
        "string(fact.t.f.l) == ''",
        "type(fact.t.f.z) == type(fact.t.f.t)",
        "fact.t.f.t[0] == 'x'",
        "double(fact.t.f.t) == 1.0",
        "bool(fact.t.f.t)",
        "fact.t.f.t.size() == 1 ? fact.t.f.l : fact.t.f.m",
    ] {
        let _ = word(&scene, source);
    }
}

#[test]
fn the_worst_that_loads_still_ends_soon() {
    let rows: Vec<String> = (0..10_000).map(|n| format!("\"{n}\"")).collect();
    let many = Scene::of(&format!("[{}]", rows.join(",")));
    let few = Scene::of(&format!("[{}]", rows[..1_000].join(",")));
    assert_eq!(word(&many, "fact.t.f.all(x, x in fact.t.f)"), "parse", "a square of 10,000 is refused");
    let start = Instant::now();
    assert_eq!(word(&many, "fact.t.f.all(x, size(x) < 9)"), "holds");
    assert_eq!(word(&few, "fact.t.f.all(x, x in fact.t.f)"), "holds");
    assert_eq!(
        word(&few, "fact.t.f.all(x, x in fact.t.f && in_set(x, fact.t.f))"),
        "parse",
        "twice the work, half the rows"
    );
    let sum = vec!["fact.t.f"; 60].join("+");
    assert_eq!(word(&many, &format!("size({sum}) > 0")), "parse");
    assert_eq!(word(&Scene::of(&format!("[{}]", rows[..600].join(","))), &format!("size({sum}) > 0")), "holds");
    assert_eq!(word(&few, &format!("fact.t.f.all(x, size({sum}) > 0)")), "parse");
    assert_eq!(
        word(&Scene::of("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"), &format!("fact.t.f.all(x, size({sum}) > 0)")),
        "holds"
    );
    assert_eq!(word(&few, r"fact.t.f.all(x, x.matches('^\\d{1,50}$'))"), "holds");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn an_expression_of_a_selector_reads_other_variables() {
    let expression = Expression::parse("asset.kind == 'plc' && 'ssh' in has").unwrap();
    let variables: Vec<&str> = expression.variables().collect();
    assert_eq!(variables, ["asset", "has"]);
    let given = |kind: &str| -> Params {
        let asset = Value::map([("kind", Value::text(kind))]);
        Arc::new([("asset".into(), asset), ("has".into(), Value::list(["ssh".into()]))].into())
    };
    assert_eq!(expression.holds(&given("plc")), Ok(true));
    assert_eq!(expression.holds(&given("hmi")), Ok(false));
    assert!(expression.holds(&Params::default()).is_err());
}

#[test]
fn expressions_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Expression>();
    shared::<Matcher>();
}

#[test]
fn an_expression_over_rows_names_those_that_offend() {
    let scene =
        Scene::of(r#"{"rules": [{"name": "a", "n": 1}, {"name": "b", "n": 2}, {"port": 7, "n": 3}], "most": 1}"#);
    let offenders = |source: &str| match Expression::of_rule(source).unwrap().judge(&scene.context()) {
        Outcome::Offends(finding) => finding.offenders,
        other => panic!("{other:?}"),
    };
    assert_eq!(offenders("fact.t.f.rules.all(r, r.n <= fact.t.f.most)"), "b, 7");
    // what is no rule over each row names nobody
    assert_eq!(offenders("fact.t.f.most > 1"), "");
    assert_eq!(offenders("size(fact.t.f.rules) == 2"), "a, b, 7");
}
