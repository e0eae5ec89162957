//! Peers that stall, flood, lie, hang up or are something else: a typed cause, soon.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::scripted::{self, S7_CONFIRM, s7_piece, s7_set_up};
use super::*;
use crate::model::Cause;
use crate::transport::fixture::{answering, closed_port, dripping, gate, quick, resetting, setup, silent};
use crate::transport::gate::{Gate, Switch};

/// Longest time that any of them may take of us, goodbye included.
const SOON: Duration = Duration::from_secs(5);

/// What became of each protocol over one port: the cause, or the state of its row.
async fn all(port: u16) -> Vec<(&'static str, String)> {
    let gate = &gate(quick());
    let word = |answer: Result<Answer, TransportError>, list: &str| match answer {
        Err(error) => error.cause().to_string(),
        Ok(answer) if list.is_empty() => panic!("{answer:?}"),
        Ok(answer) => text(&first(&value(Ok(answer)), list), "state"),
    };
    let start = Instant::now();
    let found = vec![
        ("modbus", word(ask_modbus(gate, port, IMPATIENCE).await, "")),
        ("s7", word(ask_s7(gate, port, IMPATIENCE).await, "")),
        ("enip", word(ask_enip(gate, port, IMPATIENCE).await, "")),
        ("opcua", word(ask_opcua(gate, port, IMPATIENCE).await, "servers")),
        ("mqtt", word(log_in(gate, port, false, IMPATIENCE).await, "brokers")),
        ("mqtts", word(log_in(gate, port, true, IMPATIENCE).await, "brokers")),
    ];
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
    found
}

fn expected(direct: &str, row: &str) -> Vec<(&'static str, String)> {
    let direct = ["modbus", "s7", "enip"].map(|name| (name, direct.to_owned()));
    let rows = ["opcua", "mqtt", "mqtts"].map(|name| (name, row.to_owned()));
    direct.into_iter().chain(rows).collect()
}

/// Never stops to send.
async fn flooding() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { while stream.write_all(&[0xFF; 4096]).await.is_ok() {} });
        }
    });
    port
}

#[tokio::test]
async fn a_peer_that_never_answers_is_a_timeout() {
    assert_eq!(all(silent().await).await, expected("timeout", "error"));
}

#[tokio::test]
async fn a_peer_that_resets_the_connection_broke_the_protocol() {
    assert_eq!(all(resetting().await).await, expected("protocol", "error"));
}

#[tokio::test]
async fn a_peer_that_speaks_something_else_broke_the_protocol() {
    let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nServer: somebody else entirely\r\n\r\n";
    assert_eq!(all(answering(answer.to_vec()).await).await, expected("protocol", "error"));
}

#[tokio::test]
async fn a_peer_that_hangs_up_broke_the_protocol() {
    assert_eq!(all(answering(vec![]).await).await, expected("protocol", "error"));
}

#[tokio::test]
async fn a_flood_is_not_taken_in() {
    assert_eq!(all(flooding().await).await, expected("protocol", "error"));
}

#[tokio::test]
async fn a_slow_drip_does_not_hold_us() {
    for (name, word) in all(dripping(&[0]).await).await {
        assert!(matches!(word.as_str(), "timeout" | "protocol" | "error"), "{name}: {word}");
    }
}

#[tokio::test]
async fn a_closed_port_is_refused_and_for_services_part_of_the_answer() {
    assert_eq!(all(closed_port().await).await, expected("refused", "closed"));
}

#[tokio::test]
async fn lying_lengths_and_lists_without_an_end_break_the_protocol() {
    let confirm = S7_CONFIRM.to_vec();
    let modbus: Vec<_> =
        (1..=9).map(|number| vec![0, number, 0, 0, 0, 8, 255, 0x2B, 0x0E, 1, 0x81, 0xFF, number, 0]).collect();
    let lies = [
        ask_modbus(&gate(quick()), scripted::tcp(modbus).await, PATIENCE).await,
        ask_modbus(
            &gate(quick()),
            scripted::tcp(vec![vec![0, 1, 0, 0, 0, 8, 255, 0x2B, 0x0E, 1, 0x81, 0xFF, 0, 0]]).await,
            PATIENCE,
        )
        .await,
        ask_modbus(
            &gate(quick()),
            scripted::tcp(vec![vec![0, 1, 0, 0, 0, 8, 255, 0x2B, 0x0E, 1, 1, 0, 0, 200]]).await,
            PATIENCE,
        )
        .await,
        ask_modbus(&gate(quick()), scripted::tcp(vec![vec![0, 1, 0, 0, 255, 255, 255]]).await, PATIENCE).await,
        ask_s7(
            &gate(quick()),
            scripted::tcp(vec![confirm.clone(), s7_set_up(), s7_piece(1, true, &[0; 200])]).await,
            PATIENCE,
        )
        .await,
        ask_s7(&gate(quick()), scripted::tcp(vec![vec![3, 0, 255, 255]]).await, PATIENCE).await,
        ask_enip(&gate(quick()), scripted::tcp(vec![[&[0x63, 0, 255, 255][..], &[0; 20]].concat()]).await, PATIENCE)
            .await,
    ];
    for lie in lies {
        assert_eq!(lie.unwrap_err().cause(), Cause::Protocol);
    }
}

#[tokio::test]
async fn an_opcua_answer_without_an_end_is_cut_off() {
    let acknowledge = [b"ACKF\x1c\0\0\0", &[0; 20][..]].concat();
    let header = b"\0\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    // policy and certificates absent, sequence, request; answer 449; header; version, channel 0, token 1
    let mut opened =
        [&[255; 12][..], &[0; 8], &[1, 0, 0xC1, 1], &header[8..20], &[0; 4], &[0], &[255; 4], &[0; 3]].concat();
    opened.extend([&[0; 4][..], &[0; 4], &[1, 0, 0, 0], &[0; 12], &[255; 4]].concat());
    let opened = [b"OPNF", &u32::try_from(opened.len() + 12).unwrap().to_le_bytes()[..], &[0; 4], &opened].concat();
    let chunk = [b"MSGC", &65_536_u32.to_le_bytes()[..], &vec![0; 65_528]].concat();
    let endless = scripted::tcp(vec![acknowledge.clone(), opened.clone(), chunk.repeat(40)]).await;
    let row = first(&value(ask_opcua(&gate(quick()), endless, PATIENCE).await), "servers");
    assert_eq!(text(&row, "state"), "error");
    assert!(text(&row, "detail").contains("without an end"), "{row}");
    let longer = scripted::tcp(vec![acknowledge, opened, b"MSGF\xff\xff\xff\x7f".to_vec()]).await;
    let row = first(&value(ask_opcua(&gate(quick()), longer, PATIENCE).await), "servers");
    assert!(text(&row, "detail").contains("longer than agreed"), "{row}");
}

#[tokio::test]
async fn a_broker_that_lies_about_a_length_tells_nothing() {
    for answer in
        [vec![0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], vec![0x20, 0xFF, 0xFF, 0x7F], vec![0x20, 0], vec![0x30, 2, 0, 0]]
    {
        let port = answering(answer.clone()).await;
        let broker = first(&value(log_in(&gate(quick()), port, false, IMPATIENCE).await), "brokers");
        assert_eq!(text(&broker, "anonymous"), "undecided", "{answer:?}");
    }
}

#[tokio::test]
async fn bacnet_peers_that_are_silent_closed_or_lie_give_a_cause() {
    let start = Instant::now();
    let cause = |answer: Result<Answer, TransportError>| answer.unwrap_err().cause();
    let ask = async |answer: fn(&[u8]) -> Vec<Vec<u8>>| {
        cause(ask_bacnet(&gate(quick()), scripted::udp(answer).await, IMPATIENCE).await)
    };
    assert_eq!(ask(|_| vec![]).await, Cause::Timeout);
    assert_eq!(ask(|_| vec![b"SIP/2.0 400 Bad Request".to_vec()]).await, Cause::Protocol);
    assert_eq!(ask(|_| vec![vec![0x81, 0x0A, 255, 255]]).await, Cause::Protocol);
    assert_eq!(ask(|_| vec![]).await, Cause::Timeout);
    // answers to requests that nobody made, without an end
    let stranger = |_: &[u8]| vec![vec![0x81, 0x0A, 0, 9, 1, 0, 0x50, 200, 12]; 20];
    assert_eq!(ask(stranger).await, Cause::Protocol);
    let closed = {
        #[expect(clippy::disallowed_methods, reason = "looks for a closed port")]
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap().port()
    };
    assert_eq!(cause(ask_bacnet(&gate(quick()), closed, IMPATIENCE).await), Cause::Refused);
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
}

#[tokio::test]
async fn the_kill_switch_cuts_a_conversation_and_says_nothing_about_the_device() {
    let switch = Switch::default();
    let gate = Gate::new(setup("127.0.0.1", quick()), switch.clone(), chrono::Utc::now);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        switch.turn_off();
        stream.read_to_end(&mut Vec::new()).await.ok();
    });
    assert_eq!(ask_modbus(&gate, port, PATIENCE).await.unwrap_err().cause(), Cause::Inactive);
    assert_eq!(ask_bacnet(&gate, port, PATIENCE).await.unwrap_err().cause(), Cause::Inactive);
    assert_eq!(gate.books().entry(crate::model::Transport::Bacnet).packets, 0);
}
