use super::*;
use crate::model::{Missing, Secret, TextAnswer, Varbind};
use crate::transport::Endpoint;

const EXAMPLE: &str = r#"
origin: recorded
note: from the lab
now: 2026-11-23T00:00:00Z
asset: { kind: linux-host, allowed_ports: [22] }
params: { min: 12 }
verdicts: { mfa-ssh: pass, log-freshness: unknown timeout }
facts:
  linux.sshd: { stdout: "permitrootlogin no\n" }
  linux.killed: { stdout: "", stderr: "gone", exit: null }
  linux.long: { stdout: "abc", truncated: true, exit: null }
  snmp.system: { varbinds: { 1.3.6.1.2.1.1.3.0: 123, 1.3.6.1.2.1.1.1.0: "text", 1.3.6.1.2.1.1.9.0: null } }
  tcp.ports: { value: { open: [22], answered: true } }
  derived.nothing: { value: null }
  linux.x: { error: timeout }
  linux.y: { absent: true }
  linux.z: { error: privilege, detail: "needs root" }
  linux.v: { absent: "no such file" }
"#;

fn replay(transcript: &Transcript, fact: &str) -> Replayed {
    ask(transcript, &[&FactId::parse(fact).unwrap()]).remove(0)
}

fn text(stdout: &str, stderr: &str, exit: Option<i32>, truncated: bool) -> Replayed {
    Replayed::Answer(Answer::Text(TextAnswer { stdout: stdout.into(), stderr: stderr.into(), exit, truncated }))
}

#[test]
fn a_transcript_is_short_to_write_and_says_everything() {
    let transcript = Transcript::parse(EXAMPLE).unwrap();
    assert_eq!(replay(&transcript, "linux.sshd"), text("permitrootlogin no\n", "", Some(0), false));
    assert_eq!(replay(&transcript, "linux.killed"), text("", "gone", None, false));
    assert_eq!(replay(&transcript, "linux.long"), text("abc", "", None, true));
    assert_eq!(replay(&transcript, "derived.nothing"), Replayed::Answer(Answer::Value(Value::Null)));
    let missing = Missing::new(Cause::Privilege, "needs root");
    assert_eq!(replay(&transcript, "linux.z"), Replayed::Reading(Reading::Missing(missing)));
    assert_eq!(replay(&transcript, "linux.v"), Replayed::Reading(Reading::Absent("no such file".into())));
    assert!(matches!(replay(&transcript, "linux.y"), Replayed::Reading(Reading::Absent(_))));
    assert_eq!(transcript.now, Some("2026-11-23T00:00:00Z".parse().unwrap()));
    let unknown = transcript.verdicts[&CheckId::parse("log-freshness").unwrap()];
    assert_eq!(unknown, Known(Verdict::Unknown(Cause::Timeout)));
}

#[test]
fn varbinds_keep_the_order_of_the_answer() {
    let transcript = Transcript::parse(EXAMPLE).unwrap();
    let Replayed::Answer(Answer::Varbinds(varbinds)) = replay(&transcript, "snmp.system") else { panic!() };
    let varbind = |oid: &str, value| Varbind { oid: oid.into(), value };
    assert_eq!(varbinds[0], varbind("1.3.6.1.2.1.1.3.0", Value::Int(123)));
    assert_eq!(varbinds[1], varbind("1.3.6.1.2.1.1.1.0", Value::text("text")));
    assert_eq!(varbinds[2], varbind("1.3.6.1.2.1.1.9.0", Value::Null));
}

#[test]
fn what_is_not_in_the_transcript_is_missing() {
    let Replayed::Reading(Reading::Missing(missing)) = replay(&Transcript::default(), "linux.sshd") else { panic!() };
    assert_eq!(missing.cause, Cause::NoData);
    assert!(missing.detail.contains("linux.sshd"));
}

#[test]
fn a_transcript_survives_being_written_and_read() {
    let transcript = Transcript::parse(EXAMPLE).unwrap();
    let yaml = transcript.to_yaml().unwrap();
    assert_eq!(Transcript::parse(&yaml).unwrap(), transcript, "{yaml}");
    let json = serde_json::to_string(&transcript).unwrap();
    assert_eq!(Transcript::parse(&json).unwrap(), transcript, "{json}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for wrong in [
        "facts: { linux.x: { stdot: a } }",
        "facts: { linux.x: {} }",
        "facts: { linux.x: { stdout: a, value: 1 } }",
        "facts: { linux.x: { detail: a } }",
        "facts: { linux.x: { error: slow } }",
        "facts: { linux.x: { absent: false } }",
        "facts: { snmp.x: { varbinds: { sysDescr: a } } }",
        "facts: { snmp.x: { varbinds: { 1.3.6.1.2: a, 1.3.6.1.2: b } } }",
        "verdicts: { mfa-ssh: passed }",
        "verdicts: { mfa-ssh: pass timeout }",
        "verdict: { mfa-ssh: pass }",
        "origin: invented",
        "now: yesterday",
    ] {
        assert!(Transcript::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_live_visit_becomes_a_transcript() {
    let mut transcript = Transcript { origin: Origin::Recorded, ..Transcript::default() };
    let (fact, other) = (FactId::parse("tcp.ports").unwrap(), FactId::parse("linux.x").unwrap());
    transcript.record(&fact, &Ok(Answer::Value(Value::map([("open", Value::list([Value::Int(22)]))]))));
    let endpoint = Endpoint::new("ssh", "10.1.2.3", 22);
    transcript.record(&other, &Err(TransportError::Refused { endpoint }));
    let Replayed::Reading(Reading::Missing(missing)) = replay(&transcript, "linux.x") else { panic!() };
    assert_eq!(missing.cause, Cause::Refused);
    transcript.redact(&Redaction::default().name("10.1.2.3", "192.0.2.1"));
    let yaml = transcript.to_yaml().unwrap();
    assert!(yaml.contains("192.0.2.1") && !yaml.contains("10.1.2.3"), "{yaml}");
}

#[test]
fn secrets_do_not_leave_with_a_recording() {
    let redaction = Redaction::default().secret(&Secret::new("s3cret".into())).name("hist-01", "host-1").name("", "x");
    for (said, left) in [
        ("root:$6$abc$DEF./9:19000:0", "root:[redacted]:19000:0"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\nx", "[redacted]\nx"),
        ("-----BEGIN PRIVATE KEY-----\ncut of", "[redacted]"),
        ("x s3cret y", "x [redacted] y"),
        ("hist-01.example", "host-1.example"),
        ("password = hunter2\nport = 1", "password = [redacted]\nport = 1"),
        (r#"{"token": "abc", "port": 1}"#, r#"{"token": "[redacted]", "port": 1}"#),
        ("permitrootlogin no\npasswordauthentication yes\n", "permitrootlogin no\npasswordauthentication yes\n"),
    ] {
        assert_eq!(redaction.text(said), left);
    }
}

proptest::proptest! {
    #[test]
    fn whatever_an_asset_said_survives_being_written_and_read(stdout: String, stderr in "[ -~\n\t]{0,80}", key: String) {
        let mut transcript = Transcript::default();
        let (text, value) = (FactId::parse("linux.x").unwrap(), FactId::parse("tcp.x").unwrap());
        transcript.record(&text, &Ok(Answer::Text(TextAnswer { stdout: stdout.clone(), stderr, exit: None, truncated: true })));
        transcript.record(&value, &Ok(Answer::Value(Value::map([(key, Value::text(stdout))]))));
        let yaml = transcript.to_yaml().unwrap();
        proptest::prop_assert_eq!(Transcript::parse(&yaml).unwrap(), transcript, "{}", yaml);
    }
}
