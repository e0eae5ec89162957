//! What the tests of several protocols need: gates without waiting, and listeners that misbehave.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::gate::{Gate, Limits, Names, Setup, Switch};
use crate::model::AssetId;

/// Standard limits without the gap.
pub(super) fn quick() -> Limits {
    Limits { gap: Duration::ZERO, ..Limits::STANDARD }
}

pub(super) fn gate(limits: Limits) -> Gate {
    gate_to("127.0.0.1", limits)
}

pub(super) fn gate_to(address: &str, limits: Limits) -> Gate {
    Gate::new(setup(address, limits), Switch::default(), chrono::Utc::now)
}

pub(super) fn setup(address: &str, limits: Limits) -> Setup {
    let asset = AssetId::parse("asset-1").unwrap();
    Setup {
        asset,
        address: address.into(),
        limits,
        inactive: None,
        windows: vec![],
        zone: None,
        names: Names::default(),
    }
}

/// A port that nobody listens on.
pub(super) async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A port whose queue of connections is full, so that the kernel answers nobody; full while the result lives.
pub(super) async fn full_backlog() -> (u16, (TcpListener, Vec<TcpStream>)) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(200), TcpSocket::new_v4().unwrap().connect(address)).await
    {
        held.push(stream.unwrap());
    }
    (address.port(), (listener, held))
}

/// Answers every connection with `answer` after having read something, then closes in order.
pub(super) async fn answering(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut question = [0_u8; 4096];
                let _some = stream.read(&mut question).await;
                stream.write_all(&answer).await.ok();
                stream.shutdown().await.ok();
                while matches!(stream.read(&mut question).await, Ok(1..)) {}
            });
        }
    });
    port
}

/// Accepts, reads and never says anything.
pub(super) async fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    port
}

/// Reads something and resets the connection.
pub(super) async fn resetting() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.read_u8().await.ok();
            // unread bytes are left behind: the kernel answers the close with a reset
            drop(stream);
        }
    });
    port
}

/// Sends one byte of `answer` at a time, for ever slower than anybody waits.
pub(super) async fn dripping(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                for byte in answer.iter().cycle() {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    port
}

/// A modern TLS server that shows a fresh certificate, answers with `answer` and counts its connections.
pub(super) async fn modern_tls(answer: &'static [u8]) -> (u16, Arc<AtomicU64>) {
    let key = rcgen::generate_simple_self_signed(vec!["plc-1.example".into()]).unwrap();
    let chain = vec![key.cert.der().clone()];
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut question = [0_u8; 4096];
                if matches!(stream.read(&mut question).await, Ok(1..)) {
                    stream.write_all(answer).await.ok();
                }
                stream.shutdown().await.ok();
            });
        }
    });
    (port, count)
}
