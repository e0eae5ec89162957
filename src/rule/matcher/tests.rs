use proptest::prelude::*;

use super::*;
use crate::model::{Reading, Value, Verdict};
use crate::rule::scene::Scene;

/// Each row: the fact as JSON, the matcher on `t.f`, the outcome.
fn table(rows: &[(&str, &str, &str)]) {
    for (json, matcher, expected) in rows {
        let found = Scene::of(json).word(&format!("{{fact: t.f, {matcher}}}"));
        assert_eq!(found, *expected, "{json} {matcher}");
    }
}

fn refusal(matcher: &str) -> String {
    serde_saphyr::from_str::<Matcher>(matcher).unwrap_err().to_string()
}

#[test]
fn a_single_value_is_compared() {
    table(&[
        (r#""no""#, "equals: 'no'", "holds"),
        (r#""yes""#, "equals: 'no'", "offends"),
        ("5", "equals: '5'", "holds"),
        (r#""5""#, "equals: 5", "holds"),
        (r#""never""#, "equals: 5", "parse"),
        ("true", "equals: true", "holds"),
        ("true", "equals: 1", "parse"),
        (r#""no""#, "not_equals: 'yes'", "holds"),
        ("5", "not_equals: 'none'", "parse"),
        (r#""no""#, "in: ['no', prohibit-password]", "holds"),
        ("1", "in: ['no', prohibit-password]", "offends"),
        (r#""x""#, "not_in: [a, b]", "holds"),
        (r#""a""#, "not_in: [a, b]", "offends"),
        ("1", "not_in: [a, b]", "parse"),
        (r#""x""#, "in: []", "offends"),
    ]);
}

#[test]
fn numbers_have_limits() {
    table(&[
        ("12", "at_least: 12", "holds"),
        ("11", "at_least: 12", "offends"),
        (r#""12.5""#, "at_least: 12", "holds"),
        (r#""unlimited""#, "at_least: 12", "parse"),
        ("null", "at_least: 12", "no_data"),
        ("30.1", "at_most: 30", "offends"),
        ("[1, 2, 3]", "at_most: 3", "holds"),
        ("[1, \"x\", 9]", "at_most: 3", "offends"),
        ("[1, \"x\"]", "at_most: 3", "parse"),
        ("true", "at_most: 3", "parse"),
    ]);
}

#[test]
fn texts_match_patterns() {
    table(&[
        (r#""SSH-2.0-OpenSSH_9.2""#, "matches: '^SSH-2'", "holds"),
        (r#""SSH-1.99""#, "matches: '^SSH-2'", "offends"),
        ("12", "matches: '^1[23]$'", "holds"),
        (r#""ok""#, "not_matches: 'error'", "holds"),
        (r#"["ok", "error 3"]"#, "not_matches: 'error'", "offends"),
        (r#"{"a": 1}"#, "not_matches: 'error'", "parse"),
    ]);
}

#[test]
fn versions_are_ordered_by_their_scheme() {
    table(&[
        (r#""4.10""#, "version_at_least: '4.9'", "holds"),
        (r#""4.8""#, "version_at_least: '4.9'", "offends"),
        ("12", "version_at_least: '11'", "holds"),
        (r#""15.2(7)E3""#, "version_at_least: '15.2'", "parse"),
        (r#""1:9.2p1-2+deb12u3""#, "version_at_least: '1:9.2p1-2+deb12u2', scheme: debian", "holds"),
        (r#""1.0~rc1-1""#, "version_at_least: '1.0-1', scheme: rpm", "offends"),
    ]);
    let scene = Scene::of(r#""2.0.0-rc.1""#).params(r#"{"min":"2.0.0","scheme":"semver","odd":"roman"}"#);
    assert_eq!(scene.word("{fact: t.f, version_at_least: params.min, scheme: params.scheme}"), "offends");
    assert_eq!(scene.word("{fact: t.f, version_at_least: params.min, scheme: params.odd}"), "parse");
}

#[test]
fn ages_are_measured_against_the_time_of_judgement() {
    table(&[
        (r#""2026-05-20T00:00:00Z""#, "newer_than: 30d", "holds"),
        (r#""2026-04-20T00:00:00Z""#, "newer_than: 30d", "offends"),
        (r#""2026-05-20""#, "newer_than: 2", "offends"),
        (r#""2026-07-20""#, "newer_than: 30d", "parse"),
        (r#""2026-04-20""#, "older_than: 30d", "holds"),
        (r#""2026-07-20""#, "older_than: 30d", "offends"),
        (r#""soon""#, "newer_than: 30d", "parse"),
        ("1780200000", "newer_than: 1d", "holds"),
        ("1780200000", "newer_than: 12h", "offends"),
    ]);
    assert!(Scene::of(r#""2027-01-01""#).text("{fact: t.f, newer_than: 1d}").contains("clock"));
}

#[test]
fn sets_are_compared_as_sets() {
    table(&[
        ("[443, 22]", "subset_of: [22, 80, 443]", "holds"),
        ("[443, 23]", "subset_of: [22, 80, 443]", "offends"),
        ("[]", "subset_of: [22]", "holds"),
        ("[\"22\"]", "subset_of: [22]", "holds"),
        ("[22]", "superset_of: [22, 80]", "offends"),
        ("[22, 80, 1]", "superset_of: [22, 80]", "holds"),
        ("[]", "superset_of: [22]", "offends"),
        (r#"["aes", "rc4"]"#, "none_of: [rc4, des]", "offends"),
        (r#"["aes"]"#, "none_of: [rc4, des]", "holds"),
        ("[]", "none_of: [rc4, des]", "holds"),
        ("[5]", "none_of: [rc4, des]", "parse"),
        ("[2, 1]", "equals: [1, 2]", "holds"),
        ("[1, 2, 3]", "equals: [1, 2]", "offends"),
        ("[1]", "equals: [1, 2]", "offends"),
        ("[1]", "not_equals: [1, 2]", "holds"),
        ("[2, 1]", "not_equals: [1, 2]", "offends"),
        ("[1, 2]", "unique: true", "holds"),
        ("[1, 2, 1]", "unique: true", "offends"),
        ("22", "subset_of: [22]", "holds"),
        ("[1, 2, 9]", "subset_of: [1, 2], except: [9]", "holds"),
    ]);
}

#[test]
fn elements_are_counted() {
    table(&[
        ("[1, 2]", "count: 2", "holds"),
        ("[1, 2]", "count: 3", "offends"),
        ("[1, 2]", "count: {at_least: 1, at_most: 2}", "holds"),
        ("[]", "count: {at_least: 1}", "offends"),
        (r#"{"a": 1}"#, "count: 1", "holds"),
        (r#""text""#, "count: 1", "parse"),
        ("[]", "empty: true", "holds"),
        ("[1]", "empty: true", "offends"),
        ("[1]", "empty: false", "holds"),
        (r#""  ""#, "empty: true", "holds"),
        (r#"[{"s": "a"}, {"s": "b"}]"#, "where: {s: a}, count: 1", "holds"),
        (r#"[{"s": "a"}, {}]"#, "where: {s: a}, count: 1", "no_data"),
        (r#"[{"s": "a"}, {}]"#, "where: {s: a}, count: {at_least: 1}", "holds"),
        (r#"[{"s": "a"}, {}]"#, "where: {s: a}, count: 0", "offends"),
        (r#"[{"s": "a"}]"#, "where: {s: [b, c]}, empty: true", "holds"),
        (r#"[{"s": "a"}, {"s": "b"}, {}]"#, "where_not: {s: [a, c]}, count: 2", "holds"),
        (
            r#"[{"s": "a", "t": 1}, {"s": "b", "t": 2}]"#,
            "where: {s: [a, b]}, where_not: {t: 2, s: c}, count: 1",
            "holds",
        ),
    ]);
}

#[test]
fn presence_is_asked_for_by_name() {
    table(&[
        ("1", "exists: true", "holds"),
        ("1", "exists: false", "offends"),
        ("1", "absent: true", "offends"),
        ("null", "exists: true", "offends"),
        ("null", "absent: true", "holds"),
        (r#"[{"s": "a"}]"#, "where: {s: a}, exists: true", "holds"),
        (r#"[{"s": "a"}]"#, "where: {s: b}, exists: true", "offends"),
        (r#"[{"s": "a"}]"#, "where: {s: b}, absent: true", "holds"),
        (r#"[{"s": "b"}]"#, "where: {s: b}, absent: true", "offends"),
        ("[{}]", "where: {s: b}, absent: true", "no_data"),
    ]);
    let scene = Scene::new().reading("t.f", Reading::Absent("no such file".into())).missing("t.g", Cause::Timeout);
    assert_eq!(scene.word("{fact: t.f.x, absent: true}"), "holds");
    assert_eq!(scene.word("{fact: t.f, exists: true}"), "offends");
    assert_eq!(scene.word("{fact: t.g, exists: true}"), "timeout");
    assert_eq!(scene.word("{fact: t.g, absent: true}"), "timeout");
    assert_eq!(Scene::of(r#"{"a": 1}"#).word("{fact: t.f.b, absent: true}"), "holds");
}

#[test]
fn rows_are_judged_by_a_field() {
    let rows = r#"[{"port": 443, "bits": 1024, "names": ["a"]}, {"port": 8443, "bits": 4096, "names": ["a", "b"]}]"#;
    table(&[
        (rows, "field: bits, at_least: 1024", "holds"),
        (rows, "field: bits, at_least: 2048", "offends"),
        (rows, "where: {port: 8443}, field: bits, at_least: 2048", "holds"),
        (rows, "field: names, none_of: [b]", "offends"),
        (rows, "field: names, superset_of: [a]", "holds"),
        (rows, "field: names, superset_of: [b]", "offends"),
        (rows, "field: port, superset_of: [443, 8443]", "holds"),
        (rows, "field: port, equals: [443]", "parse"),
        (rows, "field: names, equals: [a]", "offends"),
        (r#"{"base": {"gpgcheck": 1}, "extra": {"gpgcheck": 0}}"#, "field: gpgcheck, equals: 1", "offends"),
        (r#"{"base": {"gpgcheck": 1}}"#, "field: gpgcheck, equals: 1", "holds"),
        (r#"{"gpgcheck": 1}"#, "field: gpgcheck, equals: 1", "holds"),
    ]);
    assert_eq!(
        Scene::of(rows).text("{fact: t.f, field: bits, at_least: 2048}"),
        "bits of t.f: 1 of 2 offend (443: 1024); expected at least 2048"
    );
    assert!(
        Scene::of(r#"{"base": {"gpgcheck": 0}}"#).text("{fact: t.f, field: gpgcheck, equals: 1}").contains("(base: 0)")
    );
}

#[test]
fn a_field_absent_in_some_rows_is_unknown_unless_said_otherwise() {
    let rows = r#"[{"name": "a", "on": true}, {"name": "b"}]"#;
    table(&[
        (rows, "field: on, equals: true", "no_data"),
        (rows, "field: on, equals: true, absent: holds", "holds"),
        (rows, "field: on, equals: true, absent: fails", "offends"),
        (rows, "field: on, equals: false", "offends"),
        (rows, "where: {on: true}, field: name, equals: a", "no_data"),
        (rows, "where: {on: [true, null]}, field: name, in: [a, b]", "holds"),
        (rows, "where: {on: false, name: a}, field: name, none_of: [b]", "holds"),
        (r#"[{"on": null}]"#, "field: on, not_equals: true", "no_data"),
    ]);
    assert!(Scene::of(rows).text("{fact: t.f, field: on, equals: true}").contains("b has no `on`"));
}

#[test]
fn wanting_something_of_no_element_is_vacuous() {
    table(&[
        ("[]", "equals: 1", "vacuous"),
        ("[]", "at_least: 1", "vacuous"),
        ("[]", "matches: a", "vacuous"),
        ("[]", "version_at_least: '1'", "vacuous"),
        ("[]", "at_most: 1", "holds"),
        ("[]", "in: [1]", "holds"),
        ("[]", "newer_than: 1d", "holds"),
        ("[]", "not_matches: a", "holds"),
        (r#"[{"s": "a", "v": 1}]"#, "where: {s: b}, field: v, equals: 1", "vacuous"),
    ]);
}

#[test]
fn an_absent_subject_is_unknown_unless_said_otherwise() {
    let scene =
        Scene::of(r#"{"a": 1}"#).reading("t.gone", Reading::Absent("exit 4".into())).missing("t.off", Cause::Auth);
    for subject in ["t.f.b", "t.gone.x", "params.p", "asset.owner"] {
        assert_eq!(scene.word(&format!("{{fact: {subject}, equals: 1}}")), "no_data", "{subject}");
        assert_eq!(scene.word(&format!("{{fact: {subject}, equals: 1, absent: holds}}")), "holds", "{subject}");
        assert_eq!(scene.word(&format!("{{fact: {subject}, equals: 1, absent: fails}}")), "offends", "{subject}");
    }
    for policy in ["holds", "fails", "unknown"] {
        assert_eq!(
            scene.word(&format!("{{fact: t.off, equals: 1, absent: {policy}}}")),
            "auth",
            "missing stays missing"
        );
        assert_eq!(scene.word(&format!("{{fact: t.never, equals: 1, absent: {policy}}}")), "no_data");
    }
    assert!(scene.text("{fact: asset.owner, exists: true}").contains("add it to the asset"));
}

#[test]
fn operands_may_refer_to_parameters_the_asset_and_facts() {
    let scene =
        Scene::of("[22, 443]").fact("t.g", r#"{"limit": 2}"#).params(r#"{"few":[22],"deep":{"max":3},"none":null}"#);
    assert_eq!(scene.word("{fact: t.f, subset_of: asset.allowed_ports}"), "holds");
    assert_eq!(scene.word("{fact: t.f, subset_of: params.few}"), "offends");
    assert_eq!(scene.word("{fact: t.f, count: {at_most: 'fact:t.g.limit'}}"), "holds");
    assert_eq!(scene.word("{fact: t.f, count: params.deep.max}"), "offends");
    assert_eq!(scene.word("{fact: t.f, subset_of: params.none}"), "no_data");
    assert_eq!(scene.word("{fact: t.f, subset_of: params.gone}"), "no_data");
    assert_eq!(scene.word("{fact: asset.labels.line, equals: 3}"), "holds");
    assert_eq!(
        scene.text("{fact: t.f, subset_of: params.few}"),
        "t.f: 1 of 2 offend (443); expected only [22] (params.few)"
    );
    assert!(scene.text("{fact: t.f, subset_of: params.gone}").contains("set it in the configuration"));
}

#[test]
fn another_verdict_is_read_and_its_unknown_told_apart() {
    let scene = Scene::new()
        .verdict("a", Verdict::Pass)
        .verdict("b", Verdict::Fail)
        .verdict("c", Verdict::Unknown(Cause::Timeout));
    assert_eq!(scene.word("{fact: verdict.a, equals: pass}"), "holds");
    assert_eq!(scene.word("{fact: verdict.b, equals: pass}"), "offends");
    assert_eq!(scene.word("{fact: verdict.c, equals: pass}"), "timeout");
    assert_eq!(scene.word("{fact: verdict.c, not_equals: fail}"), "timeout");
    assert_eq!(scene.word("{fact: verdict.c, in: [pass, unknown]}"), "holds");
    assert_eq!(scene.word("{fact: verdict.d, equals: pass}"), "no_data");
}

/// `h`olds, `o`ffends, `m`issing, `v`acuous.
fn member(letter: char) -> &'static str {
    match letter {
        'h' => "{fact: t.f, equals: 1}",
        'o' => "{fact: t.f, equals: 2}",
        'm' => "{fact: t.gone, equals: 1}",
        _ => "{fact: t.f, equals: 1, when: {fact: t.f, equals: 2}}",
    }
}

#[test]
fn groups_follow_the_truth_tables() {
    let rows = [
        // members, all, any, none
        ("h", "holds", "holds", "offends"),
        ("o", "offends", "offends", "holds"),
        ("m", "timeout", "timeout", "timeout"),
        ("v", "vacuous", "vacuous", "vacuous"),
        ("hh", "holds", "holds", "offends"),
        ("ho", "offends", "holds", "offends"),
        ("hm", "timeout", "holds", "offends"),
        ("om", "offends", "timeout", "timeout"),
        ("oo", "offends", "offends", "holds"),
        ("mm", "timeout", "timeout", "timeout"),
        ("hv", "holds", "holds", "offends"),
        ("ov", "offends", "offends", "holds"),
        ("mv", "timeout", "timeout", "timeout"),
        ("mho", "offends", "holds", "offends"),
    ];
    let scene = Scene::of("1").missing("t.gone", Cause::Timeout);
    for (members, all, any, none) in rows {
        let members: Vec<&str> = members.chars().map(member).collect();
        let group = |word: &str| format!("{{{word}: [{}]}}", members.join(", "));
        assert_eq!(scene.word(&group("all")), all, "{members:?}");
        assert_eq!(scene.word(&group("any")), any, "{members:?}");
        assert_eq!(scene.word(&group("none")), none, "{members:?}");
    }
}

#[test]
fn a_guard_decides_whether_a_matcher_counts() {
    let scene = Scene::of(r#"{"on": true, "v": 1}"#).missing("t.gone", Cause::Timeout);
    assert_eq!(scene.word("{fact: t.f.v, equals: 1, when: {fact: t.f.on, equals: true}}"), "holds");
    assert_eq!(scene.word("{fact: t.f.v, equals: 2, when: {fact: t.f.on, equals: true}}"), "offends");
    assert_eq!(scene.word("{fact: t.f.v, equals: 2, when: {fact: t.f.on, equals: false}}"), "vacuous");
    assert_eq!(scene.word("{fact: t.f.v, equals: 1, when: {fact: t.gone, equals: true}}"), "timeout");
    assert_eq!(scene.word("{fact: t.gone, equals: 1, when: {fact: t.f.on, equals: false}}"), "vacuous");
    assert_eq!(scene.word("{any: [{fact: t.gone, equals: 1}], when: {fact: t.f.on, equals: false}}"), "vacuous");
}

#[test]
fn offenders_are_named_up_to_ten() {
    let ports: Vec<String> = (1..=13).map(|port| port.to_string()).collect();
    let scene = Scene::of(&format!("[{}]", ports.join(",")));
    assert_eq!(
        scene.text("{fact: t.f, subset_of: [1]}"),
        "t.f: 12 of 13 offend (2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more); expected only [1]"
    );
    let Outcome::Offends(finding) = scene.outcome("{fact: t.f, subset_of: [1]}") else { panic!() };
    assert_eq!(finding.observed.as_list().unwrap().len(), 12);
    assert_eq!(finding.expected, Value::list([Value::Int(1)]));
}

#[test]
fn offenders_beyond_those_that_are_kept_are_not_passed_over_in_silence() {
    let observed = |count: usize| {
        let ports: Vec<String> = (1..=count).map(|port| port.to_string()).collect();
        let Outcome::Offends(finding) =
            Scene::of(&format!("[{}]", ports.join(","))).outcome("{fact: t.f, subset_of: []}")
        else {
            panic!()
        };
        finding.observed.as_list().unwrap().to_vec()
    };
    assert_eq!(observed(50).last(), Some(&Value::Int(50)));
    assert_eq!(observed(53).len(), 51);
    assert_eq!(observed(53).last(), Some(&Value::text("… and 3 more")));
}

#[test]
fn sentences_can_be_worded_by_the_author() {
    let scene = Scene::of(r#"["telnet", "evil {expected}\u001b"]"#);
    assert_eq!(
        scene.text("{fact: t.f, none_of: [telnet, ftp], say: 'Enabled: {offenders}; forbidden: {expected}'}"),
        "Enabled: telnet; forbidden: [telnet, ftp]"
    );
    assert_eq!(scene.text("{fact: t.f, subset_of: [telnet], say: 'Odd: {offenders}'}"), "Odd: evil {expected}\\u{1b}");
}

#[test]
fn every_name_is_listed_for_the_load() {
    let matcher: Matcher = serde_saphyr::from_str(
        "all:
  - { fact: linux.sshd.port, in: params.ports.it, except: asset.allowed_ports, when: { fact: verdict.a, equals: pass } }
  - { fact: t.rows, where: { zone: asset.zone }, version_at_least: 'fact:t.min', scheme: params.scheme }
  - { expr: 'fact.linux.sshd.x == params.y && verdict[\"b-c\"] == \"pass\"' }",
    )
    .unwrap();
    let names: Vec<String> = matcher.names().iter().map(|name| format!("{name:?}")).collect();
    assert_eq!(
        names,
        [
            "Fact(\"linux.sshd.port\")",
            "Fact(\"linux.sshd.x\")",
            "Fact(\"t.min\")",
            "Fact(\"t.rows\")",
            "Param(\"ports\")",
            "Param(\"scheme\")",
            "Param(\"y\")",
            "Asset(\"allowed_ports\")",
            "Asset(\"zone\")",
            "Verdict(\"a\")",
            "Verdict(\"b-c\")",
        ]
    );
}

#[test]
fn mistakes_are_refused_in_words() {
    for (matcher, words) in [
        ("{fact: a.b}", "compared with nothing"),
        ("{equals: 1}", "names a `fact`"),
        ("{}", "names a `fact`"),
        ("{fact: a.b, equals: 1, in: [1]}", "two operators"),
        ("{fact: a.b, exists: true, absent: true}", "two operators"),
        ("{fact: a.b, all: [{fact: a, exists: true}]}", "either `fact` or"),
        ("{all: [{fact: a, exists: true}], any: [{fact: a, exists: true}]}", "only one of"),
        ("{all: []}", "empty"),
        ("{all: [{fact: a, exists: true}], field: x}", "field needs a `fact`"),
        ("{fact: a.b, in: allowed}", "params.allowed"),
        ("{fact: a.b, in: [params.x]}", "a reference stands alone"),
        ("{fact: a.b, at_least: many}", "is no number"),
        ("{fact: a.b, matches: 'a('}", "unclosed group"),
        ("{fact: a.b, newer_than: soon}", "span of time"),
        ("{fact: a.b, version_at_least: 1.10}", "quotes"),
        ("{fact: a.b, version_at_least: '1', scheme: roman}", "numeric, semver"),
        ("{fact: a.b, equals: 1, scheme: semver}", "belongs to version_at_least"),
        ("{fact: a.b, count: {between: 3}}", "at_least"),
        ("{fact: a.b, count: -1}", "`count` is"),
        ("{fact: a.b, unique: false}", "asks for nothing"),
        ("{fact: a.b, equals: 1, absent: maybe}", "holds, fails or unknown"),
        ("{fact: a.b, equals: 1, say: '{who}'}", "{observed}"),
        ("{fact: a..b, equals: 1}", "names nothing"),
        ("{fact: a.b, equals: 1, cause: tired}", "tired"),
        ("{expr: 'fact.a.b =='}", "no CEL expression"),
    ] {
        let error = refusal(matcher);
        assert!(error.contains(words), "{matcher}: {error}");
    }
}

#[test]
fn an_unknown_key_lists_the_allowed_ones_at_its_line() {
    let error = refusal("fact: a.b\nequalls: 1\n");
    assert!(error.contains("equalls") && error.contains("not_equals") && error.contains("line 2"), "{error}");
    let error = refusal("fact: a.b\nfield: x\nmatches: 'a('\n");
    assert!(error.contains("line 3"), "{error}");
}

#[test]
fn a_matcher_loads_from_json_as_well() {
    let json = serde_json::json!({"fact": "t.f", "in": [1, "a"], "when": {"fact": "t.g", "exists": true}});
    assert!(serde_json::from_value::<Matcher>(json).is_ok());
}

#[test]
fn an_unquoted_no_in_a_list_still_means_the_word() {
    assert_eq!(Scene::of(r#""no""#).word("{fact: t.f, in: [no]}"), "holds");
    assert_eq!(Scene::of(r#""yes""#).word("{fact: t.f, in: [no]}"), "offends");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        ".{0,12}".prop_map(Value::text),
        "[0-9.:TZ-]{0,20}".prop_map(Value::text),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::list),
            prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(Value::map),
        ]
    })
}

const EVERY_OPERATOR: [&str; 24] = [
    "equals: 1",
    "equals: [1, a]",
    "not_equals: a",
    "not_equals: [a]",
    "in: [1, a, true]",
    "not_in: [1.5]",
    "subset_of: [a, b]",
    "superset_of: [a]",
    "none_of: [1]",
    "matches: 'a+'",
    "not_matches: '^$'",
    "at_least: 3",
    "at_most: 3.5",
    "version_at_least: '1.2'",
    "version_at_least: '1:1.2~x', scheme: debian",
    "newer_than: 30d",
    "older_than: 1h",
    "count: {at_least: 1, at_most: 3}",
    "exists: true",
    "exists: false",
    "unique: true",
    "empty: true",
    "empty: false",
    "in: [1], except: [2]",
];

proptest! {
    #[test]
    fn no_value_makes_a_matcher_panic(value in value()) {
        let scene = Scene::new().reading("t.f", Reading::Known(value));
        for op in EVERY_OPERATOR {
            for shape in ["", "field: a, ", "field: a.b, where: {c: [1, a]}, ", "where: {d: null}, absent: fails, "] {
                let judgement = scene.judge(&format!("{{assert: [{{fact: t.f, {shape}{op}}}]}}"));
                prop_assert!(judgement.reason.chars().count() <= 1_500);
                prop_assert!(!judgement.reason.is_empty());
            }
        }
    }
}

#[test]
fn a_missing_fact_never_gives_a_verdict() {
    let scene = Scene::new().missing("t.f", Cause::Refused);
    for op in EVERY_OPERATOR {
        for policy in ["", ", absent: holds", ", absent: fails"] {
            let judgement = scene.judge(&format!("{{assert: [{{fact: t.f.x, {op}{policy}}}]}}"));
            assert_eq!(judgement.verdict, Verdict::Unknown(Cause::Refused), "{op}{policy}");
        }
    }
}
