use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;

fn setup(limits: Limits) -> Setup {
    Setup {
        asset: AssetId::parse("plc-1").unwrap(),
        address: "127.0.0.1".into(),
        limits,
        inactive: None,
        windows: vec![],
        zone: None,
        names: crate::transport::gate::Names::default(),
    }
}

fn gate(limits: Limits) -> Gate {
    Gate::new(setup(limits), Switch::default(), chrono::Utc::now)
}

#[tokio::test(start_paused = true)]
async fn a_fragile_asset_gets_one_connection_every_five_seconds() {
    let gate = gate(Limits::FRAGILE);
    let start = Instant::now();
    for _ in 0..3 {
        drop(gate.converse(Transport::Tcp).await.unwrap());
    }
    assert!(start.elapsed() >= Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_hourly_budget_is_refused_not_queued() {
    let gate = gate(Limits { per_hour: 2, gap: Duration::ZERO, ..Limits::FRAGILE });
    for _ in 0..2 {
        drop(gate.converse(Transport::Tcp).await.unwrap());
    }
    assert!(matches!(gate.converse(Transport::Tcp).await, Err(Refusal::Budget { limit: 2, .. })));
    assert_eq!(gate.books().entry(Transport::Tcp).refused, 1);
    tokio::time::advance(BUDGET_SPAN).await;
    assert!(gate.converse(Transport::Tcp).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn three_failures_close_the_gate_for_an_hour_and_then_for_two() {
    let gate = gate(Limits { gap: Duration::ZERO, ..Limits::FRAGILE });
    for _ in 0..3 {
        assert!(gate.is_open(Transport::Snmp).is_ok());
        gate.contact_ended(false);
    }
    assert_eq!(gate.is_open(Transport::Snmp).unwrap_err().cause(), Cause::Gated);
    tokio::time::advance(Duration::from_secs(3601)).await;
    assert!(gate.is_open(Transport::Snmp).is_ok());
    gate.contact_ended(false);
    tokio::time::advance(Duration::from_secs(3601)).await;
    assert!(gate.is_open(Transport::Snmp).is_err());
    tokio::time::advance(Duration::from_hours(1)).await;
    assert!(gate.is_open(Transport::Snmp).is_ok());
    gate.contact_ended(true);
    gate.contact_ended(false);
    assert!(gate.is_open(Transport::Snmp).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_pauses_that_transport_only_and_a_new_credential_ends_it() {
    let gate = gate(Limits::STANDARD);
    gate.login_refused(Transport::Ssh);
    assert_eq!(gate.is_open(Transport::Ssh).unwrap_err().cause(), Cause::Auth);
    assert!(gate.is_open(Transport::Tcp).is_ok());
    gate.login_accepted(Transport::Snmp);
    assert!(gate.is_open(Transport::Ssh).is_err());
    assert!(gate.rebuilt(setup(Limits::STANDARD), true).is_open(Transport::Ssh).is_ok());
}

#[tokio::test]
async fn the_kill_switch_cuts_an_open_connection_and_refuses_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let gate = gate(Limits::STANDARD);
    let mut stream = gate.connect(Transport::Tcp, port, Duration::from_secs(5)).await.unwrap();
    let (_peer, _) = listener.accept().await.unwrap();
    let reading = tokio::spawn(async move { stream.read_u8().await });
    tokio::task::yield_now().await;
    gate.0.switch.turn_off();
    assert!(reading.await.unwrap().is_err());
    let refused = gate.connect(Transport::Tcp, port, Duration::from_secs(5)).await.err().unwrap();
    assert_eq!(refused.cause(), Cause::Inactive);
    assert_eq!(gate.books().entry(Transport::Tcp).connections, 1);
    gate.0.switch.turn_on();
    assert!(gate.connect(Transport::Tcp, port, Duration::from_secs(5)).await.is_ok());
}

#[tokio::test]
async fn an_inactive_asset_is_never_contacted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let inactive = Setup { inactive: Some("zone cell-1".into()), ..setup(Limits::STANDARD) };
    let gate = Gate::new(inactive, Switch::default(), chrono::Utc::now);
    let refused = gate.connect(Transport::Tcp, port, Duration::from_secs(1)).await.err().unwrap();
    assert_eq!(refused.cause(), Cause::Inactive);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}
