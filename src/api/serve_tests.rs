//! The listener among clients that take their time, on loopback.

use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::WebConfig;
use super::guests::Patience;
use super::serve::serve_with;
use super::tests::{Daemon, Setup};

/// Longest wait of a test for what must come.
const LONGEST: Duration = Duration::from_secs(20);
/// An answer that no buffer of the system swallows.
const BIG: usize = 16 * 1024 * 1024;

/// Short times, and few places.
fn short() -> Patience {
    let moment = Duration::from_millis(400);
    Patience {
        places: 24,
        reserve: 4,
        neighbours: 12,
        head: moment,
        body: moment,
        stall: moment,
        ..Patience::default()
    }
}

/// A listener that lives as long as the guard.
async fn listen(router: Router, patience: Patience) -> (SocketAddr, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    tokio::spawn(serve_with(listener, router, None, stop.clone(), patience));
    (address, stop.drop_guard())
}

fn routes() -> Router {
    let big = Bytes::from(vec![b'x'; BIG]);
    Router::new().route("/-/healthy", get(|| async { "healthy" })).route("/big", get(move || ready(big.clone())))
}

/// A client whose system takes little at a time.
async fn connect(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(to).await.unwrap()
}

/// One request on a connection of its own, and all that comes back.
async fn ask(to: SocketAddr, request: &str) -> String {
    let mut stream = connect(to).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(LONGEST, stream.read_to_end(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8(answer).unwrap()
}

async fn is_healthy(at: SocketAddr) -> bool {
    ask(at, "GET /-/healthy HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.ends_with("healthy")
}

/// Whether the other end closes, in whatever way.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut byte = [0; 1];
    let read = async { while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {} };
    timeout(LONGEST, read).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_heads_from_one_address_end_and_meanwhile_keep_nobody_out() {
    let patience = Patience { head: Duration::from_secs(3), ..short() };
    let (at, _guard) = listen(routes(), patience).await;
    let mut slow = Vec::new();
    for _ in 0..3 * (patience.places + patience.reserve) {
        let mut stream = connect(at).await;
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nhost: x\r\n").await.ok();
        slow.push(stream);
    }
    let begun = Instant::now();
    assert!(is_healthy(at).await);
    assert!(begun.elapsed() < patience.head, "the probe waited for the others to end");
    for mut stream in slow {
        assert!(is_closed(&mut stream).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_never_reads_is_dropped_and_meanwhile_keeps_nobody_out() {
    let (at, _guard) = listen(routes(), short()).await;
    let mut greedy = Vec::new();
    for _ in 0..2 * short().neighbours {
        let mut stream = connect(at).await;
        let many = "GET /big HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50);
        stream.write_all(many.as_bytes()).await.ok();
        greedy.push(stream);
    }
    assert!(is_healthy(at).await);
    // nobody else comes: whoever still has a place loses it because nothing is taken
    for stream in greedy {
        let gone = async {
            while stream.try_write(b"GET").map_or_else(|error| error.kind() == std::io::ErrorKind::WouldBlock, |_| true)
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(LONGEST, gone).await.expect("the connection ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_gets_the_whole_answer() {
    let (at, _guard) = listen(routes(), short()).await;
    let mut stream = TcpSocket::new_v4().unwrap().connect(at).await.unwrap();
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let (begun, mut got, mut part) = (Instant::now(), 0, vec![0; BIG / 16]);
    loop {
        let read = timeout(LONGEST, stream.read_exact(&mut part)).await.expect("it goes on");
        if read.is_err() {
            break;
        }
        got += part.len();
        tokio::time::sleep(short().stall / 4).await;
    }
    assert!(got >= BIG && begun.elapsed() > 2 * short().stall, "{got} in {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scraper_that_comes_back_later_finds_its_connection_open_and_must_then_not_dawdle() {
    let (at, _guard) = listen(routes(), short()).await;
    let mut stream = connect(at).await;
    let mut answer = [0; 1024];
    for _ in 0..2 {
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let read = timeout(LONGEST, stream.read(&mut answer)).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&answer[..read]).ends_with("healthy"));
        tokio::time::sleep(short().head * 2).await;
    }
    stream.write_all(b"GET /-/hea").await.unwrap();
    assert!(is_closed(&mut stream).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_or_does_not_end_is_refused_in_json() {
    let setup = Setup::new(Daemon::default(), "127.0.0.1", &WebConfig::default());
    let (at, _guard) = listen(setup.router.clone(), short()).await;
    let head =
        "POST /api/v1/run HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let slow = ask(at, &format!("{head}content-length: 60000\r\n\r\n{{")).await;
    assert!(slow.starts_with("HTTP/1.1 408 ") && slow.contains("\"too_slow\""), "{slow}");
    let long = ask(at, &format!("{head}content-length: 70000\r\n\r\n{}", " ".repeat(70_000))).await;
    assert!(long.starts_with("HTTP/1.1 413 ") && long.contains("\"too_large\""), "{long}");
    let broken = ask(at, &format!("{head}transfer-encoding: chunked\r\n\r\nno chunk\r\n")).await;
    assert!(broken.starts_with("HTTP/1.1 400 "), "{broken}");
    assert!(ask(at, &format!("{head}content-length: 2\r\n\r\n{{}}")).await.starts_with("HTTP/1.1 403 "));
}
