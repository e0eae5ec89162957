//! Stands between us and a server, and keeps what we send.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// What left, a connection or datagram each, in order.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Vec<Vec<u8>>>>);

impl Record {
    pub(super) fn all(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().clone()
    }

    fn begin(&self) -> usize {
        let mut all = self.0.lock().unwrap();
        all.push(Vec::new());
        all.len() - 1
    }

    fn add(&self, at: usize, bytes: &[u8]) {
        self.0.lock().unwrap()[at].extend_from_slice(bytes);
    }
}

/// A port that passes everything on to `server`.
#[expect(clippy::disallowed_methods, reason = "plays the wire between the gate and a server")]
pub(super) async fn tcp(server: u16) -> (u16, Record) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, record) = (listener.local_addr().unwrap().port(), Record::default());
    let kept = record.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (record, at) = (kept.clone(), kept.begin());
            tokio::spawn(async move {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let back = tokio::spawn(async move {
                    tokio::io::copy(&mut from_server, &mut to_client).await.ok();
                    to_client.shutdown().await.ok();
                });
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
                    record.add(at, &buffer[..count]);
                    if to_server.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
                to_server.shutdown().await.ok();
                back.await.ok();
            });
        }
    });
    (port, record)
}

/// The same for datagrams of one client.
#[expect(clippy::disallowed_methods, reason = "plays the wire between the gate and a server")]
pub(super) async fn udp(server: u16) -> (u16, Record) {
    let (near, far) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
    far.connect(("127.0.0.1", server)).await.unwrap();
    let (port, record) = (near.local_addr().unwrap().port(), Record::default());
    let kept = record.clone();
    tokio::spawn(async move {
        let (mut out, mut back, mut client) = ([0; 2048], [0; 2048], None);
        loop {
            tokio::select! {
                came = near.recv_from(&mut out) => {
                    let Ok((count, from)) = came else { return };
                    client = Some(from);
                    kept.add(kept.begin(), &out[..count]);
                    far.send(&out[..count]).await.ok();
                }
                Ok(count) = far.recv(&mut back) => {
                    if let Some(client) = client {
                        near.send_to(&back[..count], client).await.ok();
                    }
                }
            }
        }
    });
    (port, record)
}
