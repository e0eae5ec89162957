//! Devices by script: to each message the next answer, as manuals and recordings show it.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::*;
use crate::transport::fixture::{gate, quick};

/// Answers the messages of every connection with these, in order, and then for ever with the last one.
pub(super) async fn tcp(answers: Vec<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, answers) = (listener.local_addr().unwrap().port(), Arc::new(answers));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answers = Arc::clone(&answers);
            tokio::spawn(async move {
                let (mut question, mut at) = ([0; 4096], 0);
                while matches!(stream.read(&mut question).await, Ok(1..)) {
                    if stream.write_all(&answers[at.min(answers.len() - 1)]).await.is_err() {
                        return;
                    }
                    at += 1;
                }
                stream.shutdown().await.ok();
            });
        }
    });
    port
}

/// Answers each datagram with what `answer` makes of it.
#[expect(clippy::disallowed_methods, reason = "plays a device")]
pub(super) async fn udp(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut question = [0; 2048];
        while let Ok((count, from)) = socket.recv_from(&mut question).await {
            for datagram in answer(&question[..count]) {
                socket.send_to(&datagram, from).await.ok();
            }
        }
    });
    port
}

fn s7(kind: u8, number: u8, parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let error: &[u8] = if kind == 3 { &[0, 0] } else { &[] };
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
    let header = [&[0x32, kind, 0, 0, 0, number][..], &length(parameters), &length(data), error].concat();
    let cotp = [&[2, 0xF0, 0x80][..], &header, parameters, data].concat();
    let whole = u16::try_from(cotp.len() + 4).unwrap().to_be_bytes();
    [&[3, 0, whole[0], whole[1]], &cotp[..]].concat()
}

pub(super) const S7_CONFIRM: &[u8] = &[3, 0, 0, 11, 6, 0xD0, 0, 1, 0, 2, 0];

pub(super) fn s7_set_up() -> Vec<u8> {
    s7(3, 0, &[0xF0, 0, 0, 1, 0, 1, 0, 0xF0], &[])
}

/// One piece of a list.
pub(super) fn s7_piece(number: u8, more: bool, piece: &[u8]) -> Vec<u8> {
    let length = u16::try_from(piece.len()).unwrap().to_be_bytes();
    let parameters = [0, 1, 0x12, 8, 0x12, 0x84, 1, 9, 0, u8::from(more), 0, 0];
    s7(7, number, &parameters, &[&[0xFF, 9, length[0], length[1]], piece].concat())
}

fn s7_refusal(number: u8) -> Vec<u8> {
    s7(7, number, &[0, 1, 0x12, 8, 0x12, 0x84, 1, 0, 0, 0, 0xD4, 1], &[0x0A, 0, 0, 0])
}

fn s7_list(list: u8, length: u8, records: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0, list, 0, 0, 0, length, 0, u8::try_from(records.len()).unwrap()];
    for (index, text) in records {
        let mut record = [&[0, *index], *text].concat();
        record.resize(usize::from(length), 0);
        bytes.extend(record);
    }
    bytes
}

#[tokio::test]
async fn an_s7_controller_tells_firmware_and_serial_number_in_pieces() {
    let module = |version: &[u8]| [b"6ES7 315-2EH14-0AB0 ", &[0, 0xC0][..], version].concat();
    let (one, seven, loader) = (module(&[0, 5, 0, 1]), module(b"V\x03\x02\x06"), module(b"A\x22\x09\x09"));
    let modules = s7_list(0x11, 28, &[(1, &one), (7, &seven), (0x81, &loader)]);
    let components = s7_list(
        0x1C,
        34,
        &[
            (1, b"press 7"),
            (2, b"CPU 315"),
            (4, b"Original Siemens Equipment"),
            (5, b"S C-X4U421302009"),
            (7, b"CPU 315-2 PN/DP"),
        ],
    );
    let (head, tail) = components.split_at(100);
    let answers = vec![
        S7_CONFIRM.to_vec(),
        s7_set_up(),
        s7_piece(1, false, &modules),
        s7_piece(2, true, head),
        s7_piece(2, false, tail),
    ];
    let port = tcp(answers).await;
    let device = value(ask_s7(&gate(quick()), port, PATIENCE).await);
    assert_eq!(text(&device, "vendor"), "Siemens");
    assert_eq!(text(&device, "model"), "CPU 315-2 PN/DP");
    assert_eq!(text(&device, "order_number"), "6ES7 315-2EH14-0AB0");
    assert_eq!(text(&device, "version"), "3.2.6");
    assert_eq!(text(&device, "serial"), "S C-X4U421302009");
    assert_eq!(text(&device, "name"), "press 7");
}

#[tokio::test]
async fn a_device_that_refuses_to_tell_is_there_and_not_identified() {
    let s7 = vec![S7_CONFIRM.to_vec(), s7_set_up(), s7_refusal(1), s7_refusal(2)];
    let unidentified = [
        ask_s7(&gate(quick()), tcp(s7).await, PATIENCE).await,
        ask_s7(&gate(quick()), tcp(vec![vec![3, 0, 0, 11, 6, 0x80, 0, 1, 0, 2, 0]]).await, PATIENCE).await,
        ask_modbus(&gate(quick()), tcp(vec![vec![0, 1, 0, 0, 0, 3, 255, 0xAB, 1]]).await, PATIENCE).await,
        ask_enip(&gate(quick()), tcp(vec![[&[0x63, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0; 15]].concat()]).await, PATIENCE)
            .await,
        ask_bacnet(&gate(quick()), udp(bacnet_refusal).await, IMPATIENCE).await,
    ];
    for answer in unidentified {
        let device = value(answer);
        assert_eq!((device.get("identified"), device.get("answered")), (Some(&false.into()), Some(&true.into())));
        assert!(!text(&device, "detail").is_empty());
    }
}

/// An error for every property, and silence about oneself.
fn bacnet_refusal(question: &[u8]) -> Vec<Vec<u8>> {
    if question[6] == 0 {
        vec![vec![0x81, 0x0A, 0, 13, 1, 0, 0x50, question[8], 12, 0x91, 2, 0x91, 32]]
    } else {
        vec![]
    }
}

#[tokio::test]
async fn a_device_with_basic_objects_only_is_not_asked_for_more() {
    let basic = b"\x00\x01\x00\x00\x00\x14\xff\x2b\x0e\x01\x01\x00\x00\x03\x00\x01A\x01\x01B\x02\x03C.1";
    let answer = [&basic[..4], &[0, u8::try_from(basic.len() - 6).unwrap()], &basic[6..]].concat();
    // a second request would get this answer again, which does not fit it
    let device = value(ask_modbus(&gate(quick()), tcp(vec![answer]).await, PATIENCE).await);
    assert_eq!(
        (text(&device, "vendor"), text(&device, "model"), text(&device, "version")),
        ("A".into(), "B".into(), "C.1".into())
    );
}

#[tokio::test]
async fn a_broker_of_version_5_only_is_asked_in_its_own_version() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut question = [0; 64];
            let count = stream.read(&mut question).await.unwrap();
            let speaks_5 = count > 8 && question[8] == 5;
            stream.write_all(if speaks_5 { &[0x20, 3, 0, 0x87, 0] } else { &[0x20, 2, 0, 1] }).await.unwrap();
            while matches!(stream.read(&mut question).await, Ok(1..)) {}
        }
    });
    let broker = first(&value(log_in(&gate(quick()), port, false, PATIENCE).await), "brokers");
    assert_eq!((text(&broker, "version"), text(&broker, "anonymous")), ("5.0".into(), "refused".into()));
    assert_eq!(text(&broker, "code"), "135");
}

#[tokio::test]
async fn an_opcua_server_that_rejects_discovery_says_so_by_name() {
    let acknowledge = [b"ACKF\x1c\0\0\0", &[0; 20][..]].concat();
    let rejected = b"ERRF\x10\0\0\0\0\0\x55\x80\xff\xff\xff\xff".to_vec();
    let port = tcp(vec![acknowledge, rejected]).await;
    let row = first(&value(ask_opcua(&gate(quick()), port, PATIENCE).await), "servers");
    assert_eq!(text(&row, "state"), "error");
    assert!(text(&row, "detail").contains("BadSecurityPolicyRejected"), "{row}");
}
