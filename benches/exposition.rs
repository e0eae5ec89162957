//! What a scrape costs: 10,000 assets with 20 checks each, against copying the same bytes and against the usual client.
//!
//! The bars, each against its peer in the same run: at most twice the time of a copy, at least 100 times faster than
//! `IntGaugeVec`, memory of the pages at most twice the bytes of the body. Ends with a failure when one is missed. The
//! peers and their ratios are the point here, so it measures by itself. All write into a buffer that is large enough
//! and was written before: in a fresh one of this size the kernel's page faults hide everything else.

#![expect(clippy::unwrap_used, reason = "a bench is no library: it stops where it is wrong")]
#![expect(clippy::cast_precision_loss, reason = "ratios need no last digits")]

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nis2watch::catalog::{Catalog, Check};
use nis2watch::engine::{Cadence, Listener, Plan, PlannedAsset, PlannedCheck};
use nis2watch::inventory::{Access, Member};
use nis2watch::model::{
    Asset, AssetId, Cause, CheckId, CheckResult, Criticality, Evidence, Judgement, Kind, Params, Profile, Severity,
    Time, Transport, Verdict, ZoneId,
};
use nis2watch::output::{Certificates, Exposition, Format, Own, Scope, Standings};
use nis2watch::store::{Latest, Visit};
use nis2watch::transport::gate::{Gate, Limits, Names, Setup, Switch};
use prometheus::{Encoder, IntGaugeVec, Opts, Registry, TextEncoder};

const ASSETS: usize = 10_000;
const CHECKS: usize = 20;

fn now() -> Time {
    Time::from_timestamp(1_780_000_000, 0).unwrap()
}

fn member(n: usize) -> Arc<Member> {
    let asset = Asset {
        id: AssetId::parse(&format!("cell-{}-plc-{n}", n % 40)).unwrap(),
        address: None,
        zone: ZoneId::parse(&format!("cell-{}", n % 40)).unwrap(),
        kind: Kind::Plc,
        site: Some("aarhus".into()),
        vendor: Some("Siemens".into()),
        product: Some("S7-1500".into()),
        version: Some("2.9.4".into()),
        serial: None,
        owner: Some("ot-team".into()),
        criticality: Criticality::High,
        supplier: None,
        support_end: None,
        profile: Profile::Ot,
        allowed_ports: None,
        declared_ports: std::collections::BTreeSet::new(),
        labels: BTreeMap::new(),
        fields: BTreeMap::new(),
        params: BTreeMap::new(),
        active: true,
        allow_intrusive: false,
        allow_protocol_reads: false,
        vantage: false,
    };
    Arc::new(Member {
        asset: Arc::new(asset),
        zone_role: None,
        fragile: true,
        limits: Limits::FRAGILE,
        access: Access { local: true, ..Access::default() },
        tls: None,
        http: None,
        has: [].into(),
        jump: Vec::new(),
        looks_from: None,
        windows: Vec::new(),
        inactive: None,
        declared: "assets.yaml:1".into(),
    })
}

/// A plan of many assets with the same checks, all judged once.
struct Plant {
    catalog: Catalog,
    plan: Plan,
    gates: HashMap<AssetId, Gate>,
    latest: Vec<Latest>,
    standings: Standings,
    certificates: Certificates,
    visits: Vec<Visit>,
}

impl Plant {
    fn new() -> Self {
        let catalog = Catalog::load(true, &[]).unwrap();
        let checks: Vec<Arc<Check>> = catalog.checks.values().cycle().take(CHECKS).enumerate().map(numbered).collect();
        let cadence = Arc::new(Cadence::Every(Duration::from_hours(1)));
        let planned = |check: &Arc<Check>| PlannedCheck {
            check: Arc::clone(check),
            params: Params::default(),
            cadence: Arc::clone(&cadence),
            facts: Vec::new(),
            after: Vec::new(),
            held: None,
        };
        let mut plan = Plan::default();
        plan.assets = (0..ASSETS)
            .map(|n| PlannedAsset {
                zoning: Arc::default(),
                at_once: 8,
                member: member(n),
                checks: checks.iter().map(planned).collect(),
                facts: Vec::new(),
                register: None,
                asking: Arc::default(),
                carried: Arc::default(),
            })
            .collect();
        let latest = plan.pairs().into_iter().enumerate().map(|(n, (asset, check))| {
            let verdict = if n % 10 == 0 { Verdict::Fail } else { Verdict::Pass };
            Latest { asset, check, verdict, since: now(), at: now() }
        });
        let ids = plan.assets.iter().map(|planned| planned.member.asset.id.clone());
        let visits = ids.clone().map(|asset| Visit {
            asset,
            at: now(),
            duration: Duration::from_millis(1_500),
            reachable: vec![(Transport::Local, true)],
        });
        let gates = ids.map(|asset| (asset.clone(), gate(asset)));
        Self {
            latest: latest.collect(),
            standings: Standings::default(),
            certificates: Certificates::default(),
            visits: visits.collect(),
            gates: gates.collect(),
            catalog,
            plan,
        }
    }

    fn scope(&self) -> Scope<'_> {
        let Self { catalog, plan, gates, latest, standings, certificates, visits } = self;
        Scope { plan, catalog, gates, latest, standings, certificates, visits }
    }
}

/// The catalogue may hold fewer checks than the bench wants.
fn numbered((n, check): (usize, &Arc<Check>)) -> Arc<Check> {
    let id = CheckId::parse(&format!("{}-{n}", check.id)).unwrap();
    Arc::new(Check { id, ..Check::clone(check) })
}

fn gate(asset: AssetId) -> Gate {
    let address = "127.0.0.1".into();
    let setup = Setup {
        asset,
        address,
        limits: Limits::FRAGILE,
        inactive: None,
        windows: Vec::new(),
        zone: None,
        names: Names::default(),
    };
    Gate::new(setup, Switch::default(), chrono::Utc::now)
}

/// The three families of a pair, as one would keep them with the client crate alone.
fn gauge_vecs(plant: &Plant) -> Registry {
    let registry = Registry::new();
    let four = ["asset", "check", "zone", "severity"];
    let [state, pass, since] =
        [("state", &four[..]), ("pass", &four[..]), ("since", &four[..2])].map(|(name, labels)| {
            let vec = IntGaugeVec::new(Opts::new(format!("nis2watch_check_{name}"), "Help."), labels).unwrap();
            registry.register(Box::new(vec.clone())).unwrap();
            vec
        });
    for planned in &plant.plan.assets {
        let asset = &planned.member.asset;
        for one in &planned.checks {
            let labels = [asset.id.as_str(), one.check.id.as_str(), asset.zone.as_str(), one.check.severity.word()];
            state.with_label_values(&labels).set(0);
            pass.with_label_values(&labels).set(1);
            since.with_label_values(&labels[..2]).set(now().timestamp());
        }
    }
    registry
}

/// The median of some runs.
fn median<T>(runs: usize, mut run: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            let made = black_box(run());
            let took = start.elapsed();
            drop(made);
            took
        })
        .collect();
    times.sort_unstable();
    times[runs / 2]
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

fn result(one: &Latest, verdict: Verdict) -> CheckResult {
    CheckResult {
        asset: one.asset.clone(),
        zone: ZoneId::parse("cell-1").unwrap(),
        check: one.check.clone(),
        check_version: 1,
        severity: Severity::High,
        controls: Vec::new(),
        judgement: Judgement { verdict, ..Judgement::unknown(Cause::NoData, "") },
        evidence: Evidence::default(),
        at: now(),
        duration_ms: 1,
    }
}

/// One judgement of every pair; returns the time of one.
fn judge_all(exposition: &Exposition, results: &[CheckResult]) -> Duration {
    let start = Instant::now();
    for result in results {
        exposition.judged(result, now());
    }
    start.elapsed() / u32::try_from(results.len()).unwrap()
}

fn bar(name: &str, ratio: f64, holds: bool) -> bool {
    println!("{} {name}: {ratio:.2}", if holds { "ok    " } else { "MISSED" });
    holds
}

fn main() -> ExitCode {
    let plant = Plant::new();
    let before = resident_bytes();
    let exposition = Exposition::new(Own::new());
    let start = Instant::now();
    exposition.replace(&plant.scope(), now());
    println!("load a plan of {ASSETS} assets: {:?}", start.elapsed());
    let memory = resident_bytes() - before;
    let body = exposition.body(Format::Text, false).to_bytes();
    let series =
        body.split(|byte| *byte == b'\n').filter(|line| line.first().is_some_and(|byte| *byte != b'#')).count();
    println!("{series} series, {:.1} MB", body.len() as f64 / 1e6);

    let mut buffer = vec![0; 2 * body.len()];
    let copy = median(21, || {
        buffer.clear();
        buffer.extend_from_slice(black_box(&body));
    });
    let render = median(21, || {
        buffer.clear();
        for chunk in exposition.body(Format::Text, false).chunks {
            buffer.extend_from_slice(&chunk);
        }
    });
    let share = median(21, || exposition.body(Format::Text, false));
    let cold = median(1, || exposition.body(Format::Text, true));
    let warm = median(21, || exposition.body(Format::Text, true));
    println!("copy {copy:?}, render {render:?}, hand out {share:?}, gzip cold {cold:?}, gzip warm {warm:?}");

    let same: Vec<_> = plant.latest.iter().map(|one| result(one, one.verdict)).collect();
    let unknown: Vec<_> = plant.latest.iter().map(|one| result(one, Verdict::Unknown(Cause::Timeout))).collect();
    let (unchanged, gone) = (judge_all(&exposition, &same), judge_all(&exposition, &unknown));
    println!("a judgement: unchanged {unchanged:?}, to unknown {gone:?}, back {:?}", judge_all(&exposition, &same));

    let before = resident_bytes();
    let registry = gauge_vecs(&plant);
    let vec_memory = resident_bytes() - before;
    let vec_series = ASSETS * CHECKS * 3;
    let vecs = median(3, || {
        buffer.clear();
        TextEncoder::new().encode(&registry.gather(), &mut buffer).unwrap();
    });
    println!(
        "IntGaugeVec, {vec_series} series: {vecs:?}, {:.0} MB; the pages: {:.0} MB",
        vec_memory / 1e6,
        memory / 1e6
    );

    let to_copy = render.as_secs_f64() / copy.as_secs_f64();
    let to_vecs = vecs.as_secs_f64() / render.as_secs_f64();
    let to_body = memory / body.len() as f64;
    let bars = [
        bar("render against a copy, at most 2", to_copy, to_copy <= 2.0),
        bar("faster than IntGaugeVec, at least 100", to_vecs, to_vecs >= 100.0),
        bar("memory against the body, at most 2", to_body, to_body <= 2.0),
    ];
    if bars.into_iter().all(|holds| holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
