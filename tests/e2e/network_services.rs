//! Services that anybody can ask: TLS versions, open ports, and what only looks like a service.

use crate::support::{Device, Manner, Plant, TlsServer};

fn asset(id: &str, port: u16) -> String {
    format!(
        "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: web-service, access: {{ tls: {{ ports: [{port}] }} }} }}\n"
    )
}

#[test]
fn the_versions_that_a_service_accepts_decide() {
    let servers = [
        ("tls-1-0", TlsServer::old("-tls1"), "fail"),
        ("tls-1-1", TlsServer::old("-tls1_1"), "fail"),
        ("all", TlsServer::old("-no_ssl3"), "fail"),
        ("tls-1-2", TlsServer::start(365, &["-tls1_2"]), "pass"),
        ("tls-1-3", TlsServer::start(365, &["-tls1_3"]), "pass"),
        ("modern", TlsServer::start(365, &["-min_protocol", "TLSv1.2"]), "pass"),
    ];
    let banner = Device::start(Manner::Says("220 FTP server ready\r\n"));
    let closed = Device::start(Manner::Silent).port;
    let mut assets: Vec<String> = servers.iter().map(|(id, server, _)| asset(id, server.port)).collect();
    assets.extend([asset("banner", banner.port), asset("closed", closed)]);
    let plant = Plant::new("limits: { standard: { gap: 0s } }\n", &assets.concat());
    let check = "tls-min-version";
    let ran = plant.check(&["--check", check]);
    for (id, _, state) in &servers {
        assert_eq!(ran.state(id, check), *state, "{id}: {}", ran.reason(id, check));
    }
    let observed = |id: &str| ran.result(id, check)["observed"].to_string();
    assert!(observed("tls-1-0").contains("1.0") && !observed("tls-1-0").contains("1.1"), "{}", observed("tls-1-0"));
    assert!(observed("all").contains("1.0") && observed("all").contains("1.1"), "{}", observed("all"));
    // the inventory says that there is a service
    assert_eq!(ran.state("closed", check), "unknown refused", "{}", ran.reason("closed", check));
    assert_eq!(ran.state("banner", check), "unknown no_data", "{}", ran.reason("banner", check));
}

#[test]
fn open_ports_that_nobody_approved_are_named() {
    let open = [Device::start(Manner::Says("login: ")), Device::start(Manner::Silent)];
    let closed = Device::start(Manner::Silent).port;
    let ports = [open[0].port, open[1].port, closed];
    let params =
        format!("params: {{ asset-open-ports: {{ probe_ports: [{}, {}, {}] }} }}\n", ports[0], ports[1], ports[2]);
    let asset = |id: &str, allowed: &str| {
        format!("- {{ id: {id}, address: 127.0.0.1, zone: office, kind: linux-host, allowed_ports: [{allowed}] }}\n")
    };
    let both = format!("{}, {}", ports[0], ports[1]);
    let plant = Plant::new(&params, &[asset("strict", &ports[0].to_string()), asset("open", &both)].concat());
    let check = "asset-open-ports";
    let ran = plant.check(&["--check", check]);
    assert_eq!((ran.state("strict", check).as_str(), ran.state("open", check).as_str()), ("fail", "pass"));
    let reason = ran.reason("strict", check);
    assert!(reason.contains(&ports[1].to_string()) && !reason.contains(&ports[0].to_string()), "{reason}");
    // a connect is all that they saw
    assert!(open.iter().all(|device| device.totals() == (2, 0)), "{:?}", open.each_ref().map(Device::totals));
}
