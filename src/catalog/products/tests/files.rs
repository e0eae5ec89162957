//! Product files: one good, many bad, each named for its mistake; and folders that clash.

use super::*;
use crate::catalog::load::compile;
use crate::catalog::sources::written;
use crate::model::Problems;

const GOOD: &str = "vendor: Examplenet
family: Field switches
sys_object_id: 1.3.6.1.4.1.99999.1
descr: '^EX-'
probe: { oid: 1.3.6.1.4.1.99999.9.0, regex: '^ok$' }
os: ExOS
scheme: mixed
version:
  - { oid: '1.3.6.1.4.1.99999.1.{last}.2.0', regex: '^V(?P<version>[0-9.]+)$' }
  - { from: descr, regex: ', FW (?P<version>[0-9.]+);' }
model:
  - { from: descr, regex: '^(?P<model>EX-[0-9]+)' }
examples:
  - { text: V1.2.3, version: 1.2.3 }
  - { text: 'EX-24, FW 4.5;', version: '4.5', model: EX-24 }
";

const GOOD_NAME: &str = "mine/facts/snmp/products/examplenet.yaml";

fn load(files: &[(&str, &str)]) -> Result<Products, Problems> {
    let mut problems = Problems::new();
    let catalog = compile(written(files), &mut problems);
    problems.or(catalog.products)
}

/// The good file with one change.
fn load_with(old: &str, new: &str) -> Result<Products, Problems> {
    assert!(GOOD.contains(old), "{old:?}");
    load(&[(GOOD_NAME, &GOOD.replacen(old, new, 1))])
}

#[test]
fn the_good_file_loads_and_tells_what_its_device_is() {
    let products = load(&[(GOOD_NAME, GOOD)]).unwrap();
    let device = Device {
        name: String::new(),
        object_id: Some("1.3.6.1.4.1.99999.1.7".into()),
        descr: Some("EX-24, FW 4.5; x".into()),
        objects: BTreeMap::from([
            ("1.3.6.1.4.1.99999.9.0".to_owned(), Text::Words("ok".into())),
            ("1.3.6.1.4.1.99999.1.7.2.0".to_owned(), Text::Words("V1.2.3".into())),
        ]),
        is: BTreeMap::new(),
    };
    let (reading, asked) = device.identity(&products);
    assert_eq!(asked, ["1.3.6.1.4.1.99999.9.0", "1.3.6.1.4.1.99999.1.7.2.0"]);
    assert_eq!(
        known(&reading).to_json(),
        serde_json::json!({
            "vendor": "Examplenet", "family": "Field switches", "os": "ExOS", "model": "EX-24", "version": "1.2.3", "scheme": "mixed",
            "source": {
                "vendor": "1.3.6.1.4.1.99999.9.0", "os": "1.3.6.1.4.1.99999.9.0", "model": "sysDescr",
                "version": "1.3.6.1.4.1.99999.1.7.2.0",
            },
        })
    );
}

#[test]
fn every_mistake_is_reported_with_its_place_and_says_what_to_do() {
    let mistakes = [
        ("family: Field switches\n", "", "key \"family\" is missing"),
        ("sys_object_id: 1.3.6.1.4.1.99999.1\n", "", "key \"sys_object_id\" is missing"),
        ("1.3.6.1.4.1.99999.1\n", "enterprises.99999\n", "no object identifier"),
        ("1.3.6.1.4.1.99999.1\n", "1.3.6.1.4.1\n", "is too short"),
        ("descr: '^EX-'", "descr: '^E*'", "matches every text"),
        ("descr: '^EX-'", "descr: '^EX-('", "unclosed group"),
        ("regex: '^ok$' }", "regex: '^ok$', if: { from: descr, regex: x } }", "no condition of its own"),
        ("{ oid: 1.3.6.1.4.1.99999.9.0,", "{ from: descr,", "there is `descr`"),
        ("os: ExOS", "os: N/A", "printable characters"),
        ("scheme: mixed", "scheme: roman", "known: numeric"),
        ("'^V(?P<version>[0-9.]+)$'", "'^V([0-9.]+)$'", "one named group, (?P<version>…)"),
        ("(?P<model>", "(?P<modle>", "one named group, (?P<model>…)"),
        ("'^V(?P<version>[0-9.]+)$'", "'(?P<version>[0-9]+(?:[.][0-9]+)+)'", "bind it with ^ and $"),
        ("'^V(?P<version>[0-9.]+)$'", "'V(?P<version>[0-9]+(?:[.][0-9]+)+)'", "bind it with ^ and $"),
        ("', FW (?P<version>[0-9.]+);'", "'(?P<version>[0-9]+[.][0-9]+)'", "put the words that stand before"),
        ("', FW (?P<version>[0-9.]+);'", "'^EX.*, FW (?P<version>[0-9.]+);'", "the pattern takes the last"),
        ("{last}", "{first}", "not an object identifier"),
        ("{ from: descr, regex: ', FW", "{ from: descr, index: 1, regex: ', FW", "say where"),
        ("{ from: descr, regex: ', FW", "{ from: entity, field: software, regex: ', FW", "say where"),
        ("{ from: descr, regex: ', FW", "{ from: entity, field: colour, index: 1, regex: ', FW", "is not known here"),
        ("text: V1.2.3,", "text: V1.2.4,", "comes out is \"1.2.4\""),
        ("text: V1.2.3,", "text: 1.2.3,", "no pattern of `version`"),
        ("examples:", "versoin: x\nexamples:", "did you mean"),
    ];
    let mut report = String::new();
    for (old, new, expected) in mistakes {
        let Err(problems) = load_with(old, new) else { panic!("{new:?} was accepted") };
        let text = problems.to_string();
        assert!(text.contains(expected), "{new:?} should say {expected:?}:\n{text}");
        for problem in problems.iter() {
            assert!(problem.line.is_some() && problem.key.is_some(), "{problem}");
        }
        report.push_str(&text);
    }
    insta::assert_snapshot!(report);
}

#[test]
fn a_file_that_would_ask_too_much_or_is_too_large_is_refused() {
    let place = |n: u8| format!("  - {{ oid: 1.3.6.1.4.1.99999.5.{n}.0, regex: '^(?P<serial>x)$' }}\n");
    let many = (1..=13).map(place).collect::<Vec<_>>().concat();
    let problems = load_with("examples:", &format!("serial:\n{many}examples:")).unwrap_err().to_string();
    assert!(problems.contains("at most 12"), "{problems}");
    let huge = format!("# {}\n{GOOD}", "x".repeat(LARGEST_FILE));
    assert!(load(&[(GOOD_NAME, &huge)]).unwrap_err().to_string().contains("larger than"));
    let wide = format!("'^V(?P<version>{})$'", "[0-9]{900}".repeat(4000));
    assert!(load_with("'^V(?P<version>[0-9.]+)$'", &wide).is_err());
}

#[test]
fn two_files_may_not_claim_the_same_devices() {
    let second = "mine/facts/snmp/products/second.yaml";
    let clash = |text: &str| load(&[(GOOD_NAME, GOOD), (second, text)]).map(|_| ()).map_err(|found| found.to_string());
    let same = GOOD.replace("Examplenet", "Other");
    assert!(clash(&same).unwrap_err().contains("examplenet.yaml claims the same devices"));
    // a word more in the pattern does not part them: an example of one fits both
    let near = same.replace("'^EX-'", "'^EX-[0-9]+, '");
    assert!(clash(&near).unwrap_err().contains("and so does that of mine/facts/snmp/products/examplenet.yaml"));
    let apart = same.replace("'^EX-'", "'^EY-'").replace("EX-", "EY-");
    assert_eq!(clash(&apart), Ok(()));
    let longer = same.replace("sys_object_id: 1.3.6.1.4.1.99999.1", "sys_object_id: 1.3.6.1.4.1.99999.1.5");
    assert_eq!(clash(&longer), Ok(()));
    let without =
        same.replace("descr: '^EX-'\n", "").replace("probe: { oid: 1.3.6.1.4.1.99999.9.0, regex: '^ok$' }\n", "");
    assert_eq!(clash(&without), Ok(()), "one without marks of its own is the rest of the prefix");
}

#[test]
fn an_extra_file_takes_the_place_of_a_built_in_one_only_when_it_says_so() {
    let built_in = ("checks/facts/snmp/products/examplenet.yaml", GOOD);
    let newer = GOOD.replace("ExOS", "ExOS 2");
    let problems = load(&[built_in, (GOOD_NAME, &newer)]).unwrap_err().to_string();
    assert!(problems.contains("is taken by") && problems.contains("replaces: builtin"), "{problems}");
    let products = load(&[built_in, (GOOD_NAME, &format!("{newer}replaces: builtin\n"))]).unwrap();
    assert_eq!(products.iter().map(|product| &*product.origin).collect::<Vec<_>>(), [GOOD_NAME]);
}

#[test]
fn a_version_rule_without_an_example_breaks_a_house_rule() {
    let (bare, _) = GOOD.split_once("examples:").unwrap();
    let mut problems = Problems::new();
    let catalog = compile(written(&[(GOOD_NAME, bare)]), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    assert!(catalog.lint().to_string().contains("no example shows a version rule at work"));
}

#[test]
fn every_built_in_family_names_its_maker_or_where_the_device_does() {
    for product in CATALOG.products.iter() {
        let is_net_snmp = &*product.id == "net-snmp";
        assert!(product.rule(Field::Vendor).is_some() || is_net_snmp, "{}", product.origin);
    }
}
