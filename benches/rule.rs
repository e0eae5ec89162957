//! What judging costs: 200 listening sockets against an allow-list of 250 ports.
//!
//! The bar: a matcher takes at most three times what a plain loop with a hash set takes.

#![expect(clippy::unwrap_used, reason = "a bench is no library: it stops where it is wrong")]

use std::collections::{BTreeMap, HashSet};
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use nis2watch::model::{
    Answer, Asset, AssetId, CheckId, Criticality, FactId, Kind, Params, Profile, Reading, TextAnswer, Value, Verdict,
    ZoneId,
};
use nis2watch::rule::{Context, ReadSpec, Rule, judge};

const SOCKETS: i64 = 200;
const ALLOWED: i64 = 250;

/// What a rule is judged over.
struct Plant {
    facts: BTreeMap<FactId, Reading>,
    params: Params,
    asset: Asset,
    verdicts: BTreeMap<CheckId, Verdict>,
}

impl Plant {
    fn new() -> Self {
        let sockets = Value::list((0..SOCKETS).map(socket));
        let facts = [(FactId::parse("linux.sockets").unwrap(), Reading::Known(sockets))].into();
        let allowed = Value::list((0..ALLOWED).map(|n| Value::Int(20 + n * 7)));
        Self {
            facts,
            params: Arc::new([("allowed".into(), allowed)].into()),
            asset: asset(),
            verdicts: BTreeMap::new(),
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            facts: &self.facts,
            params: &self.params,
            asset: &self.asset,
            verdicts: &self.verdicts,
            now: chrono::DateTime::from_timestamp(1_780_000_000, 0).unwrap(),
        }
    }
}

fn socket(n: i64) -> Value {
    Value::map([
        ("proto", Value::text("tcp")),
        ("address", Value::text("0.0.0.0")),
        ("port", Value::Int(20 + n * 7)),
        ("process", Value::text(format!("daemon-{n}"))),
    ])
}

fn asset() -> Asset {
    Asset {
        id: AssetId::parse("host-1").unwrap(),
        address: None,
        zone: ZoneId::parse("office").unwrap(),
        kind: Kind::LinuxHost,
        site: None,
        vendor: None,
        product: None,
        version: None,
        serial: None,
        owner: None,
        criticality: Criticality::Low,
        supplier: None,
        support_end: None,
        profile: Profile::It,
        allowed_ports: None,
        declared_ports: std::collections::BTreeSet::new(),
        labels: BTreeMap::new(),
        fields: BTreeMap::new(),
        params: BTreeMap::new(),
        active: true,
        allow_intrusive: false,
        allow_protocol_reads: false,
        vantage: false,
    }
}

fn rule(assertion: &str) -> Rule {
    serde_saphyr::from_str(&format!("assert: [{assertion}]")).unwrap()
}

/// What one would write by hand for this one check.
fn plain(plant: &Plant, allowed: &HashSet<i64>) -> usize {
    let sockets = plant.facts["linux.sockets"].known().and_then(Value::as_list).unwrap_or_default();
    let port = |socket: &Value| socket.get("port").and_then(Value::as_int);
    sockets.iter().filter_map(port).filter(|port| !allowed.contains(port)).count()
}

fn judging(c: &mut Criterion) {
    let plant = Plant::new();
    let context = plant.context();
    let allowed: HashSet<i64> = (0..ALLOWED).map(|n| 20 + n * 7).collect();
    let literal: Vec<String> = (0..ALLOWED).map(|n| (20 + n * 7).to_string()).collect();
    let rules = [
        (
            "matcher, list in the file",
            rule(&format!("{{fact: linux.sockets, field: port, subset_of: [{}]}}", literal.join(","))),
        ),
        ("matcher, list in a parameter", rule("{fact: linux.sockets, field: port, subset_of: params.allowed}")),
        ("expression", rule("{expr: 'fact.linux.sockets.all(s, in_set(s.port, params.allowed))'}")),
        ("matcher that fails", rule("{fact: linux.sockets, field: port, none_of: params.allowed}")),
    ];
    let mut group = c.benchmark_group("200 sockets, 250 allowed ports");
    group.bench_function("plain loop", |b| b.iter(|| plain(black_box(&plant), black_box(&allowed))));
    for (name, rule) in &rules {
        group.bench_function(*name, |b| b.iter(|| judge(black_box(rule), black_box(&context))));
    }
    group.finish();
    let one = [
        ("matcher", rule("{fact: linux.sshd.permitrootlogin, in: ['no', prohibit-password]}")),
        ("expression", rule("{expr: 'fact.linux.sshd.permitrootlogin in [\"no\", \"prohibit-password\"]'}")),
    ];
    let mut plant = Plant::new();
    let sshd = Value::map([("permitrootlogin", Value::text("no"))]);
    plant.facts.insert(FactId::parse("linux.sshd").unwrap(), Reading::Known(sshd));
    let mut group = c.benchmark_group("one setting");
    for (name, rule) in &one {
        group.bench_function(*name, |b| b.iter(|| judge(black_box(rule), black_box(&plant.context()))));
    }
    group.finish();
}

fn reading(c: &mut Criterion) {
    let lines: Vec<String> = (0..100).map(|n| format!("setting{n} value {n}")).collect();
    let text = TextAnswer { stdout: lines.join("\n"), exit: Some(0), ..TextAnswer::default() };
    let spec: ReadSpec = serde_saphyr::from_str("{key_values: {separator: ' ', keys: lowercase}}").unwrap();
    let answer = Answer::Text(text);
    c.bench_function("read 100 lines of key and value", |b| b.iter(|| spec.extract(black_box(&answer))));
}

criterion_group!(benches, judging, reading);
criterion_main!(benches);
