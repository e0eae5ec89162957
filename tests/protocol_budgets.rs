//! What an identity read may cost is what its fact file says, even where a device does all it can to be asked more.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::sync::LazyLock;
use std::time::Duration;

use nis2watch::catalog::{Budget, Catalog};
use nis2watch::model::{AssetId, FactId, Transport};
use nis2watch::transport::gate::{Entry, Gate, Limits, Names, Setup, Switch};
use nis2watch::transport::ot::{bacnet, enip, modbus, s7};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::load(true, &[]).unwrap());

fn gate() -> Gate {
    let setup = Setup {
        asset: AssetId::parse("plc-1").unwrap(),
        address: "127.0.0.1".into(),
        limits: Limits { gap: Duration::ZERO, ..Limits::FRAGILE },
        inactive: None,
        windows: vec![],
        zone: None,
        names: Names::default(),
    };
    Gate::new(setup, Switch::default(), chrono::Utc::now)
}

/// Answers the n-th message of every connection with what `answer` says.
async fn device(answer: fn(u8) -> Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut question, mut number) = ([0; 1024], 0);
                while matches!(stream.read(&mut question).await, Ok(1..)) {
                    number += 1;
                    stream.write_all(&answer(number)).await.ok();
                }
            });
        }
    });
    port
}

fn within(fact: &str, books: Entry) {
    let Budget { questions, connections, bytes } = CATALOG.facts[&FactId::parse(fact).unwrap()].budget;
    assert!(books.packets <= u64::from(questions), "{fact}: {books:?}, declared {questions} questions");
    assert!(books.connections <= u64::from(connections), "{fact}: {books:?}, declared {connections} connections");
    assert!(books.bytes_received <= bytes, "{fact}: {books:?}, declared {bytes} bytes");
    assert!(books.packets > 0, "{fact}: nothing was asked");
}

#[tokio::test]
async fn a_modbus_device_that_always_has_more_to_tell_is_asked_no_more_than_declared() {
    let port = device(|number| {
        let object = [&[number, 230][..], &[b'x'; 230]].concat();
        let pdu = [&[0x2B, 0x0E, 1, 0x82, 0xFF, number, 1][..], &object].concat();
        [&[0, number, 0, 0, 0, u8::try_from(pdu.len() + 1).unwrap(), 255][..], &pdu].concat()
    });
    let (port, gate) = (port.await, gate());
    modbus::ask(&modbus::Question { port, ..modbus::Question::default() }, &gate).await.unwrap_err();
    within("ot.modbus", gate.books().entry(Transport::Modbus));
}

#[tokio::test]
async fn an_s7_controller_whose_lists_have_no_end_is_asked_no_more_than_declared() {
    let port = device(|number| match number {
        1 => vec![3, 0, 0, 11, 6, 0xD0, 0, 1, 0, 2, 0],
        2 => vec![3, 0, 0, 27, 2, 0xF0, 0x80, 0x32, 3, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0xF0, 0, 0, 1, 0, 1, 1, 0xE0],
        _ => {
            let piece = [&[0xFF, 9, 1, 0xA4][..], &[0; 420]].concat();
            let parameters = [0, 1, 0x12, 8, 0x12, 0x84, 1, 9, 0, 1, 0, 0];
            let header = [0x32, 7, 0, 0, 0, 1, 0, 12, 1, 0xA8];
            let packet = [&[2, 0xF0, 0x80][..], &header, &parameters, &piece].concat();
            let length = u16::try_from(packet.len() + 4).unwrap().to_be_bytes();
            [&[3, 0, length[0], length[1]], &packet[..]].concat()
        }
    });
    let (port, gate) = (port.await, gate());
    let error = s7::ask(&s7::Question { port, ..s7::Question::default() }, &gate).await.unwrap_err();
    assert!(error.to_string().contains("no end"), "{error}");
    within("ot.s7", gate.books().entry(Transport::S7));
}

#[tokio::test]
async fn an_ethernet_ip_device_is_asked_once_whatever_it_says() {
    let port = device(|_| [&[0x63, 0, 0, 8, 0, 0, 0, 0][..], &[0; 16], &[0xFF; 2048]].concat()).await;
    let gate = gate();
    enip::ask(&enip::Question { port, ..enip::Question::default() }, &gate).await.unwrap_err();
    within("ot.enip", gate.books().entry(Transport::Enip));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "plays a device")]
async fn a_bacnet_device_that_answers_only_the_second_time_is_asked_no_more_than_declared() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut question, mut number) = ([0; 64], 0);
        while let Ok((_, from)) = socket.recv_from(&mut question).await {
            number += 1;
            // Who-Is is the first; of the others every second one gets an error for an answer
            if number > 1 && number % 2 == 1 {
                let error = [0x81, 0x0A, 0, 13, 1, 0, 0x50, question[8], 12, 0x91, 2, 0x91, 32];
                socket.send_to(&error, from).await.ok();
            }
        }
    });
    let gate = gate();
    let question = bacnet::Question { port, timeout: Duration::from_millis(150) };
    bacnet::ask(&question, &gate).await.unwrap();
    let books = gate.books().entry(Transport::Bacnet);
    assert_eq!(books.packets, 13);
    within("ot.bacnet", books);
}
