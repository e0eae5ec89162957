use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::model::{Cause, Value};
use crate::transport::fixture::{closed_port, full_backlog, quick, setup};
use crate::transport::gate::{Limits, Switch};
use crate::transport::ssh::testing::{Memory, Server};

fn id(name: &str) -> AssetId {
    AssetId::parse(name).unwrap()
}

/// A device that notes how many connects it gets and whether anybody sends something.
struct Device {
    port: u16,
    connects: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Device {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connects, bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, received) = (Arc::clone(&connects), Arc::clone(&bytes));
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await.ok();
                received.fetch_add(rest.len(), Ordering::SeqCst);
            }
        });
        Self { port, connects, bytes, _task: task }
    }

    fn seen(&self) -> (usize, usize) {
        (self.connects.load(Ordering::SeqCst), self.bytes.load(Ordering::SeqCst))
    }
}

/// Assets on loopback: the vantage's host, a canary, a device.
struct Stage {
    switch: Switch,
    targets: HashMap<AssetId, Gate>,
    hosts: BTreeMap<AssetId, Viewpoint>,
}

impl Stage {
    fn new(server: Option<&Server>) -> Self {
        let switch = Switch::default();
        let gate = |name: &str| Gate::new(Setup::of(name, quick()), switch.clone(), chrono::Utc::now);
        let targets: HashMap<_, _> = ["jump", "canary", "device"].map(|name| (id(name), gate(name))).into();
        let viewpoint = |server: &Server| Viewpoint {
            gate: targets[&id("jump")].clone(),
            access: Arc::new(server.access()),
            hops: vec![],
        };
        let hosts = server.map(|server| (id("jump"), viewpoint(server))).into_iter().collect();
        Self { switch, targets, hosts }
    }

    fn gate(&self, name: &str) -> &Gate {
        &self.targets[&id(name)]
    }

    async fn ask(&self, from: Sight, question: &Question) -> Result<Value, TransportError> {
        let lookout = Lookout {
            from,
            hosts: Arc::new(self.hosts.clone()),
            targets: Arc::new(self.targets.clone()),
            turn: Arc::new(Semaphore::new(1)),
        };
        let own = Gate::new(Setup::of("vantage-jump", Limits::FRAGILE), self.switch.clone(), chrono::Utc::now);
        match ask(&[question], &own, &lookout, &Memory::default()).await.remove(0)? {
            Answer::Value(value) => Ok(value),
            other => panic!("{other:?}"),
        }
    }
}

struct Setup;

impl Setup {
    fn of(name: &str, limits: Limits) -> crate::transport::gate::Setup {
        crate::transport::gate::Setup { asset: id(name), ..setup("127.0.0.1", limits) }
    }
}

fn sample(target: &str, port: u16) -> Sample {
    Sample { target: id(target), zone: ZoneId::parse("cell").unwrap(), port, controls: vec![Sight::Daemon] }
}

async fn question(canary: u16, ports: &[u16]) -> Question {
    let canary = Canary { open: sample("canary", canary), closed: closed_port().await };
    let samples = ports.iter().map(|port| sample("device", *port)).collect();
    let task = Task { canary: Some(canary), samples, blank: vec![] };
    Question { targets_per_zone: 1, ports_per_target: 9, timeout: Duration::from_millis(700), task }
}

fn jump() -> Sight {
    Sight::Host(id("jump"))
}

fn at<'a>(value: &'a Value, path: &str) -> &'a str {
    value.at(path).and_then(Value::as_text).unwrap_or_else(|| panic!("{path} in {value:?}"))
}

/// `found state` of every row.
fn rows(value: &Value) -> Vec<String> {
    let rows = value.get("rows").unwrap().as_list().unwrap();
    rows.iter().map(|row| format!("{} {}", at(row, "found"), at(row, "state"))).collect()
}

#[tokio::test]
async fn a_host_behind_ssh_looks_without_sending_a_byte_and_tells_refused_from_silent() {
    let server = Server::sshd("AllowTcpForwarding yes").await;
    let (canary, device, (silent, _held)) = (Device::start().await, Device::start().await, full_backlog().await);
    let closed = closed_port().await;
    let stage = Stage::new(Some(&server));
    let seen = stage.ask(jump(), &question(canary.port, &[device.port, closed, silent]).await).await.unwrap();
    // nobody else sees the silent one either, so it shows nothing
    assert_eq!(rows(&seen), ["open open", "refused refused", "filtered unproven"]);
    assert_eq!(
        (at(&seen, "canary.found"), at(&seen, "canary.again"), at(&seen, "closed.found")),
        ("open", "open", "refused")
    );
    assert_eq!((canary.seen(), device.seen()), ((2, 0), (1, 0)));
    // three through the session, two controls from here
    assert_eq!(stage.gate("device").books().entry(Transport::Tcp).connections, 5);
    assert_eq!(stage.gate("jump").books().entry(Transport::Ssh).connections, 1);
}

#[tokio::test]
async fn a_host_that_may_not_forward_has_seen_nothing() {
    let server = Server::sshd("AllowTcpForwarding no").await;
    let (canary, device) = (Device::start().await, Device::start().await);
    let stage = Stage::new(Some(&server));
    let error = stage.ask(jump(), &question(canary.port, &[device.port]).await).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Privilege);
    assert!(error.to_string().contains("AllowTcpForwarding"), "{error}");
    assert_eq!((canary.seen(), device.seen()), ((0, 0), (0, 0)));
}

#[tokio::test]
async fn a_way_that_the_host_may_not_forward_to_is_not_a_closed_way() {
    let (canary, device) = (Device::start().await, Device::start().await);
    let asked = question(canary.port, &[device.port]).await;
    let closed = asked.task.canary.as_ref().unwrap().closed;
    let server = Server::sshd(&format!("PermitOpen 127.0.0.1:{} 127.0.0.1:{closed}", canary.port)).await;
    let seen = Stage::new(Some(&server)).ask(jump(), &asked).await.unwrap();
    assert_eq!(rows(&seen), ["prohibited unproven"]);
    assert_eq!(at(&seen.get("rows").unwrap().as_list().unwrap()[0], "cause"), "privilege");
    assert_eq!(device.seen(), (0, 0));
}

#[tokio::test]
async fn without_an_answer_of_the_canary_nothing_is_tried_and_nothing_is_shown() {
    let server = Server::sshd("").await;
    let device = Device::start().await;
    let stage = Stage::new(Some(&server));
    let mut asked = question(closed_port().await, &[device.port]).await;
    let error = stage.ask(jump(), &asked).await.unwrap_err();
    assert!(error.to_string().contains("positive control failed"), "{error}");
    asked.task.samples.clear();
    let alone = stage.ask(jump(), &asked).await.unwrap();
    // it refuses the daemon too: the canary is down, which says nothing about the vantage
    assert_eq!((at(&alone, "canary.state"), at(&alone, "canary.control")), ("refused", "refused"));
    asked.task.canary = None;
    assert_eq!(stage.ask(jump(), &asked).await.unwrap_err().cause(), Cause::NoData);
    assert_eq!(device.seen(), (0, 0));
}

#[tokio::test]
async fn a_host_that_is_gone_makes_everything_unknown() {
    let server = Server::sshd("").await;
    let mut stage = Stage::new(Some(&server));
    let mut access = server.access();
    access.port = closed_port().await;
    stage.hosts.get_mut(&id("jump")).unwrap().access = Arc::new(access);
    let error = stage.ask(jump(), &question(1, &[2]).await).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Refused);
}

#[tokio::test]
async fn the_gate_of_the_target_stands_before_what_others_send_to_it() {
    let server = Server::sshd("").await;
    let (canary, device) = (Device::start().await, Device::start().await);
    let mut stage = Stage::new(Some(&server));
    let inactive = crate::transport::gate::Setup { inactive: Some("zone cell".into()), ..Setup::of("device", quick()) };
    stage.targets.insert(id("device"), Gate::new(inactive, stage.switch.clone(), chrono::Utc::now));
    let asked = question(canary.port, &[device.port]).await;
    for place in [jump(), Sight::Daemon] {
        let seen = stage.ask(place, &asked).await.unwrap();
        assert_eq!(rows(&seen), ["untried unproven"]);
        assert_eq!(at(&seen.get("rows").unwrap().as_list().unwrap()[0], "cause"), "inactive");
    }
    assert_eq!(device.seen(), (0, 0));
    stage.switch.turn_off();
    assert_eq!(stage.ask(Sight::Daemon, &asked).await.unwrap_err().cause(), Cause::Inactive);
    assert_eq!(canary.seen().0, 4);
}

#[tokio::test]
async fn the_daemon_looks_with_its_own_sockets_and_has_no_control_of_itself() {
    let (canary, device) = (Device::start().await, Device::start().await);
    let (silent, _held) = full_backlog().await;
    let stage = Stage::new(None);
    let seen = stage.ask(Sight::Daemon, &question(canary.port, &[device.port, silent]).await).await.unwrap();
    assert_eq!(rows(&seen), ["open open", "filtered unproven"]);
    assert_eq!((canary.seen(), device.seen()), ((2, 0), (1, 0)));
    assert!(!format!("{seen:?}").contains("control_from"), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_into_a_fragile_zone_is_the_one_connection_into_it() {
    let zone = Arc::new(Semaphore::new(1));
    let gate = |name: &str, zone: &Arc<Semaphore>| {
        let setup = crate::transport::gate::Setup { zone: Some(Arc::clone(zone)), ..Setup::of(name, Limits::FRAGILE) };
        Gate::new(setup, Switch::default(), chrono::Utc::now)
    };
    let (host, beside, elsewhere) =
        (gate("hmi", &zone), gate("plc", &zone), gate("other", &Arc::new(Semaphore::new(0))));
    let _session = host.converse(Transport::Ssh).await.unwrap();
    assert!(beside.converse_behind(Transport::Tcp, &host).await.is_ok());
    // a zone that never gets free is given up, so that two sessions never wait for each other
    let refusal = elsewhere.converse_behind(Transport::Tcp, &host).await.err().unwrap();
    assert_eq!(refusal.cause(), Cause::Gated);
}
