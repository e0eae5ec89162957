use std::fmt::Write as _;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Machine {
    id: String,
    port: Option<u16>,
    #[serde(default)]
    tags: Vec<u16>,
    #[serde(default)]
    how: Option<How>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum How {
    Plain,
    Login { user: String },
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut problems = Problems::new();
    let document = Document::parse(Path::new("f"), text, &mut problems);
    let value = document.and_then(|document| document.read(&[], &document.root.clone(), &mut problems));
    let report = problems.iter().map(|problem| format!("{problem}")).collect::<Vec<_>>().join("\n");
    value.ok_or(report)
}

#[test]
fn text_is_taken_as_it_was_written() {
    let machine: Machine = read("id: 2.10\nlabels: { line: 007, on: no, hex: 0x1F, t: true }\nhow: plain\n").unwrap();
    assert_eq!(machine.id, "2.10");
    let labels: Vec<_> = machine.labels.values().map(String::as_str).collect();
    assert_eq!(labels, ["0x1F", "007", "no", "true"]);
    assert_eq!(machine.how, Some(How::Plain));
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    let text = "prot: 1\nport: 70000\ntags:\n  - 1\n  - x\n  - y\nhow: { login: { usr: a } }\n";
    let expected = "f:1:1: prot: unknown key \"prot\"\n\
        f:2:7: port: expected a whole number from 0 to 65535, found 70000\n\
        f:5:5: tags[1]: expected a whole number from 0 to 65535, found text\n\
        f:6:5: tags[2]: expected a whole number from 0 to 65535, found text\n\
        f:7:17: how.login.usr: unknown key \"usr\"\n\
        f:7:15: how.login: key \"user\" is missing\n\
        f:1:1: key \"id\" is missing";
    assert_eq!(read::<Machine>(text).unwrap_err(), expected);
}

#[test]
fn a_value_that_was_wrong_is_not_missing_as_well() {
    assert_eq!(read::<Machine>("id: [1]\n").unwrap_err(), "f:1:5: id: expected text, found a list");
}

#[test]
fn duplicate_keys_and_broken_syntax_name_their_line() {
    let twice = read::<Machine>("id: a\nid: b\n").unwrap_err();
    assert!(twice.starts_with("f:2:1: id: this key is written twice, first in line 1, column 1"), "{twice}");
    let deep = read::<Machine>("id: a\nlabels: {x: {}}\nmore:\n  - {a: 1}\n  - { a: 1, b: 2, a: 3 }\n").unwrap_err();
    assert!(deep.starts_with("f:5:19: more[1].a: this key is written twice, first in line 5, column 7"), "{deep}");
    assert!(
        read::<Machine>("id: a\nlabels: {\n").unwrap_err().starts_with("f:2:9"),
        "{:?}",
        read::<Machine>("id: a\nlabels: {\n")
    );
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 7].join(",");
        writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    assert!(read::<Machine>(&text).is_err());
    assert!(read::<Machine>(&"[".repeat(10_000)).is_err());
}

#[test]
fn an_empty_text_is_an_empty_map() {
    assert_eq!(read::<BTreeMap<String, String>>("# nothing\n").unwrap(), BTreeMap::new());
}
