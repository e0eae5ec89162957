//! The plant watched by the product's own engine, over real sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::Utc;
use futures::StreamExt;
use tempfile::TempDir;

use super::*;
use crate::app::{self, Shared};
use crate::config::{Config, Flags};
use crate::duties::{self, Book};
use crate::engine::{PlannedAsset, Visitor};
use crate::feeds::Lifecycle;
use crate::inventory::Surroundings;
use crate::store::{self, Sqlite};

/// A plant and who watches it.
struct Watch {
    demo: Plant,
    plant: app::Plant,
    visitor: Visitor,
    _folder: TempDir,
}

/// Verdicts in words, `unknown timeout`, by asset and check.
type Verdicts = BTreeMap<(String, String), String>;

impl Watch {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let demo = Box::pin(Plant::start(folder.path())).await.unwrap();
        let loaded = Config::load_in(demo.config(), &Flags::default(), Surroundings::default())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let catalog = Catalog::load(true, &[]).unwrap();
        let mistakes = loaded.check_against(&catalog);
        assert!(mistakes.is_empty(), "{mistakes}");
        let memory = store::Config { path: ":memory:".into(), ..store::Config::default() };
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&memory).unwrap());
        demo.remember(&*store, Utc::now()).await.unwrap();
        let shared = Shared::new(&store, Utc::now);
        let plant = app::Plant::new(&catalog, &loaded.inventory, &loaded.schedules, &shared, None);
        let visitor = Visitor::new(store, Arc::new(Lifecycle::builtin()), Utc::now);
        visitor.take_shelf(Arc::clone(&loaded.carried), &loaded.lifecycle);
        let book = Book::new(Arc::clone(&loaded.papers), &[], duties::Plant::new(&loaded.inventory, &catalog));
        visitor.book.store(Arc::new(book));
        Self { demo, plant, visitor, _folder: folder }
    }

    async fn round(&self, wanted: impl Fn(&str) -> bool) -> Verdicts {
        let all = |planned: &PlannedAsset| {
            let count = u16::try_from(planned.checks.len()).unwrap();
            if wanted(planned.member.asset.id.as_str()) { (0..count).collect() } else { Vec::new() }
        };
        let visits: Vec<_> = app::round(&self.plant, &self.visitor, 16, all).collect().await;
        let mut verdicts = Verdicts::new();
        for result in visits.into_iter().flat_map(|visit| visit.results) {
            let verdict = result.judgement.verdict;
            let cause = verdict.cause().map_or_else(String::new, |cause| format!(" {cause}"));
            let words = format!("{}{cause}", verdict.word());
            eprintln!("{:<12} {:<26} {words:<20} {}", result.asset, result.check, result.judgement.reason);
            verdicts.insert((result.asset.to_string(), result.check.to_string()), words);
        }
        verdicts
    }
}

fn of<'a>(verdicts: &'a Verdicts, asset: &str, check: &str) -> &'a str {
    verdicts.get(&(asset.to_owned(), check.to_owned())).map_or("not in the plan", String::as_str)
}

/// The words that occur on a device, each once.
fn words<'a>(verdicts: &'a Verdicts, asset: &str) -> Vec<&'a str> {
    let all: BTreeSet<_> =
        verdicts.iter().filter(|((one, _), _)| one == asset).map(|(_, words)| words.as_str()).collect();
    all.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_device_is_judged_as_its_story_says() {
    let watch = Watch::start().await;
    let verdicts = watch.round(|_| true).await;

    let assets: BTreeSet<_> = verdicts.keys().map(|(asset, _)| asset.as_str()).collect();
    let zones: BTreeSet<_> =
        watch.demo.story().iter().filter(|scene| scene.address.is_some()).map(|scene| scene.zone).collect();
    assert!(assets.len() >= 12 && zones.len() == 3, "{assets:?} in {zones:?}");
    let told: BTreeSet<_> = watch.demo.story().iter().map(|scene| scene.asset).collect();
    assert_eq!(told, assets, "the story and the inventory speak of the same devices");

    // kept well: all green, nothing unknown
    for asset in ["web-01", "ups-01", "mes-01"] {
        assert!(
            words(&verdicts, asset).iter().all(|word| ["pass", "not_applicable"].contains(word)),
            "{asset}: {verdicts:?}"
        );
    }
    // kept well too, and its configuration is nobody's to read
    for ((_, check), word) in verdicts.iter().filter(|((asset, _), _)| asset == "sw-01") {
        let configured =
            ["any-any-rule", "central-aaa", "config-drift", "mgmt-acl"].map(|name| format!("netdev-{name}"));
        // nobody has approved the neighbours and interfaces of the demo, and its advisories speak of other makers
        let no_data = [
            "device-new-interface",
            "device-new-neighbour",
            "vendor-advisory-match",
            "kev-exposure",
            "epss-priority",
            "firmware-age",
        ];
        let expected = if no_data.contains(&check.as_str()) || configured.contains(check) {
            ["unknown no_data"; 2]
        } else {
            ["pass", "not_applicable"]
        };
        assert!(expected.contains(&word.as_str()), "{check}: {word}");
    }
    // answers nobody, floods, drips or garbles: never green by what it says; a port that its system refuses is no saying
    for asset in ["silent-01", "hostile-01"] {
        let green = |((one, check), words): (&(String, String), &String)| {
            one == asset && words.starts_with("pass") && check != "ot-protocol-exposure"
        };
        assert!(!verdicts.iter().any(green), "{asset}: {verdicts:?}");
    }
    let expected = [
        ("files-01", "ssh-root-login", "fail"),
        ("files-01", "patch-age-security", "fail"),
        ("files-01", "cleartext-admin-services", "fail"),
        ("files-01", "empty-passwords", "pass"),
        ("files-01", "auth-failure-spike", "fail"),
        ("print-01", "snmp-v3-only", "fail"),
        ("print-01", "cleartext-admin-services", "fail"),
        ("silent-01", "ssh-root-login", "unknown timeout"),
        ("silent-01", "asset-open-ports", "unknown timeout"),
        ("hostile-01", "mfa-ssh", "unknown protocol"),
        ("hist-01", "os-end-of-life", "fail"),
        ("backup-01", "empty-passwords", "unknown privilege"),
        ("backup-01", "os-end-of-life", "pass"),
        ("sw-01", "netdev-unused-ports", "pass"),
        ("sw-01", "netdev-ntp-synced", "pass"),
        ("gw-01", "mfa-ssh", "fail"),
        ("gw-01", "tls-cert-expiry", "warn"),
        ("gw-02", "cleartext-admin-services", "fail"),
        ("gw-02", "mfa-ssh", "unknown no_data"),
        ("cam-01", "tls-min-version", "fail"),
        ("cam-01", "tls-cert-expiry", "fail"),
        ("cam-01", "firmware-minimum-version", "fail"),
        ("plc-01", "asset-open-ports", "pass"),
        ("plc-02", "asset-open-ports", "unknown gated"),
        ("plc-02", "vendor-advisory-match", "warn"),
        ("plc-02", "kev-exposure", "pass"),
        ("gw-02", "vendor-advisory-match", "warn"),
        ("gw-02", "kev-exposure", "fail"),
        ("cam-01", "vendor-advisory-match", "unknown no_data"),
        ("org", "attest-management-approval", "pass"),
        ("org", "attest-training-coverage", "fail"),
        ("org", "attest-network-plan", "fail"),
        ("org", "attest-vulnerability-disclosure", "fail"),
        ("org", "attest-security-policy", "unknown no_data"),
        ("org", "exception-register-valid", "pass"),
    ];
    for (asset, check, words) in expected {
        assert_eq!(of(&verdicts, asset, check), words, "{asset} {check}");
    }
    assert_eq!(watch.demo.bytes_heard(), 0, "controllers and printers were sent something");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_port_below_those_of_the_demo_is_ever_tried() {
    let watch = Watch::start().await;
    for planned in &watch.plant.plan.assets {
        for one in &planned.checks {
            let ports = one.params.iter().filter(|(name, _)| {
                name.ends_with("ports") && !name.starts_with("allowed") && !name.starts_with("approved")
            });
            for (name, value) in ports {
                let usual: Vec<_> =
                    value.as_list().into_iter().flatten().filter(|port| port.as_int() < Some(1024)).collect();
                let (asset, check) = (&planned.member.asset.id, &one.check.id);
                assert!(
                    usual.is_empty() || one.held.is_some(),
                    "{asset} {check} {name}: somebody else may listen at {usual:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_drifting_host_fails_two_checks_and_comes_back() {
    let watch = Watch::start().await;
    let drifter = watch.demo.drifter();
    let failing = |verdicts: &Verdicts| {
        let fails = verdicts.iter().filter(|(_, words)| *words == "fail").map(|((_, check), _)| check.clone());
        fails.collect::<BTreeSet<_>>()
    };
    let before = watch.round(|asset| asset == drifter).await;
    assert_eq!(failing(&before), BTreeSet::new());
    watch.demo.drift().unwrap();
    let failing_now = failing(&watch.round(|asset| asset == drifter).await);
    assert!(
        failing_now.contains("ssh-root-login") && failing_now.contains("cleartext-admin-services"),
        "{failing_now:?}"
    );
    watch.demo.recover();
    assert_eq!(watch.round(|asset| asset == drifter).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_demos_run_side_by_side_and_leave_nothing_behind() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Box::pin(Plant::start(one.path())).await.unwrap();
    let second = Box::pin(Plant::start(other.path())).await.unwrap();
    let addresses = |plant: &Plant| plant.story().iter().filter_map(|scene| scene.address).collect::<BTreeSet<_>>();
    let (ours, theirs) = (addresses(&first), addresses(&second));
    assert!(ours.is_disjoint(&theirs));
    first.shutdown().await;
    let host = first_address(&ours);
    assert!(std::net::TcpListener::bind((host, cast::SSH)).is_ok(), "a port of {host} is still taken");
    second.shutdown().await;
}

fn first_address(addresses: &BTreeSet<std::net::Ipv4Addr>) -> std::net::Ipv4Addr {
    *addresses.first().unwrap()
}
