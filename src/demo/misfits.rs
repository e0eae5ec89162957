//! Devices that do not play by the book: talkative, silent, hostile, or to be left in peace.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

use super::serve::{Servers, listener};

/// Telnet as it begins: will echo, will suppress go-ahead (RFC 854), then the words.
const TELNET: &[u8] = b"\xff\xfb\x01\xff\xfb\x03\r\nMGate MB3180\r\nlogin: ";
/// Lines before a banner are allowed by RFC 4253; there is no end to these.
const ENDLESS: &[u8] = b"please stand by while the service is being prepared for you\r\n";
/// Time between two bytes of a slow page.
const DRIP: Duration = Duration::from_millis(50);
/// Longest look at what a visitor says.
const PATIENCE: Duration = Duration::from_secs(10);
/// A full queue shows within this.
const FULL: Duration = Duration::from_millis(150);
/// Connections that fill a queue of none.
const MOST_TO_FILL: usize = 8;

/// Greets and listens.
pub(super) async fn telnet(mut stream: TcpStream) {
    if stream.write_all(TELNET).await.is_ok() {
        listen(&mut stream, |_| {}).await;
    }
}

/// Says nothing and counts what it hears: a controller to which no byte may be sent.
pub(super) async fn counter(mut stream: TcpStream, heard: Arc<AtomicU64>) {
    listen(&mut stream, |bytes| {
        heard.fetch_add(bytes as u64, Ordering::SeqCst);
    })
    .await;
}

async fn listen(stream: &mut TcpStream, mut hear: impl FnMut(usize)) {
    let mut chunk = [0; 256];
    while let Ok(Ok(taken @ 1..)) = timeout(PATIENCE, stream.read(&mut chunk)).await {
        hear(taken);
    }
}

/// An SSH server that never comes to its banner.
pub(super) async fn endless_banner(mut stream: TcpStream) {
    while stream.write_all(ENDLESS).await.is_ok() {
        // fast enough to hurt who keeps it, slow enough for the machine it runs on
        sleep(Duration::from_millis(2)).await;
    }
}

/// A page that comes one byte at a time.
pub(super) async fn dripping_page(mut stream: TcpStream) {
    for byte in b"HTTP/1.1 200 OK\r\nX-Padding: ".iter().chain(std::iter::repeat(&b'.')) {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(DRIP).await;
    }
}

/// Answers a TLS hello with what is none.
pub(super) async fn no_tls(mut stream: TcpStream) {
    let garbage: [u8; 512] = std::array::from_fn(|_| rand::random());
    // what begins like no record is no TLS for sure
    stream.write_all(b"\x00").await.ok();
    stream.write_all(&garbage).await.ok();
    listen(&mut stream, |_| {}).await;
}

/// An agent that answers every datagram with garbage of the same length.
pub(super) async fn garbage_agent(socket: UdpSocket) {
    let mut buffer = [0; 2048];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, peer)) => {
                for byte in &mut buffer[..length] {
                    *byte ^= rand::random::<u8>();
                }
                socket.send_to(&buffer[..length], peer).await.ok();
            }
            Err(_) => sleep(DRIP).await,
        }
    }
}

/// A datagram socket for a device.
#[expect(clippy::disallowed_methods, reason = "the demo is the device here, on loopback")]
pub(super) async fn datagrams(address: Ipv4Addr, port: u16) -> io::Result<UdpSocket> {
    UdpSocket::bind(SocketAddr::from((address, port))).await
}

/// Keeps a port silent until the plant ends: its queue is full, so the kernel answers nobody, as a device does that
/// is off or behind a wall.
pub(super) async fn silence(address: Ipv4Addr, port: u16, servers: &Servers) -> io::Result<()> {
    let listener = listener(address, port, 0)?;
    let held = fill(&listener).await?;
    servers.spawn(async move {
        std::future::pending::<()>().await;
        drop((listener, held));
    });
    Ok(())
}

async fn fill(listener: &TcpListener) -> io::Result<Vec<TcpStream>> {
    let at = listener.local_addr()?;
    let mut held = Vec::new();
    for _ in 0..MOST_TO_FILL {
        match timeout(FULL, TcpSocket::new_v4()?.connect(at)).await {
            Ok(stream) => held.push(stream?),
            Err(_) => return Ok(held),
        }
    }
    Err(io::Error::other("this system takes connections beyond the queue"))
}
