//! The exposition as a scraper sees it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::TimeDelta;
use flate2::read::GzDecoder;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::catalog::Catalog;
use crate::engine::{Cadence, Listener, Plan, Schedules};
use crate::inventory::{Access, Inventory, Member};
use crate::model::{
    Asset, AssetId, Cause, Certificate, CheckId, CheckResult, Criticality, Evidence, Judgement, Kind, Listed, Profile,
    Severity, Time, Transition, Transport, Value, Verdict, ZoneId,
};
use crate::store::{Config, Digest, Head, Latest, Past, Sqlite, Store, Turn, Visit};
use crate::transport::gate::{Gate, Limits, Names, Setup, Switch};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(true, &[]).unwrap());

struct Often;

impl Schedules for Often {
    fn cadence(&self, _: &str, _: bool) -> Option<Arc<Cadence>> {
        Some(Arc::new(Cadence::Every(Duration::from_hours(1))))
    }
}

fn at(seconds: i64) -> Time {
    Time::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
}

fn asset(id: &str, zone: &str) -> Asset {
    Asset {
        id: AssetId::parse(id).unwrap(),
        address: Some("127.0.0.1".into()),
        zone: ZoneId::parse(zone).unwrap(),
        kind: Kind::LinuxHost,
        site: Some("aarhus".into()),
        vendor: Some("Debian".into()),
        product: Some("Historian 5".into()),
        version: None,
        serial: None,
        owner: None,
        criticality: Criticality::High,
        supplier: None,
        support_end: None,
        profile: Profile::It,
        allowed_ports: Some([22].into()),
        declared_ports: BTreeSet::new(),
        labels: BTreeMap::new(),
        fields: BTreeMap::new(),
        params: BTreeMap::new(),
        active: true,
        allow_intrusive: false,
        allow_protocol_reads: false,
        vantage: false,
    }
}

fn member(asset: Asset) -> Arc<Member> {
    Arc::new(Member {
        asset: Arc::new(asset),
        zone_role: None,
        fragile: false,
        limits: Limits::STANDARD,
        access: Access { local: true, ..Access::default() },
        tls: None,
        http: None,
        has: [Transport::Ssh, Transport::Local].into(),
        jump: Vec::new(),
        looks_from: None,
        windows: Vec::new(),
        inactive: None,
        declared: "assets.yaml:1".into(),
    })
}

/// A plant, what its store would know, and the exposition of it.
struct Plant {
    plan: Plan,
    gates: HashMap<AssetId, Gate>,
    latest: Vec<Latest>,
    standings: Standings,
    certificates: Certificates,
    visits: Vec<Visit>,
}

impl Plant {
    fn new(assets: impl IntoIterator<Item = Asset>) -> Self {
        let members: Vec<_> = assets.into_iter().map(member).collect();
        let gates = members.iter().map(|member| (member.asset.id.clone(), gate(&member.asset.id))).collect();
        let plan = Plan::new(&CATALOG, &Inventory { members, ..Inventory::default() }, &Often);
        let (standings, certificates) = (Standings::default(), Certificates::default());
        Self { plan, gates, latest: Vec::new(), standings, certificates, visits: Vec::new() }
    }

    fn of(hosts: usize) -> Self {
        Self::new((0..hosts).map(|n| asset(&format!("host-{n}"), ["office", "cell-1"][n % 2])))
    }

    fn scope(&self) -> Scope<'_> {
        let Self { plan, gates, latest, standings, certificates, visits } = self;
        Scope { plan, catalog: &CATALOG, gates, latest, standings, certificates, visits }
    }

    fn exposition(&self) -> Exposition {
        let exposition = Exposition::new(Own::new());
        exposition.replace(&self.scope(), at(0));
        exposition
    }

    fn pairs(&self) -> Vec<(AssetId, CheckId)> {
        self.plan.pairs()
    }
}

fn gate(asset: &AssetId) -> Gate {
    let setup = Setup {
        asset: asset.clone(),
        address: "127.0.0.1".into(),
        limits: Limits::STANDARD,
        inactive: None,
        windows: Vec::new(),
        zone: None,
        names: Names::default(),
    };
    Gate::new(setup, Switch::default(), chrono::Utc::now)
}

fn result(asset: &AssetId, check: &CheckId, verdict: Verdict, at: Time) -> CheckResult {
    CheckResult {
        asset: asset.clone(),
        zone: ZoneId::parse("office").unwrap(),
        check: check.clone(),
        check_version: 1,
        severity: Severity::High,
        controls: Vec::new(),
        judgement: Judgement { verdict, ..Judgement::unknown(Cause::NoData, "") },
        evidence: Evidence::default(),
        at,
        duration_ms: 1,
    }
}

fn transition(zone: &str, from: Option<Verdict>, to: Verdict) -> Transition {
    Transition {
        asset: AssetId::parse("host-0").unwrap(),
        zone: ZoneId::parse(zone).unwrap(),
        check: CheckId::parse("ssh-root-login").unwrap(),
        severity: Severity::High,
        from,
        to,
        reason: String::new(),
        at: at(0),
    }
}

fn text(exposition: &Exposition, format: Format) -> String {
    String::from_utf8(exposition.body(format, false).to_bytes()).unwrap()
}

/// The lines that tell of the plant, not of the process that watches it.
fn about_plant(text: &str) -> Vec<&str> {
    let own = ["process_", "nis2watch_scrape", "# "];
    text.lines().filter(|line| !own.iter().any(|start| line.starts_with(start))).collect()
}

fn lines<'a>(text: &'a str, parts: &[&str]) -> Vec<&'a str> {
    text.lines().filter(|line| !line.starts_with('#') && parts.iter().all(|part| line.contains(part))).collect()
}

fn value(text: &str, parts: &[&str]) -> Option<String> {
    let found = lines(text, parts);
    assert!(found.len() <= 1, "{found:?}");
    found.first().and_then(|line| Some(line.rsplit_once(' ')?.1.to_owned()))
}

#[test]
fn a_restart_shows_the_same_states_since_the_same_times_before_any_visit() {
    let mut plant = Plant::of(1);
    let (asset, check) = plant.pairs()[0].clone();
    plant.latest = vec![Latest {
        asset: asset.clone(),
        check: check.clone(),
        verdict: Verdict::Fail,
        since: at(-900),
        at: at(-9),
    }];
    let took = Duration::from_millis(1_250);
    plant.visits = vec![Visit { asset, at: at(-9), duration: took, reachable: vec![(Transport::Local, true)] }];
    let text = text(&plant.exposition(), Format::Text);
    let of = |name: &str| value(&text, &[name, &format!("check=\"{check}\"")]);
    assert_eq!(of("nis2watch_check_state{").as_deref(), Some("2"));
    assert_eq!(of("nis2watch_check_pass{").as_deref(), Some("0"));
    assert_eq!(of("nis2watch_check_state_since_timestamp_seconds{"), Some(at(-900).timestamp().to_string()));
    assert_eq!(of("nis2watch_check_unknown{"), None);
    assert_eq!(value(&text, &["nis2watch_asset_reachable{", "transport=\"local\""]).as_deref(), Some("1"));
    assert_eq!(value(&text, &["nis2watch_asset_visit_duration_seconds{"]).as_deref(), Some("1.250"));
    let visited = value(&text, &["nis2watch_asset_last_visit_timestamp_seconds{"]);
    assert_eq!(visited, Some(at(-9).timestamp().to_string()));
}

#[test]
fn what_was_never_judged_is_unknown_since_the_plan_was_first_loaded_not_missing_and_not_green() {
    let plant = Plant::of(2);
    let exposition = plant.exposition();
    exposition.replace(&plant.scope(), at(500));
    let text = text(&exposition, Format::Text);
    let pairs = plant.pairs().len();
    assert!(pairs > 10);
    let first = at(0).timestamp().to_string();
    let states = lines(&text, &["nis2watch_check_state{"]);
    assert!(states.len() == pairs && states.iter().all(|line| line.ends_with(" 3")));
    assert_eq!(lines(&text, &["nis2watch_check_unknown{", "cause=\"no_data\""]).len(), pairs);
    let since = lines(&text, &["nis2watch_check_state_since_timestamp_seconds{"]);
    assert!(since.len() == pairs && since.iter().all(|line| line.ends_with(&first)));
    assert_eq!(lines(&text, &["nis2watch_check_pass{"]).len(), 0);
}

#[test]
fn the_pass_series_comes_with_the_evidence_and_goes_with_it() {
    let plant = Plant::of(40);
    let exposition = plant.exposition();
    let (asset, check) = plant.pairs().pop().unwrap();
    let (one, zone) = (format!("asset=\"{asset}\",check=\"{check}\""), "zone=\"cell-1\",severity=");
    let show = |verdict, since| {
        exposition.judged(&result(&asset, &check, verdict, at(since)), at(since));
        let text = text(&exposition, Format::Text);
        let of = |parts: &[&str]| value(&text, &[parts, &[&one]].concat());
        let cause = lines(&text, &["nis2watch_check_unknown{", &one]).first().map(|line| (*line).to_owned());
        (of(&["nis2watch_check_state{", zone]), of(&["nis2watch_check_pass{", zone]), cause)
    };
    let some = |text: &str| Some(text.to_owned());
    let unknown = |cause| Some(format!("nis2watch_check_unknown{{{one},cause=\"{cause}\"}} 1"));
    assert_eq!(show(Verdict::Pass, 1), (some("0"), some("1"), None));
    assert_eq!(show(Verdict::Unknown(Cause::Timeout), 2), (some("3"), None, unknown("timeout")));
    assert_eq!(show(Verdict::Unknown(Cause::HostKey), 2), (some("3"), None, unknown("host_key")));
    assert_eq!(show(Verdict::Warn, 3), (some("1"), some("1"), None));
    assert_eq!(show(Verdict::Waived, 4), (some("4"), some("1"), None));
    assert_eq!(show(Verdict::NotApplicable, 5), (some("5"), None, None));
    assert_eq!(show(Verdict::Fail, 6), (some("2"), some("0"), None));
}

/// The kind of finding on a pair, and since how many seconds.
fn finding(exposition: &Exposition, pair: &(AssetId, CheckId)) -> Option<(String, i64)> {
    let one = format!("asset=\"{}\",check=\"{}\",zone=", pair.0, pair.1);
    let text = text(exposition, Format::Text);
    let line = *lines(&text, &["nis2watch_check_finding_since_timestamp_seconds{", &one]).first()?;
    let (_, kind) = line.split_once(",kind=\"")?;
    let (kind, since) = kind.split_once("\"} ")?;
    Some((kind.to_owned(), since.parse::<i64>().unwrap() - at(0).timestamp()))
}

#[test]
fn a_finding_lasts_from_the_fail_to_what_ends_it_and_not_to_what_hides_it() {
    let plant = Plant::of(1);
    let exposition = plant.exposition();
    let pair = plant.pairs().pop().unwrap();
    let show = |verdict, since| {
        exposition.judged(&result(&pair.0, &pair.1, verdict, at(since)), at(since));
        finding(&exposition, &pair)
    };
    let some = |kind: &str, since| Some((kind.to_owned(), since));
    let unknown = Verdict::Unknown(Cause::Timeout);
    assert_eq!(show(unknown, 1), None);
    assert_eq!(show(Verdict::Fail, 2), some("found", 2));
    assert_eq!(show(unknown, 3), some("found", 2));
    assert_eq!(show(Verdict::Pass, 4), None);
    assert_eq!(show(unknown, 5), None);
    assert_eq!(show(Verdict::Fail, 6), some("drifted", 6), "it passed on Friday, and the weekend is no mending");
    assert_eq!(show(unknown, 7), some("drifted", 6));
    assert_eq!(show(Verdict::Fail, 8), some("drifted", 6));
    assert_eq!(show(Verdict::Waived, 9), None);
    assert_eq!(show(Verdict::Fail, 10), some("drifted", 10));
    assert_eq!(show(Verdict::Warn, 11), None);
    assert_eq!(show(Verdict::NotApplicable, 12), None);
    assert_eq!(show(Verdict::Fail, 13), some("found", 13));
}

#[tokio::test]
async fn findings_survive_a_restart_however_long_they_cannot_be_seen() {
    let mut plant = Plant::of(2);
    let store = Sqlite::open(&Config { path: ":memory:".into(), ..Config::default() }).unwrap();
    let pairs = plant.pairs();
    let unknown = Verdict::Unknown(Cause::Timeout);
    let nights = [Verdict::Fail, unknown].into_iter().cycle().take(80);
    let drifted: Vec<_> = std::iter::once(Verdict::Pass).chain(nights).collect();
    let histories = [
        (drifted, Some(("drifted".to_owned(), 1))),
        (vec![unknown, Verdict::Fail, unknown], Some(("found".to_owned(), 1))),
        (vec![Verdict::Pass, Verdict::Fail, Verdict::Waived, unknown], None),
        (vec![Verdict::Pass, unknown], None),
        (vec![Verdict::Fail, Verdict::Pass], None),
    ];
    for (pair, (states, _)) in pairs.iter().zip(&histories) {
        for (second, verdict) in (0..).zip(states) {
            store.record(vec![result(&pair.0, &pair.1, *verdict, at(second))]).await.unwrap();
        }
    }
    plant.latest = store.latest().await.unwrap();
    plant.standings = Standings::read(&store).await.unwrap();
    let exposition = plant.exposition();
    for (pair, (states, expected)) in pairs.iter().zip(histories) {
        assert_eq!(finding(&exposition, pair), expected, "{states:?}");
    }
    // what is mended after the restart ends, and what fails anew after it is a drift
    let show = |pair: &(AssetId, CheckId), verdict| {
        exposition.judged(&result(&pair.0, &pair.1, verdict, at(100)), at(100));
        finding(&exposition, pair)
    };
    assert_eq!(show(&pairs[0], Verdict::Pass), None);
    assert_eq!(show(&pairs[3], Verdict::Fail), Some(("drifted".into(), 100)));
    // gone from the plan, and back
    store.retain(Vec::new(), at(200)).await.unwrap();
    plant.latest = store.latest().await.unwrap();
    plant.standings = Standings::read(&store).await.unwrap();
    assert_eq!(lines(&text(&plant.exposition(), Format::Text), &["finding_since"]), Vec::<&str>::new());
}

#[tokio::test]
async fn the_end_of_a_certificate_is_shown_by_port_and_outlives_what_hides_it() {
    let mut plant = Plant::of(1);
    let store = Sqlite::open(&Config { path: ":memory:".into(), ..Config::default() }).unwrap();
    let check = CheckId::parse("tls-cert-expiry").unwrap();
    let asset = plant.pairs().into_iter().find(|(_, of)| *of == check).expect("a host has services").0;
    let seen = |verdict, ends: &[(Option<u16>, i64)], second| {
        let row =
            |(port, end): &(Option<u16>, i64)| Certificate { subject: "CN=x".into(), port: *port, ends: at(*end) };
        let rows: Vec<_> = ends.iter().map(row).collect();
        let listed = (!rows.is_empty()).then_some(Listed::Certificates { total: rows.len(), rows });
        let one = result(&asset, &check, verdict, at(second));
        CheckResult { evidence: Evidence { listed, ..Evidence::default() }, ..one }
    };
    let ends = |exposition: &Exposition| -> Vec<(String, i64)> {
        let text = text(exposition, Format::Text);
        let of = |line: &&str| {
            let (labels, end) = line.split_once("} ").unwrap();
            let port = labels.split_once(",port=").map_or("", |(_, port)| port);
            (port.to_owned(), end.parse::<i64>().unwrap() - at(0).timestamp())
        };
        lines(&text, &["nis2watch_certificate_expiry_timestamp_seconds{", "zone=\"office\""]).iter().map(of).collect()
    };
    let port = |port: &str, end| (format!("\"{port}\""), end);
    let exposition = plant.exposition();
    let good = seen(Verdict::Pass, &[(Some(443), 900), (Some(636), 500), (Some(443), 700)], 1);
    let hidden = seen(Verdict::Unknown(Cause::Timeout), &[], 2);
    for result in [&good, &hidden] {
        store.record(vec![result.clone()]).await.unwrap();
        exposition.judged(result, at(1));
        assert_eq!(ends(&exposition), [port("636", 500), port("443", 700)]);
    }
    plant.latest = store.latest().await.unwrap();
    plant.standings = Standings::read(&store).await.unwrap();
    plant.certificates = Certificates::read(&store, &plant.plan, &plant.latest, &plant.standings).await.unwrap();
    let restarted = plant.exposition();
    assert_eq!(ends(&restarted), ends(&exposition));
    restarted.judged(&seen(Verdict::NotApplicable, &[], 3), at(3));
    assert_eq!(ends(&restarted), []);
}

#[test]
fn an_asset_that_left_leaves_nothing_behind() {
    let before = Plant::of(40);
    let exposition = before.exposition();
    for (asset, check) in before.pairs() {
        exposition.judged(&result(&asset, &check, Verdict::Pass, at(1)), at(1));
        exposition.visited(&asset, at(1), Duration::from_secs(1), &[(Transport::Local, true)]);
    }
    exposition.changed(&transition("cell-1", Some(Verdict::Pass), Verdict::Fail));
    exposition.changed(&transition("office", Some(Verdict::Pass), Verdict::Fail));
    let after = Plant::new([asset("host-0", "office")]);
    exposition.replace(&after.scope(), at(2));
    // a visit that was under way
    let gone = AssetId::parse("host-1").unwrap();
    exposition.judged(&result(&gone, &after.pairs()[0].1, Verdict::Pass, at(3)), at(3));
    exposition.visited(&gone, at(3), Duration::ZERO, &[]);
    exposition.identified(&gone, &Value::map([("vendor", Value::text("x"))]));
    for format in Format::ALL {
        let text = text(&exposition, format);
        assert_eq!(lines(&text, &["host-1"]), Vec::<&str>::new());
        assert_eq!(lines(&text, &["cell-1"]), Vec::<&str>::new());
        let changes = lines(&text, &["nis2watch_transitions_total"]);
        assert_eq!(changes.iter().filter(|line| !line.ends_with(" 0")).count(), 1, "{changes:?}");
        // the first drift must be an increase, so drifts begin at zero
        assert!(changes.iter().any(|line| line.contains("\"fail\",severity=\"critical\"") && line.ends_with(" 0")));
        assert_eq!(lines(&text, &["nis2watch_check_state{"]).len(), after.pairs().len());
        assert_eq!(lines(&text, &["nis2watch_asset_info{"]).len(), 1);
    }
}

#[test]
fn a_host_that_says_nasty_things_forges_no_line_and_no_label() {
    let nasty = "x\",zone=\"y\"} 1\nnis2watch_check_pass{asset=\"host-0\"} 1\\";
    let mut one = asset("host-0", "office");
    (one.owner, one.site) = (Some(nasty.into()), Some("\\".into()));
    let exposition = Plant::new([one]).exposition();
    let device = Value::map([
        ("vendor", Value::text(nasty.repeat(50))),
        ("model", Value::text("\r\n")),
        ("version", Value::text("9.1")),
    ]);
    exposition.identified(&AssetId::parse("host-0").unwrap(), &device);
    let text = text(&exposition, Format::Text);
    assert!(!text.contains("\nnis2watch_check_pass{"));
    let info = lines(&text, &["nis2watch_asset_info{"]);
    assert!(info.len() == 1 && info[0].len() < 500, "{info:?}");
    // a model of nothing visible does not hide the one of the inventory
    assert!(info[0].contains("model=\"Historian 5\",version=\"9.1\""), "{info:?}");
    assert!(info[0].contains("site=\"\\\\\""), "{info:?}");
}

#[test]
fn a_compressed_scrape_holds_the_same_bytes() {
    let plant = Plant::of(70);
    let exposition = plant.exposition();
    for (n, (asset, check)) in plant.pairs().into_iter().enumerate() {
        if n % 3 == 0 {
            exposition.judged(&result(&asset, &check, Verdict::Pass, at(1)), at(1));
        }
        if n % 50 == 0 {
            for format in Format::ALL {
                let body = exposition.body(format, true);
                let packed = body.to_bytes();
                assert_eq!(body.length(), packed.len() as u64);
                let mut plain = String::new();
                GzDecoder::new(&*packed).read_to_string(&mut plain).unwrap();
                assert_eq!(about_plant(&plain), about_plant(&text(&exposition, format)));
                assert!(packed.len() * 5 < plain.len());
            }
        }
    }
}

#[tokio::test]
async fn packets_and_refusals_are_counted_when_the_scrape_comes() {
    let plant = Plant::of(3);
    let exposition = plant.exposition();
    assert_eq!(lines(&text(&exposition, Format::Text), &["nis2watch_gate_"]), Vec::<&str>::new());
    let gate = &plant.gates[&AssetId::parse("host-1").unwrap()];
    let slot = gate.converse(Transport::Snmp).await.unwrap();
    slot.datagram(40).unwrap();
    slot.received(100);
    slot.datagram(2).unwrap();
    let text = text(&exposition, Format::Text);
    let of = |name: &str| value(&text, &[name, "{asset=\"host-1\",transport=\"snmp\"}"]).unwrap();
    assert_eq!(of("nis2watch_gate_packets_total"), "2");
    assert_eq!(of("nis2watch_gate_sent_bytes_total"), "42");
    assert_eq!(of("nis2watch_gate_received_bytes_total"), "100");
    assert_eq!(of("nis2watch_gate_refused_total"), "0");
    assert_eq!(lines(&text, &["nis2watch_gate_"]).len(), 5);
    // books outlive a reload, and so do what devices said and which transports answered
    let host = AssetId::parse("host-1").unwrap();
    exposition.identified(&host, &Value::map([("model", Value::text("SCALANCE"))]));
    exposition.visited(&host, at(1), Duration::ZERO, &[(Transport::Ssh, false), (Transport::Snmp, true)]);
    exposition.replace(&plant.scope(), at(9));
    let text = self::text(&exposition, Format::Text);
    assert_eq!(value(&text, &["nis2watch_gate_packets_total{", "host-1"]).as_deref(), Some("2"));
    assert_eq!(lines(&text, &["nis2watch_asset_info{", "model=\"SCALANCE\""]).len(), 1);
    // nothing of this plan is asked over SNMP
    let reachable = lines(&text, &["nis2watch_asset_reachable{"]);
    assert_eq!(reachable, ["nis2watch_asset_reachable{asset=\"host-1\",transport=\"ssh\"} 0"]);
}

#[test]
fn every_point_of_the_law_counts_its_pairs_by_state() {
    let plant = Plant::of(3);
    let exposition = plant.exposition();
    let check = CheckId::parse("ssh-root-login").unwrap();
    let (framework, point) = CATALOG.controls.points_of(&CATALOG.checks[&check].controls)[0].clone();
    let point = format!("framework=\"{framework}\",control=\"{point}\"");
    let counts = || -> Vec<u32> {
        let text = text(&exposition, Format::Text);
        let of = |state: &&str| {
            let state = format!("state=\"{state}\"");
            value(&text, &["nis2watch_control_checks{", &point, &state]).unwrap().parse().unwrap()
        };
        Verdict::WORDS.iter().map(of).collect()
    };
    let before = counts();
    let host = AssetId::parse("host-2").unwrap();
    exposition.judged(&result(&host, &check, Verdict::Fail, at(1)), at(1));
    exposition.judged(&result(&host, &check, Verdict::Fail, at(2)), at(1));
    let after = counts();
    assert_eq!((after[2], after[3]), (before[2] + 1, before[3] - 1));
    assert_eq!(before.iter().sum::<u32>(), after.iter().sum::<u32>());
    let text = text(&exposition, Format::Text);
    assert_eq!(lines(&text, &["nis2watch_control_coverage{", &point]).len(), 1);
    assert!(!lines(&text, &["nis2watch_control_coverage{", "kind=\"none\""]).is_empty());
    assert!(!lines(&text, &["nis2watch_control_coverage{", "framework=\"nis2\"", "kind=\"automated\""]).is_empty());
    assert_eq!(lines(&text, &["nis2watch_check_info{", "check=\"ssh-root-login\"", "title=\""]).len(), 1);
}

#[test]
fn a_scrape_never_sees_half_a_verdict() {
    let plant = Plant::of(2);
    let exposition = plant.exposition();
    let pairs = plant.pairs();
    let writer = exposition.clone();
    let written = std::thread::spawn(move || {
        for round in 0..200 {
            let verdict = if round % 2 == 0 { Verdict::Pass } else { Verdict::Unknown(Cause::Timeout) };
            for (asset, check) in &pairs {
                writer.judged(&result(asset, check, verdict, at(round)), at(round));
            }
        }
    });
    while !written.is_finished() {
        let text = text(&exposition, Format::OpenMetrics);
        let states = lines(&text, &["nis2watch_check_state{"]);
        assert_eq!(states.len(), plant.pairs().len());
        let unknown = states.iter().filter(|line| line.ends_with(" 3")).count();
        assert_eq!(lines(&text, &["nis2watch_check_unknown{"]).len(), unknown);
        assert_eq!(lines(&text, &["nis2watch_check_pass{"]).len(), states.len() - unknown);
    }
    written.join().unwrap();
}

/// A plant about which everything is known, so that every family has a sample.
async fn busy() -> Exposition {
    let plant = Plant::of(40);
    let exposition = plant.exposition();
    let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::Unknown(Cause::Auth), Verdict::NotApplicable];
    for (n, (asset, check)) in plant.pairs().into_iter().enumerate() {
        exposition.judged(&result(&asset, &check, verdicts[n % 4], at(1)), at(1));
        let reachable = [(Transport::Local, true), (Transport::Tcp, n % 2 == 0)];
        exposition.visited(&asset, at(1), Duration::from_millis(1_500), &reachable);
    }
    for gate in plant.gates.values() {
        gate.converse(Transport::Tcp).await.unwrap().datagram(10).unwrap();
    }
    exposition.changed(&transition("office", None, Verdict::Pass));
    exposition.changed(&transition("office", Some(Verdict::Pass), Verdict::Fail));
    exposition.load(TimeDelta::milliseconds(1_500), 3);
    exposition.panicked(&AssetId::parse("host-0").unwrap());
    let own = exposition.own();
    own.reloaded(true, at(0));
    own.ledger_head(&Head { seq: 7, digest: Digest([0xab; 32]) });
    for format in Format::ALL {
        let _ = exposition.body(format, false);
    }
    exposition
}

/// The one that the package of the client library is installed for.
const PYTHON: &str = "/usr/bin/python3";

/// Runs a program that tests/install.sh installs, gives it the text, and returns what it says.
async fn ask(program: &str, args: &[&str], input: &str) -> (bool, String) {
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; run tests/install.sh"));
    let mut stdin = child.stdin.take().unwrap();
    let write = async {
        stdin.write_all(input.as_bytes()).await.ok();
        drop(stdin);
    };
    let both = async { tokio::join!(write, child.wait_with_output()).1.unwrap() };
    let output = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_the_text_format() {
    let (ok, said) = ask("promtool", &["check", "metrics"], &text(&busy().await, Format::Text)).await;
    assert_eq!((ok, said.trim()), (true, ""));
}

#[tokio::test]
async fn the_reference_parsers_read_the_same_samples_from_both_formats() {
    let exposition = busy().await;
    let script = "import sys\n\
                  from prometheus_client import parser as text\n\
                  from prometheus_client.openmetrics import parser as open\n\
                  p = open if sys.argv[1] == 'open' else text\n\
                  for f in p.text_fd_to_metric_families(sys.stdin):\n\
                  \x20 for s in f.samples:\n\
                  \x20   if not s.name.startswith(('process_', 'nis2watch_scrape')):\n\
                  \x20     print(s.name, sorted(s.labels.items()), float(s.value))\n";
    let (ok, open) = ask(PYTHON, &["-c", script, "open"], &text(&exposition, Format::OpenMetrics)).await;
    assert!(ok, "{open}");
    let (ok, plain) = ask(PYTHON, &["-c", script, "text"], &text(&exposition, Format::Text)).await;
    assert!(ok, "{plain}");
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(sorted(&open).symmetric_difference(&sorted(&plain)).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(open.lines().count(), sorted(&open).len(), "a series occurs twice");
    assert!(open.contains("nis2watch_ledger_head_digest [] 188753807911851.0"), "48 bits are exact");
    assert!(open.contains("nis2watch_transitions_total [('from', 'none'), ('severity', 'high'), ('to', 'pass')"));
}

#[test]
fn openmetrics_ends_with_its_mark_and_text_has_none() {
    let exposition = Exposition::new(Own::new());
    assert!(text(&exposition, Format::OpenMetrics).ends_with("\n# EOF\n"));
    assert!(!text(&exposition, Format::Text).contains("EOF"));
}

#[derive(Debug, Clone)]
enum Event {
    Judged { pair: usize, verdict: Verdict, since: i64 },
    Visited { host: usize, at: i64, reachable: Vec<(Transport, bool)> },
    Identified { host: usize, model: String },
    Scraped { gzip: bool },
    Reloaded,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let verdict = prop_oneof![
        Just(Verdict::Pass),
        Just(Verdict::Warn),
        Just(Verdict::Fail),
        Just(Verdict::Waived),
        Just(Verdict::NotApplicable),
        proptest::sample::select(Cause::ALL).prop_map(Verdict::Unknown),
    ];
    let transport = proptest::sample::select(vec![Transport::Ssh, Transport::Local, Transport::Tcp]);
    let reachable = proptest::collection::vec((transport, any::<bool>()), 0..3);
    let event = prop_oneof![
        12 => (any::<usize>(), verdict, -2_000_000_000..2_000_000_000_i64)
            .prop_map(|(pair, verdict, since)| Event::Judged { pair, verdict, since }),
        3 => (any::<usize>(), 0..100_i64, reachable)
            .prop_map(|(host, at, reachable)| Event::Visited { host, at, reachable }),
        2 => (any::<usize>(), "[ -~]{0,70}").prop_map(|(host, model)| Event::Identified { host, model }),
        3 => any::<bool>().prop_map(|gzip| Event::Scraped { gzip }),
        1 => Just(Event::Reloaded),
    ];
    proptest::collection::vec(event, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn after_any_history_the_pages_equal_a_fresh_rendering(events in events()) {
        let mut plant = Plant::of(35);
        let pairs = plant.pairs();
        let exposition = plant.exposition();
        let mut latest: BTreeMap<usize, Latest> = BTreeMap::new();
        let mut pasts: BTreeMap<usize, Past> = BTreeMap::new();
        let mut visits: BTreeMap<AssetId, (Visit, BTreeMap<Transport, bool>)> = BTreeMap::new();
        let mut models = BTreeMap::new();
        let mut held = Vec::new();
        for event in events {
            match event {
                Event::Judged { pair, verdict, since } => {
                    let (asset, check) = pairs[pair % pairs.len()].clone();
                    exposition.judged(&result(&asset, &check, verdict, at(since)), at(since));
                    let before = latest.get(&(pair % pairs.len())).map(|before| before.verdict);
                    if before.is_none_or(|before| before.code() != verdict.code()) {
                        let (asset, check) = (asset.clone(), check.clone());
                        let past = pasts.entry(pair % pairs.len()).or_insert(Past { asset, check, turns: Vec::new() });
                        past.turns.push(Turn { from: before, to: verdict, at: at(since) });
                    }
                    latest.insert(pair % pairs.len(), Latest { asset, check, verdict, since: at(since), at: at(since) });
                }
                Event::Visited { host, at: seconds, reachable } => {
                    let asset = AssetId::parse(&format!("host-{}", host % 35)).unwrap();
                    let duration = Duration::from_millis(seconds.unsigned_abs());
                    exposition.visited(&asset, at(seconds), duration, &reachable);
                    let known = visits.remove(&asset).map(|(_, known)| known).unwrap_or_default();
                    let known: BTreeMap<_, _> = known.into_iter().chain(reachable).collect();
                    let reachable = known.iter().map(|(transport, answered)| (*transport, *answered)).collect();
                    let visit = Visit { asset: asset.clone(), at: at(seconds), duration, reachable };
                    visits.insert(asset, (visit, known));
                }
                Event::Identified { host, model } => {
                    let asset = AssetId::parse(&format!("host-{}", host % 35)).unwrap();
                    let device = Value::map([("model", Value::text(model))]);
                    exposition.identified(&asset, &device);
                    models.insert(asset, device);
                }
                Event::Scraped { gzip } => held.push(exposition.body(Format::Text, gzip)),
                Event::Reloaded => {
                    plant.latest = latest.values().cloned().collect();
                    plant.standings = Standings::of(pasts.values().cloned().collect());
                    plant.visits = visits.values().map(|(visit, _)| visit.clone()).collect();
                    exposition.replace(&plant.scope(), at(77));
                }
            }
        }
        plant.latest = latest.into_values().collect();
        plant.standings = Standings::of(pasts.into_values().collect());
        plant.visits = visits.into_values().map(|(visit, _)| visit).collect();
        let fresh = plant.exposition();
        for (asset, device) in &models {
            fresh.identified(asset, device);
        }
        let (changed, fresh) = (text(&exposition, Format::Text), text(&fresh, Format::Text));
        let own = |line: &&&str| !line.starts_with("nis2watch_visits_total");
        let changed: Vec<_> = about_plant(&changed).iter().filter(own).map(|line| (*line).to_owned()).collect();
        let fresh: Vec<_> = about_plant(&fresh).iter().filter(own).map(|line| (*line).to_owned()).collect();
        prop_assert_eq!(changed, fresh);
    }
}
