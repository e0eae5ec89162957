//! TLS and passwords of the daemon's own listener, as curl sees them.

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Daemon, Plant, certificate};

/// Status and body.
fn curl(plant: &Plant, daemon: &Daemon, path: &str, words: &[&str]) -> (u16, String) {
    let url = format!("https://127.0.0.1:{}{path}", daemon.port);
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"]).args(words);
    let output = command.arg(url).current_dir(plant.path("")).output().expect("curl; run tests/install.sh");
    let said = String::from_utf8(output.stdout).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap_or_default();
    (status.parse().unwrap_or(0), body.to_owned())
}

#[test]
fn metrics_go_to_those_who_trust_the_certificate_and_know_the_password() {
    let hash = bcrypt::hash("correct-horse", 4).unwrap();
    let plant = Plant::new("", "- { id: desk, zone: office, kind: org }\n");
    certificate(&plant.path(""), "web", 10);
    plant.write(
        "web.yml",
        &format!(
            "tls_server_config: {{ cert_file: web.crt, key_file: web.key }}\nbasic_auth_users: {{ ada: \"{hash}\" }}\n"
        ),
    );
    let configuration = std::fs::read_to_string(plant.path("nis2watch.yaml")).unwrap();
    let secured = configuration.replace("127.0.0.1:0\"", "127.0.0.1:0\", web_config: web.yml");
    plant.write("nis2watch.yaml", &secured);
    let daemon = Daemon::start(&plant);

    let trusting = ["--cacert", "web.crt"];
    let ask = |path: &str, words: &[&str]| curl(&plant, &daemon, path, &[&trusting, words].concat());
    assert_eq!(curl(&plant, &daemon, "/-/ready", &[]).0, 0, "an unknown certificate was trusted");
    assert_eq!(ask("/-/ready", &[]).0, 200, "probes have no password");
    assert_eq!(ask("/metrics", &[]).0, 401);
    assert_eq!(ask("/metrics", &["--user", "ada:wrong"]).0, 401);
    assert_eq!(ask("/metrics", &["--user", "bob:correct-horse"]).0, 401);
    let (status, body) = ask("/metrics", &["--user", "ada:correct-horse"]);
    assert!(status == 200 && body.contains("nis2watch_build_info"), "{status} {body}");
    assert_eq!(ask("/-/stop-traffic", &["--request", "POST"]).0, 401);
    assert_eq!(ask("/-/stop-traffic", &["--request", "POST", "--user", "ada:correct-horse"]).0, 200);
    let stopped = daemon.said("traffic was stopped");
    assert_eq!(stopped.last().unwrap()["actor"], "ada", "the log says who");
    assert_eq!(ask("/metrics", &["--user", "ada:correct-horse", "--tls-max", "1.1"]).0, 0);
    assert!(!daemon.log().contains("correct-horse"));
}

#[test]
fn a_password_that_is_no_hash_keeps_the_daemon_from_starting() {
    let plant = Plant::new("", "- { id: desk, zone: office, kind: org }\n");
    plant.write("web.yml", "basic_auth_users: { ada: correct-horse }\n");
    let ran = plant.run(&["run", "--web-config", "web.yml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("no bcrypt hash") && !ran.err.contains("correct-horse"), "{}", ran.err);
}

#[test]
fn a_listener_that_strangers_reach_needs_a_guard_or_a_word_that_it_needs_none() {
    let plant = Plant::new("", "- { id: desk, zone: office, kind: org }\n");
    let ran = plant.run(&["validate", "--listen", "0.0.0.0:0"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("api.listen") && ran.err.contains("api.insecure_listen: true"), "{}", ran.err);
    let configuration = std::fs::read_to_string(plant.path("nis2watch.yaml")).unwrap();
    let opened = configuration.replace("127.0.0.1:0\"", "127.0.0.1:0\", insecure_listen: true");
    assert_ne!(opened, configuration);
    plant.write("nis2watch.yaml", &opened);
    assert_eq!(plant.run(&["validate", "--listen", "0.0.0.0:0"]).code, 0);
}

#[test]
fn a_token_opens_the_door_until_it_is_revoked_while_the_daemon_runs() {
    let plant = Plant::new("", "- { id: desk, zone: office, kind: org }\n");
    let configuration = std::fs::read_to_string(plant.path("nis2watch.yaml")).unwrap();
    plant.write("nis2watch.yaml", &configuration.replace("127.0.0.1:0\"", "127.0.0.1:0\", tokens: tokens.json"));
    let refused = plant.run(&["validate"]);
    assert!(refused.code == 1 && refused.err.contains("nis2watch token create"), "{}", refused.err);
    let config = plant.path("nis2watch.yaml");
    let config = config.to_str().unwrap();
    let made = plant.run(&["token", "create", "--role", "operator", "--name", "shift"]);
    assert_eq!(made.code, 0, "{} ({config})", made.err);
    let token = made.out.trim().to_owned();
    assert!(token.starts_with("n2w_") && !std::fs::read_to_string(plant.path("tokens.json")).unwrap().contains(&token));
    let daemon = Daemon::start(&plant);
    let act = |token: &str| {
        let url = format!("http://127.0.0.1:{}/api/v1/gate/stop", daemon.port);
        let bearer = format!("authorization: Bearer {token}");
        let words = [
            "--silent",
            "--max-time",
            "20",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
            "--request",
            "POST",
        ];
        let output = Command::new("curl")
            .args(words)
            .args(["--header", &bearer, "--header", "content-type: application/json", &url])
            .output()
            .expect("curl; run tests/install.sh");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(act("n2w_guess"), "401");
    assert_eq!(act(&token), "200");
    assert_eq!(daemon.said("traffic was stopped").last().unwrap()["actor"], "shift");
    assert!(plant.run(&["token", "list"]).out.contains("operator"));
    assert_eq!(plant.run(&["token", "revoke", "shift"]).code, 0);
    assert_eq!(act(&token), "401");
    assert!(!daemon.log().contains(&token));
}

#[test]
fn what_was_done_over_the_api_is_shown_by_the_next_answer() {
    let plant = Plant::new("", "- { id: desk, zone: office, kind: org }\n");
    let configuration = std::fs::read_to_string(plant.path("nis2watch.yaml")).unwrap();
    plant.write("nis2watch.yaml", &configuration.replace("127.0.0.1:0\"", "127.0.0.1:0\", tokens: tokens.json"));
    let made = plant.run(&["token", "create", "--role", "approver", "--name", "ada"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let daemon = Daemon::start(&plant);
    let bearer = format!("authorization: Bearer {}", made.out.trim());
    let ask = |path: &str, words: &[&str]| {
        let url = format!("http://127.0.0.1:{}{path}", daemon.port);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--header", &bearer]).args(words);
        let said = String::from_utf8(curl.arg(url).output().expect("curl; run tests/install.sh").stdout).unwrap();
        serde_json::from_str::<serde_json::Value>(&said).unwrap_or_else(|error| panic!("{path}: {error}: {said}"))
    };
    let act = |path: &str, body: &str| {
        let answer = ask(path, &["--header", "content-type: application/json", "--data", body]);
        assert!(answer["record"]["seq"].is_u64(), "{path}: {answer}");
        answer
    };
    let waiver =
        r#"{"id":"w-1","match":{"check":"tls-cert-expiry"},"reason":"spare part","expires_at":"2999-01-01T00:00:00Z"}"#;
    let until = (chrono::Utc::now() + chrono::TimeDelta::days(30)).to_rfc3339();
    act("/api/v1/waivers", &waiver.replace("2999-01-01T00:00:00Z", &until));
    assert_eq!(ask("/api/v1/waivers?state=running", &[])["waivers"][0]["id"], "w-1");
    act("/api/v1/waivers/w-1/revoke", r#"{"reason":"it came"}"#);
    assert_eq!(ask("/api/v1/waivers?state=running", &[])["total"], 0);
    act("/api/v1/incidents", r#"{"id":"inc-1","title":"a visitor","reason":"a call"}"#);
    assert_eq!(ask("/api/v1/incidents", &[])["incidents"][0]["id"], "inc-1");
    let missing = ask("/api/v1/attestations", &[]);
    let check = missing["missing"][0].as_str().unwrap();
    act("/api/v1/attestations", &format!(r#"{{"check":"{check}","statement":"it was done"}}"#));
    assert_eq!(ask("/api/v1/attestations", &[])["attestations"][0]["check"], check);
}

#[test]
fn one_client_without_a_login_does_not_stop_the_listener() {
    let plant = Plant::new("", "- { id: desk, zone: office, kind: org }\n");
    let daemon = Daemon::start(&plant);
    let half = |_| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", daemon.port)).unwrap();
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n").ok();
        stream
    };
    let slow: Vec<_> = (0..520).map(half).collect();
    let begun = Instant::now();
    assert_eq!(daemon.get("/-/healthy").status, 200);
    assert_eq!(daemon.get("/metrics").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(8), "they waited for the slow ones: {:?}", begun.elapsed());
    drop(slow);
}
