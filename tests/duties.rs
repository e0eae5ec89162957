//! Duties from the outside: what a person writes, signs and notes, and what checks and metrics make of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::path::Path;

use chrono::{SecondsFormat, TimeDelta, Utc};

/// A plant of paper alone: nothing is sent anywhere.
struct Plant(tempfile::TempDir);

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Plant {
    fn new(files: &[(&str, &str)]) -> Self {
        let plant = Self(tempfile::tempdir().unwrap());
        let kept: Vec<_> =
            files.iter().map(|(name, _)| format!("  {}: [{name}]\n", name.split('.').next().unwrap())).collect();
        let duties = if kept.is_empty() { String::new() } else { format!("duties:\n{}", kept.concat()) };
        let config =
            format!("inventory: [assets.yaml]\nstore: {{ path: n.db }}\nzones: [{{ id: office, role: it }}]\n{duties}");
        plant.write("nis2watch.yaml", &config);
        plant.write("assets.yaml", "[]\n");
        for (name, text) in files {
            plant.write(name, text);
        }
        plant
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    async fn run(&self, words: &[&str]) -> Said {
        let config = self.path().join("nis2watch.yaml");
        let done = tokio::process::Command::new(env!("CARGO_BIN_EXE_nis2watch"))
            .args(words)
            .arg("--config")
            .arg(config)
            .current_dir(self.path())
            .kill_on_drop(true)
            .output();
        let done = tokio::time::timeout(std::time::Duration::from_mins(1), done).await.unwrap().unwrap();
        Said {
            code: done.status.code().unwrap(),
            out: String::from_utf8(done.stdout).unwrap(),
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// The state and the reason of one check on one asset, and the exit code.
    async fn judged(&self, asset: &str, check: &str) -> (String, String, i32) {
        let said = self.run(&["check", "--asset", asset, "--check", check, "--format", "json"]).await;
        let report: serde_json::Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err));
        let result = &report["results"][0];
        (result["state"].as_str().unwrap().to_owned(), result["reason"].as_str().unwrap().to_owned(), said.code)
    }
}

fn hours_ago(hours: i64) -> String {
    (Utc::now() - TimeDelta::hours(hours)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_makes_a_check_pass_and_rejecting_makes_it_fail() {
    let plant = Plant::new(&[("attestations.yaml", "schema_version: 1\nattestations: []\n")]);
    let (state, reason, code) = plant.judged("org", "attest-network-plan").await;
    assert_eq!((state.as_str(), code), ("unknown", 101), "{reason}");
    assert!(reason.contains("nis2watch attest sign"), "{reason}");

    plant.write("plan.pdf", "zones and conduits");
    let sign = |more: &[&'static str]| {
        let words = ["attest", "sign", "--check", "attest-network-plan", "--statement", "reviewed", "--by", "p-014"];
        let words = words.into_iter().chain(["--role", "ciso", "--evidence", "plan.pdf"]).chain(more.iter().copied());
        words.collect::<Vec<_>>()
    };
    let said = plant.run(&sign(&[])).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("noted as record"), "{}", said.out);
    assert_eq!(plant.judged("org", "attest-network-plan").await.0, "pass");

    let list = plant.run(&["attest", "list", "--format", "json"]).await;
    let list: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    let one = &list["statements"][0];
    assert_eq!((one["state"].as_str(), one["signed_by"]["person"].as_str()), (Some("valid"), Some("p-014")));
    // sha256 of the file as it was when it was signed
    assert_eq!(one["evidence"][0]["sha256"], "790a9c65257bc205006ce3653ee6806010f865798ac68ce53535c59e91afe1da");
    assert!(list["missing"].as_array().unwrap().iter().any(|check| check == "attest-risk-assessment"));

    let said = plant.run(&sign(&["--rejected"])).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let (state, reason, code) = plant.judged("org", "attest-network-plan").await;
    assert_eq!((state.as_str(), code), ("fail", 100), "{reason}");

    let id = one["id"].as_str().unwrap();
    let renew = ["attest", "renew", id, "--by", "p-014", "--role", "ciso", "--reason", "looked again"];
    let said = plant.run(&renew).await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("--evidence"), "{}", said.err);
    let said = plant.run(&[&renew[..], &["--evidence", "plan.pdf"]].concat()).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(plant.judged("org", "attest-network-plan").await.0, "pass");

    let said = plant.run(&["ledger", "verify"]).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_an_incident_runs_until_the_report_is_noted() {
    let plant = Plant::new(&[("incidents.yaml", "schema_version: 1\nincidents: []\n")]);
    assert_eq!(plant.judged("org", "incident-reporting-clock").await.0, "pass");
    let by = ["--by", "p-014", "--reason", "call from IT"];
    let aware = hours_ago(23);
    let open = ["incident", "open", "inc-1", "--title", "Ransomware", "--aware-at", &aware];
    let said = plant.run(&[&open[..], &by].concat()).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let (state, reason, _) = plant.judged("org", "incident-reporting-clock").await;
    assert_eq!(state, "warn", "{reason}");

    let said = plant.run(&[&["incident", "classify", "inc-1", "--significant", "yes"][..], &by].concat()).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("early_warning due"), "{}", said.out);
    let (state, reason, _) = plant.judged("org", "incident-reporting-clock").await;
    assert_eq!(state, "warn", "{reason}");
    assert!(reason.contains("a report is due soon"), "{reason}");

    let report = ["incident", "stage", "inc-1", "early_warning", "--receipt", "CSIRT-1"];
    let said = plant.run(&[&report[..], &by].concat()).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(plant.judged("org", "incident-reporting-clock").await.0, "pass");
    let said = plant.run(&[&report[..], &by].concat()).await;
    assert!(said.code == 1 && said.err.contains("--correct"), "{}", said.err);

    let late = hours_ago(-2);
    let said = plant.run(&[&["incident", "close", "inc-1", "--at", &late][..], &by].concat()).await;
    assert!(said.code == 1 && said.err.contains("lies ahead"), "{}", said.err);
    assert_eq!(plant.run(&[&["incident", "close", "inc-1"][..], &by].concat()).await.code, 0);
    let said = plant.run(&[&["incident", "close", "inc-1"][..], &by].concat()).await;
    assert!(said.code == 1 && said.err.contains("--correct"), "{}", said.err);
    let said = plant.run(&["incident", "export", "inc-1", "--stage", "notification"]).await;
    assert!(said.out.contains("# notification: Ransomware") && said.out.contains("sent to nobody"), "{}", said.out);

    let old = hours_ago(200);
    let said = plant
        .run(
            &[&["incident", "open", "inc-2", "--title", "x", "--significant", "yes", "--aware-at", &old][..], &by]
                .concat(),
        )
        .await;
    assert_eq!(said.code, 0, "{}", said.err);
    let (state, reason, code) = plant.judged("org", "incident-reporting-clock").await;
    assert_eq!((state.as_str(), code), ("fail", 100), "{reason}");
    assert!(reason.contains("inc-2"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_shows_the_finding_beside_itself_until_what_makes_up_for_it_fails() {
    let rejected = "schema_version: 1\nattestations:\n  - {id: a, check: attest-firewall-review, subject: org, statement: s, signed_by: {person: p, role: r}, signed_at: 2026-01-01T00:00:00Z, valid_days: 9, result: rejected}\n";
    let waiver = |more: &str| {
        let (start, end) = (hours_ago(24), hours_ago(-24));
        format!(
            "schema_version: 1\nwaivers:\n  - {{id: w-1, match: {{check: attest-firewall-review}}, reason: new firewall next week, owner: ot, approved_by: {{person: p, role: r}}, starts_at: '{start}', expires_at: '{end}'{more}}}\n"
        )
    };
    let plant = Plant::new(&[
        ("attestations.yaml", rejected),
        ("incidents.yaml", "schema_version: 1\nincidents: []\n"),
        ("waivers.yaml", &waiver(", compensating: incident-reporting-clock")),
    ]);
    // what makes up for it is judged in the same round
    let said = plant.run(&["check", "--check", "attest-firewall-review", "--check", "incident-reporting-clock"]).await;
    assert!(said.out.contains("waived") && said.out.contains("findings: 1 gross, 0 net of waivers"), "{}", said.out);
    assert_eq!(said.code, 0);

    let open = [
        "incident",
        "open",
        "inc-1",
        "--title",
        "x",
        "--significant",
        "yes",
        "--by",
        "p",
        "--reason",
        "r",
        "--aware-at",
    ];
    plant.run(&[&open[..], &[&hours_ago(30)]].concat()).await;
    assert_eq!(plant.judged("org", "incident-reporting-clock").await.0, "fail");
    let (state, reason, code) = plant.judged("org", "attest-firewall-review").await;
    assert_eq!((state.as_str(), code), ("fail", 100));
    assert!(
        reason.contains("waiver w-1 is suspended: compensating check incident-reporting-clock on org is fail"),
        "{reason}"
    );

    // the register itself is judged too
    assert_eq!(plant.judged("org", "exception-register-valid").await.0, "warn");
    plant.write("waivers.yaml", &waiver(""));
    let (state, reason, _) = plant.judged("org", "exception-register-valid").await;
    assert_eq!(state, "fail", "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_of_the_command_line_holds_until_it_is_revoked_and_nothing_is_written_without_a_reason() {
    let rejected = "schema_version: 1\nattestations:\n  - {id: a, check: attest-firewall-review, subject: org, statement: s, signed_by: {person: p, role: r}, signed_at: 2026-01-01T00:00:00Z, valid_days: 9, result: rejected}\n";
    let plant = Plant::new(&[("attestations.yaml", rejected)]);
    let state = async || plant.judged("org", "attest-firewall-review").await.0;
    let until = hours_ago(-48);
    let add = |id: &'static str, check: &'static str, more: &[&'static str]| {
        let words =
            ["waiver", "add", id, "--check", check, "--until", &until, "--role", "plant-manager", "--by", "p-014"];
        words.into_iter().chain(more.iter().copied()).map(str::to_owned).collect::<Vec<_>>()
    };
    let run = async |words: Vec<String>| plant.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let because = ["--reason", "new firewall next week"];
    let why = |more: &[&'static str]| because.into_iter().chain(more.iter().copied()).collect::<Vec<_>>();
    for (words, complaint) in [
        (add("w-1", "attest-firewall-review", &[]), "--reason"),
        (add("w-1", "attest-firewall-reviem", &because), "did you mean \"attest-firewall-review\""),
        (add("w-1", "attest-firewall-review", &why(&["--zone", "offices"])), "did you mean \"office\""),
        (add("w-1", "attest-firewall-review", &why(&["--asset", "plc-*"])), "means no asset"),
        (add("w-1", "attest-firewall-review", &why(&["--compensating", "attest-network-plan@nobody"])), "nobody"),
        (add("w-1", "attest-firewall-review", &why(&["--cve", "CVE-1"])), "no CVE id"),
        (add("w-1", "attest-firewall-review", &why(&["--kind", "boat"])), "a kind is one of"),
    ] {
        let said = run(words).await;
        assert!(said.code == 1 && said.err.contains(complaint), "{complaint}: {}", said.err);
    }
    assert_eq!(state().await, "fail");
    let said = run(add("w-1", "attest-firewall-review", &why(&["--asset", "org", "--owner", "ot"]))).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("on 1 asset, until") && said.out.contains("noted as record"), "{}", said.out);
    assert_eq!(state().await, "waived");
    let said = run(add("w-1", "attest-firewall-review", &because)).await;
    assert!(said.code == 1 && said.err.contains("never reused"), "{}", said.err);

    let revoke = ["waiver", "revoke", "w-1", "--by", "p-022", "--reason", "it is there"];
    let said = plant.run(&revoke).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(state().await, "fail");
    let said = plant.run(&revoke).await;
    assert!(said.code == 1 && said.err.contains("p-022 ended w-1"), "{}", said.err);
    let said = plant.run(&["waiver", "list", "--format", "json"]).await;
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let (one, end) = (&list["waivers"][0], &list["waivers"][0]["revocation"]);
    assert_eq!((&one["state"], &one["match"]["asset"][0]), (&"revoked".into(), &"org".into()));
    assert_eq!((&end["by"], &end["reason"]), (&"p-022".into(), &"it is there".into()));
    assert_ne!(plant.judged("org", "exception-register-valid").await.0, "fail", "what somebody ended is settled");
    assert_eq!(plant.run(&["ledger", "verify"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiver_that_matches_nothing_is_a_warning_and_every_mistake_of_a_register_is_told_at_once() {
    let nothing = "schema_version: 1\nwaivers:\n  - {id: w-1, match: {check: snmp-v3-only, asset: plc-9}, reason: r, approved_by: {person: p, role: r}, starts_at: 2026-01-01T00:00:00Z, expires_at: 2027-01-01T00:00:00Z}\n";
    let plant = Plant::new(&[("waivers.yaml", nothing)]);
    let said = plant.run(&["validate"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("waiver w-1 matches nothing"), "{}", said.err);

    plant.write(
        "waivers.yaml",
        &nothing.replace("snmp-v3-only", "snmp-v3-onyl").replace("2027-01-01T00:00:00Z", "next year"),
    );
    plant.write("suppliers.yaml", "schema_version: 1\nsupplier: []\n");
    let config = std::fs::read_to_string(plant.path().join("nis2watch.yaml")).unwrap();
    plant.write("nis2watch.yaml", &(config + "  suppliers: [suppliers.yaml]\n  rooms: [gone.yaml]\n"));
    let said = plant.run(&["validate"]).await;
    assert_eq!(said.code, 1);
    for wanted in [
        "waivers.yaml:3:",
        "\"next year\" is no time",
        "suppliers.yaml:2:1: supplier: unknown key \"supplier\"",
        "did you mean \"suppliers\"?",
        "gone.yaml: cannot be read",
    ] {
        assert!(said.err.contains(wanted), "{wanted} is not in\n{}", said.err);
    }
}
