//! The catalogue as a whole: one good folder, many bad ones, each named for its mistake.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::load::compile;
use super::sources::written;
use super::*;
use crate::model::{Asset, Cause, ControlId, Kind, Params, Problems, Profile, Reading, Value, Verdict};
use crate::rule;

const CONTROLS: &str = "seed_bullets:
  - {id: S12, key: access, group: g, text: Access control, parts: [{text: roots, checks: [ssh-root-login]}, {text: hands, checks: [ssh-root-login, patch-age]}]}
  - {id: S07, key: updates, group: g, text: Security updates}
nis2_points:
  - {ref: \"Art. 21(2)(i)\", text: Access control and assets, controls: [IAM-02]}
  - {ref: \"Art. 21(2)(e)\", text: Maintenance, controls: [PAT-01]}
controls:
  - {id: IAM-02, title: Privileged access, objective: o, refs: {nis2: [\"Art. 21(2)(i)\"], iso27001: [A.8.2]}, seed: [S12], evidence: {automated: [ssh-root-login]}}
  - {id: PAT-01, title: Patches, objective: o, refs: {nis2: [\"Art. 21(2)(e)\"]}, seed: [S07], evidence: {}}
checks:
  - {id: patch-age, pack: linux, release: 1, transport: [ssh], controls: [PAT-01]}
  - {id: ssh-root-login, pack: linux, release: 1, transport: [ssh], controls: [IAM-02]}
";
const SSHD: &str = "id: linux.sshd
title: Effective OpenSSH server configuration
ask: { ssh: { run: sshd -T, privilege: sudo } }
read: { key_values: { separator: \" \", keys: lowercase } }
fields: [permitrootlogin, passwordauthentication]
budget: { questions: 1, bytes: 16384 }
";
const PORTS: &str = "id: tcp.ports
title: Open TCP ports
args: { ports: [22] }
ask: { tcp: { ports: args.ports } }
fields: [answered, open, rows.port]
budget: { questions: 1, connections: 1, bytes: 100 }
";
const ROOT_LOGIN: &str = "id: ssh-root-login
title: Root cannot log in over SSH with a password
version: 1
severity: high
impact: low
controls: [IAM-02]
applies_to: { kind: [linux-host] }
needs: [linux.sshd, { fact: tcp.ports, with: { ports: params.probe_ports } }]
params: { allowed: [\"no\", prohibit-password], probe_ports: [22, 2222], min: 3 }
params_by_profile: { ot: { min: 2 } }
requires:
  - { fact: tcp.ports.answered, equals: true }
assert:
  - { fact: linux.sshd.permitrootlogin, in: params.allowed }
fix: Set PermitRootLogin no and reload sshd.
rationale: A stolen root password opens the whole host.
";
const PACK: &str = "id: linux\ntitle: Linux hosts\n";

fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("checks/controls/controls.yaml", CONTROLS),
        ("checks/facts/linux/sshd.yaml", SSHD),
        ("checks/facts/tcp/ports.yaml", PORTS),
        ("checks/linux/pack.yaml", PACK),
        ("checks/linux/ssh-root-login.yaml", ROOT_LOGIN),
    ]
}

fn load(files: &[(&str, &str)]) -> Result<Catalog, Problems> {
    let mut problems = Problems::new();
    let catalog = compile(written(files), &mut problems);
    problems.or(catalog)
}

/// The good folder with one file changed.
fn load_with(name: &str, old: &str, new: &str) -> Result<Catalog, Problems> {
    let files: Vec<(&str, String)> = good()
        .into_iter()
        .map(|(file, text)| {
            assert!(file != name || text.contains(old), "{old:?} is not in {name}");
            (file, if file == name { text.replacen(old, new, 1) } else { text.to_owned() })
        })
        .collect();
    load(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>())
}

fn id(text: &str) -> CheckId {
    CheckId::parse(text).unwrap()
}

#[test]
fn the_good_folder_loads() {
    let catalog = load(&good()).unwrap();
    let check = catalog.check(&id("ssh-root-login")).unwrap();
    assert_eq!(&*check.pack, "linux");
    assert_eq!(check.schedule, "posture");
    assert_eq!(catalog.facts_of(check).len(), 2);
    assert_eq!(catalog.privileged_commands().len(), 1);
}

#[test]
fn the_catalogue_in_the_binary_loads() {
    if let Err(problems) = Catalog::load(true, &[]) {
        panic!("{problems}");
    }
}

#[test]
fn the_catalogue_in_the_binary_keeps_the_house_rules() {
    let catalog = Catalog::load(true, &[]).unwrap_or_default();
    assert_eq!(catalog.lint().to_string(), "");
}

#[test]
fn every_check_in_the_binary_says_what_its_fixtures_expect() {
    let catalog = Catalog::load(true, &[]).unwrap_or_default();
    let wrong: Vec<String> =
        catalog.test(None).iter().filter(|report| !report.is_right()).map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_in_the_binary_explains_itself() {
    let catalog = Catalog::load(true, &[]).unwrap_or_default();
    for (id, check) in &catalog.checks {
        let text = catalog.explain(id).unwrap();
        assert!(text.contains(&check.fix) && text.lines().all(|line| !line.ends_with(" - ")), "{text}");
    }
}

#[test]
fn an_extra_folder_is_read_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in good() {
        let file = folder.path().join(name.strip_prefix("checks/").unwrap());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    std::fs::write(folder.path().join("README.md"), "not part of it").unwrap();
    let catalog = Catalog::load(false, &[folder.path().to_owned()]).unwrap();
    assert_eq!(catalog.checks.len(), 1);
    std::fs::write(folder.path().join("linux/b.yml"), "id: b").unwrap();
    let problems = Catalog::load(false, &[folder.path().to_owned()]).unwrap_err().to_string();
    assert!(problems.contains("ends in .yaml, not .yml"), "{problems}");
}

#[test]
fn rows_remember_since_when_they_are_there() {
    let remember = Remember { key: vec!["package".into(), "candidate".into()] };
    let now: crate::model::Time = "2026-11-24T00:00:00Z".parse().unwrap();
    let row = |package: &str| Value::map([("package", package.into()), ("candidate", Value::Int(2))]);
    let value = Value::map([("rows", Value::list([row("old"), row("new"), Value::map([("x", Value::Null)])]))]);
    let mut first_seen = |name: &str| if name == "old 2" { now - chrono::TimeDelta::hours(36) } else { now };
    let marked = remember.mark(value, now, Some(now), &mut first_seen);
    let rows = marked.at("rows").unwrap().as_list().unwrap();
    assert_eq!(rows[0].get("age_days"), Some(&Value::Float(1.0)));
    assert_eq!(rows[0].get("first_seen"), Some(&Value::text("2026-11-22T12:00:00+00:00")));
    assert_eq!(rows[1].get("age_days"), Some(&Value::Float(0.0)));
    assert_eq!(rows[2].get("age_days"), None);
    let since_start: Vec<_> = rows.iter().map(|row| row.get("since_start")).collect();
    assert_eq!(since_start, [Some(&Value::Bool(false)), Some(&Value::Bool(true)), None]);
}

/// One wrong line, and what is said about it.
#[test]
fn every_mistake_is_refused_at_its_line_with_advice() {
    const CHECK: &str = "checks/linux/ssh-root-login.yaml";
    const FACT: &str = "checks/facts/linux/sshd.yaml";
    const PROBE: &str = "checks/facts/tcp/ports.yaml";
    let cases = [
        ("unknown key", CHECK, "severity: high", "severety: high"),
        ("wrong word", CHECK, "severity: high", "severity: hihg"),
        ("unknown fact", CHECK, "needs: [linux.sshd", "needs: [linux.shd"),
        ("unknown field", CHECK, "linux.sshd.permitrootlogin", "linux.sshd.permitrootlogn"),
        (
            "unknown field of a row",
            CHECK,
            "{ fact: tcp.ports.answered, equals: true }",
            "{ fact: tcp.ports.rows, where: { prot: 22 }, field: port, equals: 1 }",
        ),
        ("fact that does not say its fields", FACT, "fields: [permitrootlogin, passwordauthentication]\n", ""),
        ("fact that says it twice", FACT, "budget:", "open: true\nbudget:"),
        ("fact that is not needed", CHECK, "needs: [linux.sshd, ", "needs: ["),
        ("unknown parameter", CHECK, "in: params.allowed", "in: params.alowed"),
        ("unknown parameter of a fact", CHECK, "params.probe_ports }", "params.ports }"),
        ("unknown argument", CHECK, "with: { ports:", "with: { port:"),
        ("wrong type of an argument", CHECK, "probe_ports: [22, 2222]", "probe_ports: [ssh]"),
        ("unknown control", CHECK, "[IAM-02]", "[IAM-20]"),
        ("unknown kind", CHECK, "linux-host", "linux-hots"),
        ("unknown operator", CHECK, ", in: params.allowed", ", inn: params.allowed"),
        ("unknown needed check", CHECK, "params: {", "needs_checks: [mfa-ssh]\nparams: {"),
        (
            "verdict that is not needed",
            CHECK,
            "requires:",
            "warn: [{ fact: verdict.mfa-ssh, equals: pass }]\nrequires:",
        ),
        ("waits for itself", CHECK, "params: {", "needs_checks: [ssh-root-login]\nparams: {"),
        ("profile with an unknown parameter", CHECK, "ot: { min: 2 }", "ot: { mni: 2 }"),
        ("profile with a wrong type", CHECK, "ot: { min: 2 }", "ot: { min: two }"),
        ("nothing asserted", CHECK, "assert:\n  - { fact: linux.sshd.permitrootlogin, in: params.allowed }\n", ""),
        ("missing title", CHECK, "title: Root cannot log in over SSH with a password\n", ""),
        ("name of another file", CHECK, "id: ssh-root-login", "id: root-login"),
        ("broken YAML", CHECK, "requires:", "requires: ["),
        ("key given twice", CHECK, "version: 1", "version: 1\nversion: 2"),
        (
            "expression with a mistake",
            CHECK,
            "{ fact: linux.sshd.permitrootlogin, in: params.allowed }",
            "{ expr: \"1 +\" }",
        ),
        (
            "expression with an unknown name",
            CHECK,
            "{ fact: linux.sshd.permitrootlogin, in: params.allowed }",
            "{ expr: \"params.mni > 1\" }",
        ),
        ("fact with an unknown kind of question", FACT, "ssh: {", "shs: {"),
        ("fact with an unknown setting", FACT, "privilege:", "privileges:"),
        ("fact without an extractor", FACT, "read: { key_values: { separator: \" \", keys: lowercase } }\n", ""),
        ("fact under another name", FACT, "id: linux.sshd", "id: linux.ssh"),
        ("fact with an unknown placeholder", PROBE, "args.ports", "args.prots"),
        ("fact with a default of a wrong type", PROBE, "args: { ports: [22] }", "args: { ports: [ssh] }"),
        ("fact that reads a value", PROBE, "budget:", "read: { json: {} }\nbudget:"),
        (
            "fact computed from nothing",
            PROBE,
            "ask: { tcp: { ports: args.ports } }",
            "ask: { derived: { lifecycle: linux.sshd } }",
        ),
    ];
    let mut report = String::new();
    for (title, file, old, new) in cases {
        let problems = load_with(file, old, new).expect_err(title);
        write!(report, "--- {title}\n{problems}\n\n").unwrap();
    }
    insta::assert_snapshot!("mistakes", report);
}

#[test]
fn what_stands_for_an_approval_is_a_parameter_of_the_check() {
    let with = |name: &str| {
        let drift = format!("drift: {{ baseline: set, of: linux.sshd, required_unless: {name} }}\nrequires:");
        load_with("checks/linux/ssh-root-login.yaml", "requires:", &drift)
    };
    assert!(with("params.allowed").is_ok());
    for name in ["params.alowed", "allowed"] {
        let problems = with(name).unwrap_err().to_string();
        assert!(problems.contains(&format!("{name} is no parameter of this check")), "{problems}");
    }
}

#[test]
fn mistakes_of_all_files_come_in_one_report() {
    let mut files = good();
    files[1].1 = "id: linux.sshd\ntitle: x\nfields: []\nask: { ssh: { run: a, privilege: rot } }\n";
    files[4].1 = "id: ssh-root-login\nseverity: hihg\ncontrols: [IAM-99]\nneeds: [linux.sshd, tcp.prots]\n";
    let problems = load(&files).unwrap_err();
    insta::assert_snapshot!("mistakes_of_all_files", problems);
}

#[test]
fn a_wrong_fact_is_not_called_unknown_as_well() {
    let problems = load_with("checks/facts/linux/sshd.yaml", "privilege: sudo", "privilege: rot").unwrap_err();
    assert_eq!(problems.len(), 1, "{problems}");
}

#[test]
fn an_extra_file_may_replace_a_built_in_one_only_when_it_says_so() {
    let own = ROOT_LOGIN.replace("severity: high", "severity: low");
    let replacing = format!("{own}replaces: builtin\n");
    let with = |text: &str| {
        let mut files = good();
        files.push(("mine/linux/ssh-root-login.yaml", text));
        load(&files)
    };
    let problems = with(&own).unwrap_err().to_string();
    assert!(problems.contains("this id is taken by checks/linux/ssh-root-login.yaml"), "{problems}");
    assert!(problems.contains("replaces: builtin"), "{problems}");
    let catalog = with(&replacing).unwrap();
    assert_eq!(catalog.check(&id("ssh-root-login")).unwrap().severity.word(), "low");
    let mut alone = good();
    alone[4] = ("mine/linux/ssh-root-login.yaml", &replacing);
    assert!(load(&alone).unwrap_err().to_string().contains("no built-in file has this id"));
}

#[test]
fn a_pack_without_its_file_is_refused() {
    let mut files = good();
    files.remove(3);
    assert!(load(&files).unwrap_err().to_string().contains("the pack has no pack.yaml"));
}

#[test]
fn checks_that_wait_for_each_other_are_refused() {
    let first = ROOT_LOGIN.replace("params: {", "needs_checks: [other]\nparams: {");
    let second = ROOT_LOGIN.replace("id: ssh-root-login", "id: other\nneeds_checks: [ssh-root-login]");
    let mut files = good();
    files[4].1 = &first;
    files.push(("checks/linux/other.yaml", &second));
    let problems = load(&files).unwrap_err().to_string();
    assert_eq!(problems.matches("in a circle").count(), 2, "{problems}");
}

fn overrides(min: i64) -> Overrides {
    Overrides::from([(id("ssh-root-login"), BTreeMap::from([(Arc::from("min"), Value::Int(min))]))])
}

#[test]
fn the_nearest_parameter_wins() {
    let catalog = load(&good()).unwrap();
    let check = catalog.check(&id("ssh-root-login")).unwrap();
    let min = |params: &Params| params["min"].as_int();
    let plain = super::fixtures::specimen(Kind::LinuxHost);
    let plant = crate::model::Asset { profile: Profile::Ot, ..plain.clone() };
    let special = crate::model::Asset { params: overrides(8), ..plant.clone() };
    let [global, profile, kind, zone] = [4, 5, 6, 7].map(overrides);
    assert_eq!(min(&check.resolve_params(&plain, None, None, None, None)), Some(3));
    assert_eq!(min(&check.resolve_params(&plant, None, None, None, None)), Some(2));
    assert_eq!(min(&check.resolve_params(&plant, None, None, None, Some(&global))), Some(4));
    assert_eq!(min(&check.resolve_params(&plant, None, None, Some(&profile), Some(&global))), Some(5));
    assert_eq!(min(&check.resolve_params(&plant, None, Some(&kind), Some(&profile), Some(&global))), Some(6));
    assert_eq!(min(&check.resolve_params(&plant, Some(&zone), Some(&kind), Some(&profile), Some(&global))), Some(7));
    assert_eq!(min(&check.resolve_params(&special, Some(&zone), Some(&kind), Some(&profile), Some(&global))), Some(8));
}

#[test]
fn a_field_of_a_map_is_set_without_the_others() {
    const CHECK: &str = "checks/linux/ssh-root-login.yaml";
    let catalog = load_with(CHECK, "min: 3 }", "min: 3, days: { high: 30, low: 90 } }").unwrap();
    let check = catalog.check(&id("ssh-root-login")).unwrap();
    let days = |field: &str, value: Value| {
        Overrides::from([(id("ssh-root-login"), BTreeMap::from([(Arc::from("days"), Value::map([(field, value)]))]))])
    };
    let asset = super::fixtures::specimen(Kind::LinuxHost);
    let params = check.resolve_params(&asset, None, None, None, Some(&days("high", Value::Int(14))));
    assert_eq!(params["days"], Value::map([("high", Value::Int(14)), ("low", Value::Int(90))]));
    let told =
        |overrides: &Overrides| catalog.check_params(overrides).into_iter().map(|mistake| mistake.message).next();
    assert_eq!(told(&days("high", Value::Int(14))), None);
    assert_eq!(told(&days("hihg", Value::Int(14))).unwrap(), "`days` has no field `hihg`");
    assert_eq!(told(&days("high", "x".into())).unwrap(), "expected a whole number, found text (x)");
}

#[test]
fn a_wrong_override_is_told_with_advice() {
    let catalog = load(&good()).unwrap();
    let one = |check: &str, param: &str, value: Value| {
        let overrides = Overrides::from([(id(check), BTreeMap::from([(Arc::from(param), value)]))]);
        catalog.check_params(&overrides).into_iter().map(|mistake| (mistake.message, mistake.hint)).next()
    };
    assert_eq!(one("ssh-root-login", "min", Value::Int(4)), None);
    assert_eq!(one("ssh-root-login", "allowed", Value::list([])), None);
    let told = |check, param, value| {
        one(check, param, value).map(|(message, hint)| format!("{message} | {}", hint.unwrap_or_default()))
    };
    assert_eq!(told("ssh-root-login", "min", "x".into()).unwrap(), "expected a whole number, found text (x) | ");
    assert_eq!(
        told("ssh-root-login", "mni", Value::Int(1)).unwrap(),
        "there is no parameter `mni` | did you mean \"min\"?"
    );
    assert_eq!(
        told("ssh-root-logn", "min", Value::Int(1)).unwrap(),
        "there is no check `ssh-root-logn` | did you mean \"ssh-root-login\"?"
    );
    let no = Value::list([Value::Bool(false)]);
    assert_eq!(
        told("ssh-root-login", "allowed", no).unwrap(),
        "expected text, found true or false (false) | put it in quotes"
    );
}

#[test]
fn arguments_of_a_fact_come_from_parameters_and_the_asset() {
    let catalog = load(&good()).unwrap();
    let check = catalog.check(&id("ssh-root-login")).unwrap();
    let asset = super::fixtures::specimen(Kind::LinuxHost);
    let params = check.resolve_params(&asset, None, None, None, None);
    let fact = catalog.fact(&check.needs[1].fact).unwrap();
    let Ok(Question::Tcp(question)) = fact.ask.bind(&fact.arguments(&check.needs[1].resolve(&params, &asset))) else {
        panic!("a TCP question");
    };
    assert_eq!(question.ports, [22, 2222]);
}

fn with_fixtures(fixtures: &[(&'static str, &'static str)]) -> Catalog {
    let mut files = good();
    files.extend(fixtures);
    load(&files).unwrap()
}

#[test]
fn a_fixture_goes_the_way_of_a_live_answer() {
    let catalog = with_fixtures(&[
        (
            "checks/linux/fixtures/ssh-root-login/open.fail.yaml",
            "facts:\n  linux.sshd: { stdout: \"PermitRootLogin yes\\n\" }\n  tcp.ports: { value: { answered: true } }\n",
        ),
        (
            "checks/linux/fixtures/ssh-root-login/closed.pass.yaml",
            "facts:\n  linux.sshd: { stdout: \"PermitRootLogin no\\n\" }\n  tcp.ports: { value: { answered: true } }\n",
        ),
        (
            "checks/linux/fixtures/ssh-root-login/plain.unknown.yaml",
            "cause: privilege\nfacts:\n  linux.sshd: { stdout: \"\", stderr: \"sudo: a password is required\", exit: 1 }\n  tcp.ports: { value: { answered: true } }\n",
        ),
        (
            "checks/linux/fixtures/ssh-root-login/silent.unknown.yaml",
            "cause: timeout\nfacts:\n  tcp.ports: { error: timeout, detail: nobody answered }\n",
        ),
        (
            "checks/linux/fixtures/ssh-root-login/wrong.pass.yaml",
            "params: { allowed: [\"no\"] }\nfacts:\n  linux.sshd: { stdout: \"PermitRootLogin prohibit-password\\n\" }\n  tcp.ports: { value: { answered: true } }\n",
        ),
        ("checks/linux/fixtures/ssh-root-login/broken.pass.yaml", "fact: {}\n"),
    ]);
    let reports: Vec<String> = catalog.test(None).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("fixtures", reports.join("\n"));
}

#[test]
fn the_house_rules_name_what_is_missing() {
    let catalog = with_fixtures(&[("checks/linux/fixtures/ssh-root-login/a.pass.yaml", "facts: {}\n")]);
    insta::assert_snapshot!(catalog.lint(), @r#"
    checks/linux/ssh-root-login.yaml: no fixture shows: fail, unknown
    checks/linux/ssh-root-login.yaml: params: no rule reads the parameter "min"
    "#);
}

#[test]
fn a_claim_that_nobody_may_make_is_refused() {
    let catalog = load_with(
        "checks/linux/ssh-root-login.yaml",
        "rationale: A stolen root password opens the whole host.",
        "rationale: With it a plant is NIS2 compliant.",
    )
    .unwrap();
    assert!(catalog.lint().to_string().contains("must not be claimed"));
}

#[test]
fn coverage_counts_what_is_loaded() {
    let catalog = load(&good()).unwrap();
    let coverage = catalog.coverage();
    assert_eq!(coverage.seed[0].state, Measured::Measured);
    assert_eq!((coverage.seed[1].state, coverage.seed[1].planned.len()), (Measured::Open, 1));
    assert_eq!(coverage.seed[0].parts[1].planned.len(), 1, "a check of a part that is not there yet is named");
    assert_eq!(catalog.evidence_for(&ControlId::parse("PAT-01").unwrap()), Measured::Open);
    insta::assert_snapshot!("coverage", format!("{coverage}\n\n{}", coverage.markdown()));
    assert!(serde_json::to_string(&coverage).unwrap().contains(r#""state":"measured""#));
}

#[test]
fn a_duty_is_seen_to_no_better_than_its_weakest_part() {
    let mut files = good();
    let open = CONTROLS.replace("text: hands, checks: [ssh-root-login, patch-age]", "text: hands, checks: [patch-age]");
    files[0] = ("checks/controls/controls.yaml", &open);
    let coverage = load(&files).unwrap().coverage();
    assert_eq!((coverage.seed[0].state, coverage.seed[0].parts[0].state), (Measured::Open, Measured::Measured));
}

#[test]
fn a_check_explains_itself() {
    let catalog = load(&good()).unwrap();
    insta::assert_snapshot!("explain", catalog.explain(&id("ssh-root-login")).unwrap());
    assert_eq!(catalog.explain(&id("nothing")), None);
}

#[test]
fn a_recording_is_a_fixture_without_the_plant_in_it() {
    use crate::model::{Answer, Cause, Missing, TextAnswer};
    let asset = super::fixtures::specimen(Kind::LinuxHost);
    let fact = |text| FactId::parse(text).unwrap();
    let output = "permitrootlogin no\nlistenaddress 10.1.2.3:22\n";
    let answers = vec![
        (
            fact("linux.sshd"),
            Ok(Answer::Text(TextAnswer { stdout: output.into(), exit: Some(0), ..TextAnswer::default() })),
        ),
        (fact("tcp.ports"), Ok(Answer::Value(Value::map([("answered", Value::Bool(true))])))),
        (fact("x.y"), Err(Missing::new(Cause::Timeout, "no answer from ssh://10.1.2.3:22"))),
    ];
    let mut redactor = Redactor::new(&Known::default());
    let text = record(&asset, &answers, "2026-11-24T00:00:00Z".parse().unwrap(), &mut redactor).unwrap();
    insta::assert_snapshot!("recording", text);
    let text: &'static str = Box::leak(text.into_boxed_str());
    let catalog = with_fixtures(&[("checks/linux/fixtures/ssh-root-login/recorded.pass.yaml", text)]);
    assert!(catalog.test(None)[0].is_right(), "{}", catalog.test(None)[0]);
}

#[test]
fn no_secret_of_a_configuration_is_in_a_fact() {
    use crate::model::{Answer, Reading, TextAnswer};
    let cisco = "== cisco_ios\nhostname sw1\nenable secret 5 hunter2\nusername rescue privilege 15 secret 9 hunter2\n\
                 aaa authentication login default group tacacs+ local\ntacacs server T1\n key 7 hunter2\n\
                 radius-server host 10.10.0.9 key hunter2\ntacacs-server host 10.10.0.9 key hunter2\n\
                 interface GigabitEthernet1/0/1\n ip ospf authentication-key hunter2\n ppp chap password hunter2\n\
                 snmp-server community hunter2 RO\nsnmp-server community hunter2 view V RW MGMT\n\
                 snmp-server user x G v3 auth sha hunter2 priv aes 128 hunter2\n\
                 snmp-server host 10.10.0.9 version 2c hunter2\nip access-list standard MGMT\n permit 10.0.0.0\n\
                 ntp authentication-key 1 md5 hunter2 7\nline vty 0 4\n password 7 hunter2\n login\nend\n";
    let junos = "== junos\nset version 21.4\nset system root-authentication encrypted-password \"hunter2\"\n\
                 set system login user rescue authentication plain-text-password-value hunter2\n\
                 set system login user rescue authentication encrypted-password \"hunter2\"\n\
                 set system radius-server 10.10.0.9 secret \"hunter2\"\nset snmp community hunter2\n\
                 set interfaces ge-0/0/0 unit 0 family ethernet-switching\n";
    let routeros = "== mikrotik\n/ip address add address=10.0.0.1/24\n/ip service set telnet disabled=no\n\
                    /radius add address=10.10.0.9 secret=hunter2 service=login\n/user aaa set use-radius=yes\n\
                    /snmp community add name=hunter2\n/ip firewall filter add action=drop chain=forward\n";
    let catalog = Catalog::load(true, &[]).unwrap();
    for name in ["aaa", "access_ports", "accounts", "config", "filters", "management"] {
        let fact = catalog.fact(&FactId::parse(&format!("network.{name}")).unwrap()).unwrap();
        let mut read = 0;
        for stdout in [cisco, junos, routeros] {
            let answer = Answer::Text(TextAnswer { stdout: stdout.into(), exit: Some(0), ..TextAnswer::default() });
            let reading = fact.reading(&answer);
            assert!(!format!("{reading:?}").contains("hunter2"), "{name}: {reading:?}");
            read += usize::from(matches!(reading, Reading::Known(_)));
        }
        assert!(read > 0, "{name}");
    }
}

/// What excludes an asset by its kind alone, which every asset has: the policy names kinds, and what a Linux host without
/// a product of its own runs are the packages that `patch-age-security` judges.
const BY_KIND: [&str; 5] =
    ["linux-removable-media", "win-app-allowlisting", "vendor-advisory-match", "kev-exposure", "epss-priority"];

#[test]
fn no_check_excludes_an_asset_of_which_nothing_is_known() {
    let catalog = Catalog::load(true, &[]).unwrap();
    let bare = |kind: Kind| Asset { fields: [].into(), ..fixtures::specimen(kind) };
    for check in catalog.checks.values().filter(|check| !BY_KIND.contains(&check.id.as_str())) {
        for asset in Kind::ALL.iter().map(|kind| bare(*kind)) {
            let params = check.resolve_params(&asset, None, None, None, None);
            let facts = catalog.facts_of(check).into_iter();
            let facts = facts.map(|fact| (fact.id.clone(), Reading::missing(Cause::Timeout, "silence"))).collect();
            let verdicts = check.needs_checks.iter().map(|id| (id.clone(), Verdict::Unknown(Cause::Timeout))).collect();
            let now = "2026-11-26T08:00:00Z".parse().unwrap();
            let context = rule::Context { facts: &facts, params: &params, asset: &asset, verdicts: &verdicts, now };
            let judgement = rule::judge(&check.rule, &context);
            assert_ne!(judgement.verdict, Verdict::NotApplicable, "{} {}: {}", check.id, asset.kind, judgement.reason);
        }
    }
}

#[test]
fn what_does_not_apply_says_why_in_words() {
    let catalog = Catalog::load(true, &[]).unwrap();
    let mut seen = 0;
    for report in catalog.test(None) {
        let Outcome::AsExpected(judgement) = report.outcome else { continue };
        if judgement.verdict != Verdict::NotApplicable {
            continue;
        }
        seen += 1;
        let (reason, file) = (&judgement.reason, report.file.display());
        assert!(reason.starts_with("does not apply: "), "{file}: {reason}");
        for unfit in ["expected", "element", "params.", "asset.", "{"] {
            assert!(!reason.contains(unfit), "{file}: {reason}");
        }
    }
    assert!(seen > 20, "only {seen} fixtures");
}

#[test]
fn an_open_fact_takes_every_field_and_a_closed_one_only_its_own() {
    const FACT: &str = "checks/facts/linux/sshd.yaml";
    let closed = "fields: [permitrootlogin, passwordauthentication]";
    assert!(load_with(FACT, closed, "open: true").is_ok());
    let problems = load_with(FACT, closed, "fields: [permitrootlogn]").unwrap_err().to_string();
    assert!(problems.contains("linux.sshd yields no \"permitrootlogin\""), "{problems}");
    assert!(problems.contains("did you mean \"permitrootlogn\"? its fields: permitrootlogn"), "{problems}");
}
