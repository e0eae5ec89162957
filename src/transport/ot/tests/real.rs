//! Against real servers: what is read of them, and that nothing but the allowed functions ever leaves.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::model::Transport;
use crate::transport::fixture::{gate, quick};
use crate::transport::ot::tests::server::{mosquitto, peer};

#[tokio::test]
async fn a_modbus_device_tells_what_it_is_and_is_asked_nothing_else() {
    let Some(server) = peer("modbus", &[]).await else { return };
    let (port, record) = recorder::tcp(server.port).await;
    let gate = gate(quick());
    let device = value(ask_modbus(&gate, port, PATIENCE).await);
    assert_eq!(text(&device, "vendor"), "Example Controls");
    assert_eq!(text(&device, "product_code"), "XC-200");
    assert_eq!(text(&device, "version"), "V3.4.1");
    assert_eq!(text(&device, "model"), "XC-200/24");
    assert_eq!(text(&device, "application_name"), "Press 7");
    assert_eq!(text(&device, "product_name").len(), 64, "bounded");
    let sent = record.all();
    assert_eq!(sent.len(), 1, "one connection");
    let frames: Vec<&[u8]> = sent[0].chunks(11).collect();
    assert!(frames.len() >= 3, "an answer of several parts: {frames:?}");
    for frame in frames {
        assert_eq!((frame[7], frame[8]), (0x2B, 0x0E), "{frame:?}");
        assert!(matches!(frame[9], 1 | 2), "basic or regular objects: {frame:?}");
    }
    let books = gate.books().entry(Transport::Modbus);
    assert_eq!((books.connections, books.bytes_sent), (1, sent[0].len() as u64));
}

#[tokio::test]
async fn an_s7_controller_tells_its_order_number_and_no_version_without_a_mark() {
    let Some(server) = peer("s7", &[]).await else { return };
    let (port, record) = recorder::tcp(server.port).await;
    let device = value(ask_s7(&gate(quick()), port, PATIENCE).await);
    assert_eq!(text(&device, "order_number"), "6ES7 315-2EH14-0AB0");
    assert_eq!(text(&device, "model"), "6ES7 315-2EH14-0AB0");
    // this server's record of the module holds bytes that could be taken for a version
    assert_eq!(device.get("version"), None);
    assert_only_identity_of_s7(&record.all());
}

/// COTP: connection request, then data. S7: set-up, then reads of two status lists.
pub(super) fn assert_only_identity_of_s7(connections: &[Vec<u8>]) {
    for sent in connections {
        let (mut rest, mut seen) = (&sent[..], Vec::new());
        while !rest.is_empty() {
            let (packet, behind) = rest.split_at(usize::from(u16::from_be_bytes([rest[2], rest[3]])));
            rest = behind;
            if seen.is_empty() {
                assert_eq!(packet[5], 0xE0, "a connection request comes first: {packet:?}");
            } else {
                assert_eq!(packet[5], 0xF0, "data: {packet:?}");
                let parameters = &packet[17..];
                match packet[8] {
                    1 => assert_eq!(parameters[0], 0xF0, "the only job is the set-up: {packet:?}"),
                    7 => {
                        assert_eq!(parameters[5..7], [0x44, 1], "the only function is the status list: {packet:?}");
                        let data = &packet[packet.len() - 8..];
                        let first = parameters[4] == 0x11;
                        assert!(!first || [[0, 0x11], [0, 0x1C]].contains(&[data[4], data[5]]), "{packet:?}");
                    }
                    other => panic!("a message of kind {other}: {packet:?}"),
                }
            }
            seen.push(packet.to_vec());
        }
    }
}

#[tokio::test]
async fn an_ethernet_ip_device_tells_what_it_is_without_a_session() {
    let Some(server) = peer("enip", &[]).await else { return };
    let (port, record) = recorder::tcp(server.port).await;
    let device = value(ask_enip(&gate(quick()), port, PATIENCE).await);
    assert_eq!(text(&device, "vendor"), "Rockwell Automation/Allen-Bradley");
    assert!(text(&device, "model").starts_with("1756-L61"), "{device}");
    assert!(text(&device, "version").contains('.'), "{device}");
    let sent = record.all();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].len(), 24, "one header and nothing behind it");
    assert_eq!(sent[0][..4], [0x63, 0, 0, 0], "List Identity");
}

#[tokio::test]
async fn a_bacnet_device_tells_what_it_is_by_two_services() {
    let Some(server) = peer("bacnet", &[]).await else { return };
    let (port, record) = recorder::udp(server.port).await;
    let gate = gate(quick());
    let device = value(ask_bacnet(&gate, port, PATIENCE / 5).await);
    assert_eq!(text(&device, "vendor"), "Example Climate");
    assert_eq!(text(&device, "model"), "AHU-9");
    assert_eq!(text(&device, "version"), "1.0.7");
    assert_eq!(text(&device, "serial"), "SN-0815");
    let sent = record.all();
    for datagram in &sent {
        assert_eq!(datagram[..2], [0x81, 0x0A], "unicast: {datagram:?}");
        match datagram[6] >> 4 {
            1 => assert_eq!(datagram[7], 8, "Who-Is: {datagram:?}"),
            0 => {
                assert_eq!(datagram[9], 12, "ReadProperty: {datagram:?}");
                assert_eq!(datagram[11] >> 6 | datagram[12] << 2, 0, "{datagram:?}");
                assert_eq!(u16::from_be_bytes([datagram[11], datagram[12]]) >> 6, 8, "the device object: {datagram:?}");
            }
            other => panic!("an APDU of type {other}: {datagram:?}"),
        }
    }
    let books = gate.books().entry(Transport::Bacnet);
    assert_eq!((books.connections, books.packets), (1, sent.len() as u64));
}

/// Kinds of messages, and the numbers of the requests inside them.
pub(super) fn opcua_requests(sent: &[u8]) -> Vec<(String, Option<u16>)> {
    let (mut rest, mut seen) = (sent, Vec::new());
    while !rest.is_empty() {
        let length = usize::try_from(u32::from_le_bytes([rest[4], rest[5], rest[6], rest[7]])).unwrap();
        let (message, behind) = rest.split_at(length);
        rest = behind;
        let kind = String::from_utf8_lossy(&message[..3]).into_owned();
        let at = match kind.as_str() {
            "OPN" => Some(12 + 4 + u32::from_le_bytes(message[12..16].try_into().unwrap()) as usize + 16),
            "MSG" | "CLO" => Some(24),
            _ => None,
        };
        let number = at.map(|at| {
            assert_eq!(message[at..at + 2], [1, 0], "{message:?}");
            u16::from_le_bytes([message[at + 2], message[at + 3]])
        });
        seen.push((kind, number));
    }
    seen
}

#[tokio::test]
async fn an_open_opcua_server_shows_mode_none_and_anonymous_and_sees_no_session() {
    let Some(server) = peer("opcua-open", &[]).await else { return };
    let (port, record) = recorder::tcp(server.port).await;
    let found = value(ask_opcua(&gate(quick()), port, PATIENCE).await);
    let endpoint = first(&found, "endpoints");
    assert_eq!((text(&endpoint, "mode"), text(&endpoint, "policy")), ("none".into(), "None".into()));
    assert!(text(&endpoint, "tokens").contains("anonymous"), "{endpoint}");
    let row = first(&found, "servers");
    assert_eq!((text(&row, "state"), text(&row, "name")), ("opcua".into(), "Press 7".into()));
    let sent = record.all();
    assert_eq!(sent.len(), 1);
    let expected =
        [("HEL", None), ("OPN", Some(446)), ("MSG", Some(428)), ("CLO", Some(452))].map(|(kind, n)| (kind.into(), n));
    assert_eq!(opcua_requests(&sent[0]), expected);
}

#[tokio::test]
async fn a_secured_opcua_server_shows_its_policies_and_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let key = certificate(folder.path()).await;
    let Some(server) = peer("opcua-secured", &[folder.path().to_str().unwrap()]).await else { return };
    let found = value(ask_opcua(&gate(quick()), server.port, PATIENCE).await);
    let endpoints = found.at("endpoints").unwrap().as_list().unwrap();
    let of = |name: &str| endpoints.iter().map(|endpoint| text(endpoint, name)).collect::<BTreeSet<_>>();
    assert_eq!(of("mode"), BTreeSet::from(["sign_and_encrypt".into()]));
    assert_eq!(of("policy"), BTreeSet::from(["Aes256_Sha256_RsaPss".into(), "Basic256Sha256".into()]));
    assert_eq!(of("tokens"), BTreeSet::from(["[username]".into()]));
    let shown = first(&found, "certificates");
    assert_eq!(text(&shown, "key_type"), key);
    assert!(text(&shown, "subject").contains("press-7"), "{shown}");
    assert!(shown.at("days_left").is_some(), "{shown}");
}

/// Writes `server.der`, `server.pem` and `server.key.pem`; returns the kind of key.
async fn certificate(folder: &Path) -> &'static str {
    let made = tokio::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN=press-7"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,URI:urn:press-7", "-keyout"])
        .arg(folder.join("server.key.pem"))
        .arg("-out")
        .arg(folder.join("server.pem"))
        .output()
        .await
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let pem = std::fs::read(folder.join("server.pem")).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    std::fs::write(folder.join("server.der"), pem.contents).unwrap();
    "rsa"
}

/// Every packet that left: its kind, and for a CONNECT its flags.
fn mqtt_packets(sent: &[u8]) -> Vec<(u8, Option<u8>)> {
    let (mut rest, mut seen) = (sent, Vec::new());
    while !rest.is_empty() {
        assert!(rest[1] < 0x80, "a short packet");
        let (packet, behind) = rest.split_at(2 + usize::from(rest[1]));
        rest = behind;
        seen.push((packet[0], (packet[0] == 0x10).then(|| packet[9])));
    }
    seen
}

#[tokio::test]
async fn an_open_broker_lets_a_client_without_a_name_in_and_sees_only_connect_and_disconnect() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = "listener PORT 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n";
    let Some(server) = mosquitto(folder.path(), configuration).await else { return };
    let (port, record) = recorder::tcp(server.port).await;
    let found = value(log_in(&gate(quick()), port, false, PATIENCE).await);
    let broker = first(&found, "brokers");
    assert_eq!((text(&broker, "state"), text(&broker, "anonymous")), ("mqtt".into(), "accepted".into()));
    let sent = record.all();
    assert_eq!(sent.len(), 1);
    assert_eq!(mqtt_packets(&sent[0]), [(0x10, Some(0x02)), (0xE0, None)]);
}

#[tokio::test]
async fn a_guarded_broker_refuses_a_client_without_a_name_in_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = "listener PORT 127.0.0.1\nallow_anonymous false\nlog_dest stderr\n";
    let Some(server) = mosquitto(folder.path(), configuration).await else { return };
    let broker = first(&value(log_in(&gate(quick()), server.port, false, PATIENCE).await), "brokers");
    assert_eq!((text(&broker, "anonymous"), text(&broker, "code")), ("refused".into(), "5".into()));
}

#[tokio::test]
async fn a_plain_port_is_seen_open_without_a_byte_being_sent() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = "listener PORT 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n";
    let Some(server) = mosquitto(folder.path(), configuration).await else { return };
    let (port, record) = recorder::tcp(server.port).await;
    let question = mqtt::Question { plain_ports: vec![port], tls_ports: vec![], login: false, timeout: PATIENCE };
    let found = value(mqtt::ask(&question, &gate(quick())).await);
    assert_eq!(text(&found, "plain_open"), format!("[{port}]"));
    assert_eq!(record.all(), [Vec::<u8>::new()]);
}

#[tokio::test]
async fn a_broker_behind_tls_shows_its_versions_and_may_demand_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path()).await;
    open_for_all(folder.path());
    let path = folder.path().display();
    let tls = format!(
        "listener PORT 127.0.0.1\nlog_dest stderr\nallow_anonymous true\n\
         certfile {path}/server.pem\nkeyfile {path}/server.key.pem\n"
    );
    let Some(server) = mosquitto(folder.path(), &tls).await else { return };
    let question =
        mqtt::Question { plain_ports: vec![], tls_ports: vec![server.port], login: false, timeout: PATIENCE };
    let found = value(mqtt::ask(&question, &gate(quick())).await);
    let row = first(&found, "tls");
    assert_eq!(text(&row, "state"), "tls");
    assert!(text(&row, "accepted_versions").contains("1.2"), "{row}");
    let broker = first(&value(log_in(&gate(quick()), server.port, true, PATIENCE).await), "brokers");
    assert_eq!((text(&broker, "state"), text(&broker, "anonymous")), ("mqtt".into(), "accepted".into()));

    for version in ["tlsv1.2", "tlsv1.3"] {
        let mutual = format!("{tls}cafile {path}/server.pem\nrequire_certificate true\ntls_version {version}\n");
        let Some(server) = mosquitto(folder.path(), &mutual).await else { return };
        let broker = first(&value(log_in(&gate(quick()), server.port, true, PATIENCE).await), "brokers");
        assert_eq!(
            (text(&broker, "state"), text(&broker, "anonymous")),
            ("tls".into(), "refused".into()),
            "{version}: {broker}"
        );
    }
}

/// mosquitto started by root reads its files as another user.
fn open_for_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    for file in std::fs::read_dir(folder).unwrap() {
        std::fs::set_permissions(file.unwrap().path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
}
