//! What a receiver is told, from verdicts in a store to bytes at its door.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::desk::Desk;
use super::notice::Notice;
use super::*;
use crate::catalog::Catalog;
use crate::engine::{Cadence, Schedules};
use crate::inventory::{Access, Inventory, Member, Surroundings};
use crate::model::document::Document;
use crate::model::{
    Asset, AssetId, Calendar, Cause, CheckId, CheckResult, Criticality, Evidence, Judgement, Kind as AssetKind,
    Problems, Profile, Severity, Verdict, Window, WindowEffect, ZoneId,
};
use crate::store::{Config, Sqlite};
use crate::transport::gate::Limits;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(true, &[]).unwrap());
const CHECK: &str = "ssh-root-login";
const UNKNOWN: Verdict = Verdict::Unknown(Cause::Timeout);

struct Often;

impl Schedules for Often {
    fn cadence(&self, _: &str, _: bool) -> Option<Arc<Cadence>> {
        Some(Arc::new(Cadence::Every(Duration::from_hours(1))))
    }
}

/// Noon of a day, and so many minutes.
fn at(minutes: i64) -> Time {
    "2026-11-26T12:00:00Z".parse::<Time>().unwrap() + TimeDelta::minutes(minutes)
}

/// A plant of one host that is quiet from 13:00 to 14:00 every day.
fn plan() -> Arc<Plan> {
    let asset = Asset {
        id: AssetId::parse("web-01").unwrap(),
        address: Some("127.0.0.1".into()),
        zone: ZoneId::parse("office").unwrap(),
        kind: AssetKind::LinuxHost,
        site: None,
        vendor: None,
        product: None,
        version: None,
        serial: None,
        owner: Some("it-team".into()),
        criticality: Criticality::High,
        supplier: None,
        support_end: None,
        profile: Profile::It,
        allowed_ports: None,
        declared_ports: std::collections::BTreeSet::new(),
        labels: std::collections::BTreeMap::new(),
        fields: std::collections::BTreeMap::new(),
        params: std::collections::BTreeMap::new(),
        active: true,
        allow_intrusive: false,
        allow_protocol_reads: false,
        vantage: false,
    };
    let window = Window {
        name: "maintenance".into(),
        opens: Calendar::parse("0 13 * * *", chrono_tz::UTC).unwrap(),
        lasts: Duration::from_hours(1),
        effects: vec![WindowEffect::NoAlert],
    };
    let member = Member {
        asset: Arc::new(asset),
        zone_role: None,
        fragile: false,
        limits: Limits::STANDARD,
        access: Access { local: true, ..Access::default() },
        tls: None,
        http: None,
        has: [crate::model::Transport::Local, crate::model::Transport::Ssh].into(),
        jump: Vec::new(),
        looks_from: None,
        windows: vec![window],
        inactive: None,
        declared: "assets.yaml:1".into(),
    };
    let inventory = Inventory { members: vec![Arc::new(member)], ..Inventory::default() };
    Arc::new(Plan::new(&CATALOG, &inventory, &Often))
}

fn result(verdict: Verdict, at: Time) -> CheckResult {
    CheckResult {
        asset: AssetId::parse("web-01").unwrap(),
        zone: ZoneId::parse("office").unwrap(),
        check: CheckId::parse(CHECK).unwrap(),
        check_version: 1,
        severity: Severity::High,
        controls: Vec::new(),
        judgement: Judgement { verdict, ..Judgement::unknown(Cause::NoData, format!("it is {verdict}")) },
        evidence: Evidence::default(),
        at,
        duration_ms: 1,
    }
}

fn read(entries: &str) -> (Vec<Receiver>, Problems) {
    let mut problems = Problems::new();
    let document = Document::parse(Path::new("nis2watch.yaml"), &format!("notify:\n{entries}"), &mut problems).unwrap();
    let node = document.root.get("notify").unwrap();
    let entries: Vec<Entry> = document.salvage(&["notify".into()], node, &mut problems).unwrap();
    let surroundings = Surroundings { variables: [("TOKEN".to_owned(), "s3cret".to_owned())].into() };
    let scope = Scope {
        document: &document,
        base: Path::new("."),
        surroundings: &surroundings,
        zones: [ZoneId::parse("office").unwrap()].into(),
        site: Some("aarhus".into()),
        instance: "127.0.0.1:9762".into(),
        pages: Some("https://watch.example.net".into()),
    };
    let receivers = receivers(&entries, &scope, &mut problems);
    (receivers, problems)
}

fn receiver(entry: &str) -> Receiver {
    let (mut receivers, problems) = read(entry);
    assert!(problems.is_empty(), "{problems}");
    receivers.pop().unwrap()
}

fn open(folder: &TempDir) -> Arc<dyn Store> {
    Arc::new(Sqlite::open(&Config { path: folder.path().join("s.db"), ..Config::default() }).unwrap())
}

/// A desk whose store sees verdicts come, a minute and a state each.
struct Watched {
    _folder: TempDir,
    store: Arc<dyn Store>,
    receiver: Arc<Receiver>,
    plan: Arc<Plan>,
    desk: Desk,
}

impl Watched {
    async fn new(filters: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        let receiver = format!("- {{ name: hook, webhook: {{ url: 'http://127.0.0.1:1/' }}{filters} }}");
        let receiver = Arc::new(self::receiver(&receiver));
        let desk = Desk::open(Arc::clone(&receiver), Arc::clone(&store)).await.unwrap();
        Self { _folder: folder, store, receiver, plan: plan(), desk }
    }

    async fn see(&self, minute: i64, verdict: Verdict) {
        self.store.record(vec![result(verdict, at(minute))]).await.unwrap();
    }

    /// What is told at a minute, in short.
    async fn told(&mut self, minute: i64) -> Vec<String> {
        let mut news = VecDeque::new();
        assert!(self.desk.next(Some(&self.plan), at(minute), 100, &mut news).await.unwrap());
        for notice in &news {
            self.desk.told(notice);
        }
        self.desk.keep(self.desk.place()).await.unwrap();
        let short = |notice: &Notice| format!("{:?} {} to {}", notice.kind, notice.from, notice.to);
        news.iter().map(short).collect()
    }

    /// As after a restart.
    async fn restart(&mut self) {
        self.desk = Desk::open(Arc::clone(&self.receiver), Arc::clone(&self.store)).await.unwrap();
    }
}

#[tokio::test]
async fn a_drift_and_its_end_are_told_and_first_sight_is_not() {
    let mut watched = Watched::new("").await;
    watched.see(0, Verdict::Fail).await;
    watched.see(1, Verdict::Pass).await;
    assert_eq!(watched.told(1).await, Vec::<String>::new());
    watched.see(2, Verdict::Fail).await;
    watched.see(3, UNKNOWN).await;
    assert_eq!(watched.told(3).await, ["Drift pass to fail"]);
    watched.see(4, Verdict::Fail).await;
    watched.see(5, Verdict::Pass).await;
    assert_eq!(watched.told(5).await, ["Recovery fail to pass"]);
    watched.restart().await;
    assert_eq!(watched.told(6).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_off_every_night_for_months_is_told_to_be_mended_and_drifts_again() {
    let mut watched = Watched::new("").await;
    watched.see(0, Verdict::Pass).await;
    for night in 1..=50 {
        watched.see(2 * night - 1, Verdict::Fail).await;
        watched.see(2 * night, UNKNOWN).await;
    }
    assert_eq!(watched.told(60 * 24).await, ["Drift pass to fail"]);
    watched.see(60 * 24 * 30, Verdict::Pass).await;
    assert_eq!(watched.told(60 * 24 * 30).await, ["Recovery unknown to pass"]);
}

#[tokio::test]
async fn a_receiver_hears_of_the_kinds_severities_and_zones_that_it_asked_for() {
    let mut all = Watched::new(", tell: [drift, recovery, fail, unknown]").await;
    all.see(0, Verdict::Fail).await;
    all.see(1, Verdict::Pass).await;
    all.see(2, UNKNOWN).await;
    all.see(3, Verdict::Fail).await;
    let expected = ["Fail none to fail", "Recovery fail to pass", "Unknown pass to unknown", "Drift unknown to fail"];
    assert_eq!(all.told(3).await, expected);
    for filters in [", severity: critical", ", tell: [recovery]"] {
        let mut less = Watched::new(filters).await;
        less.see(0, Verdict::Pass).await;
        less.see(1, Verdict::Fail).await;
        assert_eq!(less.told(1).await, Vec::<String>::new(), "{filters}");
    }
}

#[tokio::test]
async fn what_happens_in_a_window_without_alerts_is_told_when_it_closes_and_only_if_it_stands() {
    let mut watched = Watched::new("").await;
    watched.see(0, Verdict::Pass).await;
    watched.see(70, Verdict::Fail).await;
    assert_eq!(watched.told(70).await, Vec::<String>::new());
    watched.restart().await;
    assert_eq!(watched.told(119).await, Vec::<String>::new());
    assert_eq!(watched.told(121).await, ["Drift pass to fail"]);
    assert_eq!(watched.told(122).await, Vec::<String>::new());

    let mut mended = Watched::new("").await;
    mended.see(0, Verdict::Pass).await;
    mended.see(70, Verdict::Fail).await;
    mended.see(80, Verdict::Pass).await;
    assert_eq!(mended.told(90).await, Vec::<String>::new());
    assert_eq!(mended.told(200).await, Vec::<String>::new());
    assert_eq!(mended.desk.held(), 0);
}

#[tokio::test]
async fn what_flaps_is_told_so_once_until_it_has_stood_still_for_six_intervals() {
    let mut watched = Watched::new("").await;
    watched.see(-400, Verdict::Pass).await;
    for round in 0..3 {
        watched.see(-390 + round * 60, Verdict::Fail).await;
        watched.see(-360 + round * 60, Verdict::Pass).await;
    }
    assert_eq!(watched.told(-235).await, ["Drift pass to fail", "Recovery fail to pass", "Flapping pass to fail"]);
    watched.restart().await;
    assert_eq!(watched.told(-240 + 359).await, Vec::<String>::new());
    assert_eq!(watched.told(-240 + 421).await, ["Recovery fail to pass"]);
}

#[tokio::test]
async fn what_flaps_and_fails_in_the_end_is_not_told_again() {
    let mut watched = Watched::new("").await;
    watched.see(-400, Verdict::Pass).await;
    for (at, verdict) in [(-390, Verdict::Fail), (-380, Verdict::Pass), (-370, Verdict::Fail)] {
        watched.see(at, verdict).await;
    }
    watched.see(-360, Verdict::Pass).await;
    watched.see(-350, Verdict::Fail).await;
    assert_eq!(watched.told(-340).await, ["Drift pass to fail", "Recovery fail to pass", "Flapping pass to fail"]);
    assert_eq!(watched.told(50).await, Vec::<String>::new());
    assert_eq!(watched.desk.held(), 0);
}

#[tokio::test]
async fn a_pair_that_leaves_the_plan_is_no_trouble_any_more() {
    let mut watched = Watched::new("").await;
    watched.see(0, Verdict::Pass).await;
    watched.see(1, Verdict::Fail).await;
    watched.told(1).await;
    watched.store.retain(Vec::new(), at(2)).await.unwrap();
    assert_eq!(watched.told(2).await, ["Recovery fail to none"]);
}

#[tokio::test]
async fn what_stands_at_a_start_is_what_was_told_before() {
    let mut watched = Watched::new("").await;
    watched.see(0, Verdict::Pass).await;
    watched.see(1, Verdict::Fail).await;
    assert!(watched.desk.standing(Some(&watched.plan)).await.unwrap().is_empty(), "it was not told yet");
    watched.told(1).await;
    watched.see(2, UNKNOWN).await;
    watched.told(2).await;
    watched.restart().await;
    let standing = watched.desk.standing(Some(&watched.plan)).await.unwrap();
    assert_eq!(standing.len(), 1);
    assert_eq!((standing[0].kind, standing[0].since), (Kind::Drift, at(1)));
}

mod alerts {
    use super::super::alert::{Board, Style};
    use super::*;

    fn style() -> Style {
        let labels = [("instance".to_owned(), "aarhus".to_owned())].into();
        Style { labels, repeat: Duration::from_mins(1), runbooks: Some("https://wiki.example.net/runbooks/".into()) }
    }

    async fn drifted() -> Notice {
        let mut watched = Watched::new(", link: 'https://watch.example.net/{asset}/{check}'").await;
        watched.see(0, Verdict::Pass).await;
        watched.see(1, Verdict::Fail).await;
        let mut news = VecDeque::new();
        watched.desk.next(Some(&watched.plan), at(1), 10, &mut news).await.unwrap();
        news.pop_back().unwrap()
    }

    fn sent(board: &mut Board, minute: i64) -> Json {
        serde_json::to_value(board.alerts(&style(), at(minute))).unwrap()
    }

    #[tokio::test]
    async fn an_alert_has_the_labels_of_the_rules_and_says_what_to_do() {
        let mut board = Board::default();
        board.take(drifted().await);
        let alerts = sent(&mut board, 2);
        let labels = serde_json::json!({
            "alertname": "Nis2CheckDrifted", "severity": "critical", "asset": "web-01", "check": CHECK,
            "zone": "office", "instance": "aarhus",
        });
        assert_eq!(alerts[0]["labels"], labels);
        assert_eq!(
            (&alerts[0]["startsAt"], &alerts[0]["endsAt"]),
            (&"2026-11-26T12:01:00Z".into(), &"2026-11-26T12:06:00Z".into())
        );
        assert_eq!(alerts[0]["generatorURL"], "https://watch.example.net/web-01/ssh-root-login");
        let texts = &alerts[0]["annotations"];
        assert_eq!(texts["summary"], "web-01 no longer meets ssh-root-login");
        assert_eq!(texts["runbook_url"], "https://wiki.example.net/runbooks/Nis2CheckDrifted.md");
        assert!(
            texts["description"].as_str().unwrap().contains("fails now: it is fail. Fix: Set PermitRootLogin"),
            "{texts}"
        );
    }

    #[tokio::test]
    async fn an_end_is_sent_until_it_is_heard() {
        let mut board = Board::default();
        let drift = drifted().await;
        board.take(drift.clone());
        sent(&mut board, 2);
        board.heard(at(2));
        board.take(Notice { kind: Kind::Recovery, ..drift });
        assert_eq!(sent(&mut board, 3)[0]["endsAt"], "2026-11-26T12:03:00Z");
        assert_eq!(sent(&mut board, 4)[0]["endsAt"], "2026-11-26T12:03:00Z", "not heard the first time");
        board.heard(at(4));
        assert_eq!(sent(&mut board, 5), serde_json::json!([]));
    }

    #[tokio::test]
    async fn what_drifted_a_month_ago_is_a_drift_until_it_is_mended() {
        let mut board = Board::default();
        board.take(drifted().await);
        sent(&mut board, 2);
        board.heard(at(2));
        let alerts = sent(&mut board, 30 * 24 * 60 + 2);
        let short = |alert: &Json| {
            let label = |name: &str| alert["labels"][name].as_str().unwrap().to_owned();
            format!("{} {} until {}", label("alertname"), label("severity"), alert["endsAt"].as_str().unwrap())
        };
        let expected = ["Nis2CheckDrifted critical until 2026-12-26T12:06:00Z"];
        assert_eq!(alerts.as_array().unwrap().iter().map(short).collect::<Vec<_>>(), expected);
    }
}

/// A receiver on loopback that answers with one status, or not at all when that is 0.
struct Hook {
    url: String,
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?key=s3cret", listener.local_addr().unwrap());
        let (status, got) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let (answers, heard) = (Arc::clone(&status), Arc::clone(&got));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answers, heard) = (Arc::clone(&answers), Arc::clone(&heard));
                tokio::spawn(async move {
                    let mut text = Vec::new();
                    while !is_whole(&text) && stream.read_buf(&mut text).await.is_ok_and(|read| read > 0) {}
                    heard.lock().unwrap().push(String::from_utf8(text).unwrap());
                    match answers.load(Ordering::SeqCst) {
                        0 => std::future::pending().await,
                        status => {
                            let answer = format!("HTTP/1.1 {status} X\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n");
                            stream.write_all(answer.as_bytes()).await.ok();
                        }
                    }
                });
            }
        });
        Self { url, status, got }
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }

    async fn until(&self, count: usize) -> Vec<String> {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            while self.got().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.expect("the receiver hears in time");
        self.got()
    }

    fn entry(&self, more: &str) -> Vec<Receiver> {
        vec![receiver(&format!("- {{ name: hook, webhook: {{ url: '{}', timeout: 2s{more} }} }}", self.url))]
    }
}

fn is_whole(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    body.len() >= length
}

fn body(request: &str) -> Json {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// A notifier over a store that has seen a check pass and fail after it was employed.
async fn employed(store: &Arc<dyn Store>, registry: &Registry, receivers: Vec<Receiver>) -> Notifier {
    let mut notifier = Notifier::new(Arc::clone(store), registry, || quiet_free(10));
    notifier.watch(plan());
    notifier.employ(receivers);
    // a receiver is told of what happens after it was first there
    while store.note("notify.hook").await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    notifier
}

/// Not within the window of the plan.
fn quiet_free(minute: i64) -> Time {
    at(-300 + minute)
}

async fn drift(store: &Arc<dyn Store>) {
    for (minute, verdict) in [(0, Verdict::Pass), (1, Verdict::Fail)] {
        store.record(vec![result(verdict, quiet_free(minute))]).await.unwrap();
    }
}

fn sample(registry: &Registry, name: &str) -> f64 {
    let family = registry.gather().into_iter().find(|family| family.name() == name).unwrap();
    let metric = &family.get_metric()[0];
    metric.get_counter().get_value() + metric.get_gauge().get_value()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_one_message_with_all_that_is_needed_to_act() {
    let (folder, hook, registry) = (TempDir::new().unwrap(), Hook::open().await, Registry::new());
    let store = open(&folder);
    let mut notifier = employed(&store, &registry, hook.entry(", token: { env: TOKEN }")).await;
    drift(&store).await;
    notifier.bell().ring();
    let got = hook.until(1).await;
    let head = got[0].to_lowercase();
    assert!(head.starts_with("post /hook?key=s3cret http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer s3cret\r\n") && head.contains("content-type: application/json\r\n"));
    let body = body(&got[0]);
    assert_eq!(
        (&body["version"], &body["source"], &body["receiver"]),
        (&1.into(), &"nis2watch".into(), &"hook".into())
    );
    let notice = &body["notices"][0];
    let expected = serde_json::json!({
        "id": notice["id"], "kind": "drift", "site": "aarhus", "asset": "web-01", "zone": "office", "owner": "it-team",
        "criticality": "high", "check": CHECK, "title": notice["title"], "severity": "high", "from": "pass", "to": "fail",
        "cause": null, "reason": "it is fail", "fix": notice["fix"], "at": "2026-11-26T07:01:00Z",
        "since": "2026-11-26T07:01:00Z", "link": "https://watch.example.net/assets/web-01/ssh-root-login",
    });
    assert_eq!(*notice, expected);
    assert!(notice["fix"].as_str().unwrap().starts_with("Set PermitRootLogin"), "{notice}");
    notifier.stop(Duration::from_secs(5)).await;
    assert!((sample(&registry, "nis2watch_notices_sent_total") - 1.0).abs() < 0.1);
    assert!(sample(&registry, "nis2watch_notices_last_success_timestamp_seconds") > 1e9);
    assert_eq!(hook.got().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_is_told_after_a_restart_and_what_was_taken_is_not() {
    let (folder, hook) = (TempDir::new().unwrap(), Hook::open().await);
    let store = open(&folder);
    hook.answers(503);
    let registry = Registry::new();
    let mut notifier = employed(&store, &registry, hook.entry("")).await;
    drift(&store).await;
    notifier.bell().ring();
    hook.until(1).await;
    notifier.stop(Duration::from_secs(5)).await;
    assert!((sample(&registry, "nis2watch_notices_waiting") - 1.0).abs() < 0.1);
    assert!(sample(&registry, "nis2watch_notice_posts_failed_total") > 0.5);

    hook.answers(204);
    hook.got.lock().unwrap().clear();
    for expected in [1, 1] {
        let mut notifier = employed(&store, &Registry::new(), hook.entry("")).await;
        hook.until(expected).await;
        notifier.stop(Duration::from_secs(5)).await;
        assert_eq!(hook.got().len(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_or_sends_elsewhere_is_tried_again_in_time_and_not_followed() {
    let (folder, hook, registry) = (TempDir::new().unwrap(), Hook::open().await, Registry::new());
    let store = open(&folder);
    hook.answers(0);
    let notifier = employed(&store, &registry, hook.entry("")).await;
    drift(&store).await;
    notifier.bell().ring();
    hook.until(1).await;
    hook.answers(307);
    hook.until(2).await;
    hook.answers(200);
    let got = hook.until(3).await;
    assert!(got.iter().all(|request| request.starts_with("POST /hook?key=s3cret ")), "{got:?}");
    assert!(got.iter().all(|request| body(request) == body(&got[0])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_for_good_holds_up_no_other() {
    let (folder, hook, registry) = (TempDir::new().unwrap(), Hook::open().await, Registry::new());
    let store = open(&folder);
    hook.answers(400);
    let mut notifier = employed(&store, &registry, hook.entry("")).await;
    drift(&store).await;
    notifier.bell().ring();
    hook.until(1).await;
    hook.answers(200);
    store.record(vec![result(Verdict::Pass, quiet_free(2))]).await.unwrap();
    notifier.bell().ring();
    let got = hook.until(2).await;
    assert_eq!(body(&got[1])["notices"][0]["kind"], "recovery");
    notifier.stop(Duration::from_secs(5)).await;
    assert!((sample(&registry, "nis2watch_notices_dropped_total") - 1.0).abs() < 0.1);
}

#[test]
fn every_mistake_of_a_receiver_is_told_with_its_key() {
    let (receivers, problems) = read(
        "
- { name: a, webhook: { url: 'ftp://x/' } }
- { name: a, webhook: { url: 'http://u:p@x/' } }
- { name: b, webhook: { url: 'http://x/', repeat: 1m }, alertmanager: { url: 'http://x/' } }
- { name: c, webhook: { url: 'http://x/', ca: no.pem }, tell: [] }
- { name: d, webhook: { url: 'https://x/', ca: no.pem }, zones: [ofice] }
- { name: e, webhook: { url: 'http://x/', timeout: 2m, token: { env: NONE } } }
- { name: f, webhook: { url: 'http://x/', header: { name: Host, value: { env: TOKEN } } }, tell: [flapping] }
- { name: g, webhook: { url: 'http://x/', instance: x } }
- { name: h, alertmanager: { url: 'http://x/am', labels: { zone: x, 1a: y }, repeat: 1h }, tell: [unknown] }
- { name: i, webhook: { url: 'http://x/' }, severity: grave }
",
    );
    let found = problems.to_string();
    for expected in [
        "only http://… and https://… are known here",
        "receiver \"a\" is named twice",
        "would put a secret into this file",
        "exactly one of the keys webhook and alertmanager",
        "ca belongs to https",
        "told nothing",
        "cannot use the certificates in ./no.pem",
        "zone \"ofice\" is not declared",
        "has up to 1m",
        "environment variable \"NONE\" is not set",
        "the header host is set by the message itself",
        "flapping is told to whom",
        "instance, labels, repeat and runbooks belong to alertmanager",
        "the label zone is set by the alert itself",
        "\"1a\" is no label",
        "repeated every 1s to 15m",
        "unknown is told to webhooks only",
        "grave",
    ] {
        assert!(found.contains(expected), "{expected}\n---\n{found}");
    }
    assert!(!found.contains("s3cret"), "{found}");
    assert!(!format!("{receivers:?}").contains("s3cret"));
}

/// A server that shows this certificate, and counts whom it shook hands with.
async fn tls_server(pair: &rcgen::CertifiedKey<rcgen::KeyPair>) -> (u16, Arc<AtomicU16>) {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, served) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU16::new(0)));
    let count = Arc::clone(&served);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut text = Vec::new();
            while !is_whole(&text) && stream.read_buf(&mut text).await.is_ok_and(|read| read > 0) {}
            count.fetch_add(u16::from(is_whole(&text)), Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.ok();
            stream.shutdown().await.ok();
        }
    });
    (port, served)
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_whose_certificate_is_not_trusted() {
    let folder = TempDir::new().unwrap();
    let names = vec!["localhost".to_owned()];
    let (ours, other) = (
        rcgen::generate_simple_self_signed(names.clone()).unwrap(),
        rcgen::generate_simple_self_signed(names).unwrap(),
    );
    let (port, served) = tls_server(&ours).await;
    let send = async |host: &str, trusted: &rcgen::CertifiedKey<rcgen::KeyPair>| {
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, trusted.cert.pem()).unwrap();
        let url = format!("https://{host}:{port}/hook?key=s3cret");
        let entry = format!("- {{ name: hook, webhook: {{ url: '{url}', ca: {} }} }}", ca.display());
        receiver(&entry).door.post(b"{}".to_vec()).await
    };
    send("localhost", &ours).await.unwrap();
    for (host, trusted) in [("localhost", &other), ("127.0.0.1", &ours)] {
        let error = send(host, trusted).await.unwrap_err().to_string();
        assert!(error.contains("certificate") && !error.contains("s3cret"), "{error}");
    }
    assert_eq!(served.load(Ordering::SeqCst), 1);
}
