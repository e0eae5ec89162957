use proptest::prelude::*;

use super::*;
use crate::model::Varbind;

fn spec(text: &str) -> ReadSpec {
    serde_saphyr::from_str(text).unwrap()
}

fn refusal(text: &str) -> String {
    serde_saphyr::from_str::<ReadSpec>(text).unwrap_err().to_string()
}

fn answer(stdout: &str, stderr: &str, exit: Option<i32>) -> Answer {
    Answer::Text(TextAnswer { stdout: stdout.into(), stderr: stderr.into(), exit, truncated: false })
}

fn cause(reading: &Reading) -> (Cause, &str) {
    match reading {
        Reading::Missing(missing) => (missing.cause, &missing.detail),
        other => panic!("{other:?} is not missing"),
    }
}

#[test]
fn a_good_answer_is_known() {
    let reading = spec("{key_values: {separator: ' '}}").extract(&answer("port 22\n", "", Some(0)));
    assert_eq!(reading.known().unwrap().get("port"), Some(&Value::Int(22)));
}

#[test]
fn a_cut_answer_proves_nothing() {
    let cut = Answer::Text(TextAnswer { stdout: "a".into(), truncated: true, exit: Some(0), ..TextAnswer::default() });
    let reading = spec("{lines: {}}").extract(&cut);
    assert_eq!(cause(&reading).0, Cause::Parse);
    assert!(cause(&reading).1.contains("the answer was cut at 1 bytes"), "{reading:?}");
}

#[test]
fn an_exit_status_that_never_came_is_not_zero() {
    assert_eq!(cause(&spec("{lines: {}}").extract(&answer("a", "", None))).0, Cause::Protocol);
}

#[test]
fn exits_are_told_apart() {
    let lines = spec("{lines: {}, absent_exits: [4], ok_exits: [0, 1]}");
    assert!(matches!(lines.extract(&answer("", "", Some(4))), Reading::Absent(_)));
    assert!(matches!(lines.extract(&answer("a", "", Some(1))), Reading::Known(_)));
    let table = [
        (127, "sh: 1: ss: not found", Cause::NoData, "not installed"),
        (126, "sh: 1: ss: Permission denied", Cause::Privilege, "may not read"),
        (2, "cat: x: Operation not permitted", Cause::Privilege, "privilege: sudo"),
        (1, "sudo: a password is required", Cause::Privilege, "password"),
        (2, "boom\u{1b}[31m\nsecond", Cause::NoData, "boom\\u{1b}"),
    ];
    let lines = spec("{lines: {}}");
    for (exit, stderr, expected, words) in table {
        let reading = lines.extract(&answer("out", stderr, Some(exit)));
        let (found, detail) = cause(&reading);
        assert_eq!(found, expected, "{stderr}");
        assert!(detail.contains(words), "{detail}");
        assert!(!detail.contains("second") && !detail.contains('\u{1b}'), "{detail}");
    }
}

#[test]
fn empty_output_means_what_the_fact_says() {
    let nothing = answer(" \n", "", Some(0));
    for kind in ["lines: {}", "key_values: {}", "json: {}", "ini: {}", "nagios: {}", "regex: {pattern: '(?P<a>x)'}"] {
        assert_eq!(cause(&spec(&format!("{{{kind}}}")).extract(&nothing)).0, Cause::NoData, "{kind}");
        assert!(matches!(spec(&format!("{{{kind}, empty: absent}}")).extract(&nothing), Reading::Absent(_)), "{kind}");
        assert!(matches!(spec(&format!("{{{kind}, empty: ok}}")).extract(&nothing), Reading::Known(_)), "{kind}");
    }
}

#[test]
fn output_in_which_nothing_fits_is_not_an_empty_list() {
    let read = r"lines: {fields: '^Inst (?P<package>\S+)'}";
    let noise = answer("0 upgraded\n", "", Some(0));
    let reading = spec(&format!("{{{read}}}")).extract(&noise);
    assert!(cause(&reading).1.contains("the form that is read here"));
    assert_eq!(spec(&format!("{{{read}, empty: ok}}")).extract(&noise), Reading::Known(Value::list([])));
}

#[test]
fn silence_with_a_refusal_on_stderr_is_a_matter_of_rights() {
    let reading = spec("{lines: {}}").extract(&answer("", "cat: /etc/shadow: Permission denied", Some(0)));
    assert_eq!(cause(&reading).0, Cause::Privilege);
}

#[test]
fn rows_are_bounded() {
    let reading = spec("{lines: {}, max_rows: 2}").extract(&answer("a\nb\nc\n", "", Some(0)));
    assert!(cause(&reading).1.contains("3 rows"));
    let reading = spec("{json: {}, max_rows: 2}").extract(&answer(r#"{"a":[[1,2,3]]}"#, "", Some(0)));
    assert_eq!(cause(&reading).0, Cause::Parse);
}

#[test]
fn a_plug_in_may_end_with_any_of_its_four_codes() {
    let plug_in = spec("{nagios: {}}");
    assert_eq!(
        plug_in.extract(&answer("BAD", "", Some(2))).known().unwrap().get("state"),
        Some(&Value::text("critical"))
    );
    assert_eq!(cause(&plug_in.extract(&answer("x", "", Some(4)))).0, Cause::NoData);
}

#[test]
fn objects_and_typed_answers_need_a_reader_that_fits() {
    let objects = Answer::Varbinds(vec![Varbind { oid: "1.3.1.0".into(), value: Value::Int(1) }]);
    let snmp = spec("{snmp: {scalars: {a: 1.3.1.0}}}");
    assert_eq!(snmp.extract(&objects).known().unwrap().get("a"), Some(&Value::Int(1)));
    assert_eq!(cause(&snmp.extract(&Answer::Varbinds(vec![]))).0, Cause::NoData);
    assert_eq!(cause(&spec("{lines: {}}").extract(&objects)).0, Cause::Internal);
    assert_eq!(cause(&snmp.extract(&answer("x", "", Some(0)))).0, Cause::Internal);
    let typed = Answer::Value(Value::map([("a", Value::Int(1))]));
    assert_eq!(spec("{json: {at: a}}").extract(&typed), Reading::Known(Value::Int(1)));
}

#[test]
fn mistakes_are_refused_at_load_with_their_place() {
    let unknown = refusal("lines: {}\nmax_row: 3\n");
    assert!(unknown.contains("unknown field `max_row`") && unknown.contains("line 2"), "{unknown}");
    let pattern = refusal("lines:\n  skip_empty: true\n  match: 'a('\n");
    assert!(pattern.contains("unclosed group") && pattern.contains("line 3"), "{pattern}");
    assert!(refusal("{lines: {}, json: {}}").contains("two extractors"));
    assert!(refusal("{empty: ok}").contains("no extractor"));
    assert!(refusal("{lines: {colour: red}}").contains("colour"));
    assert!(refusal("{sections: {parts: {a: {snmp: {scalars: {a: '1.3'}}}}}}").contains("a part cannot be"));
    assert!(refusal("{lines: {}, max_rows: 0}").contains("max_rows"));
}

#[test]
fn a_spec_also_loads_from_json() {
    let json = serde_json::json!({"lines": {"fields": "(?P<a>x)"}, "ok_exits": [0, 1]});
    assert!(serde_json::from_value::<ReadSpec>(json).is_ok());
}

fn every_reader() -> Vec<ReadSpec> {
    [
        "{key_values: {separator: ' ', repeated: list, types: {a: list, b: int}}}",
        "{key_values: {separator: '='}, empty: ok}",
        r"{lines: {fields: '(?P<a>\S+)\s+(?P<b>\d+)'}}",
        "{table: {separator: whitespace, header: true}}",
        "{table: {separator: ':', columns: [a, b]}}",
        "{regex: {pattern: '(?P<a>[a-z]+)', all: true}}",
        "{json: {at: a}}",
        "{ini: {keys: lowercase}}",
        "{nagios: {}}",
        "{sections: {marker: '=', parts: {a: {lines: {}}, b: {json: {}}, c: {ini: {}}}}}",
    ]
    .into_iter()
    .map(spec)
    .collect()
}

proptest! {
    #[test]
    fn no_answer_makes_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), stderr in ".{0,80}", exit in -1..130) {
        let stdout = String::from_utf8_lossy(&bytes).into_owned();
        for reader in every_reader() {
            let _ = reader.extract(&answer(&stdout, &stderr, Some(exit)));
        }
    }

    #[test]
    fn no_likely_text_makes_a_reader_panic(stdout in "[ab=:;|'\"\\[\\]{} \t\n0-9.,%-]{0,200}") {
        for reader in every_reader() {
            let _ = reader.extract(&answer(&stdout, "", Some(0)));
        }
    }

    #[test]
    fn no_object_makes_a_reader_panic(oid in "[0-9.a]{0,40}", text in ".{0,20}") {
        let reader = spec("{snmp: {scalars: {a: '1.3'}, rows: {r: {base: '1', columns: {c: '1'}}}}}");
        let _ = reader.extract(&Answer::Varbinds(vec![Varbind { oid, value: Value::text(text) }]));
    }
}
