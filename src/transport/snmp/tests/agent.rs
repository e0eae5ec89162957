//! A dozen lines of agent: answers each datagram with whatever a closure makes of it. Also a relay that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use async_snmp::message::{CommunityMessage, Message};
use async_snmp::pdu::{Pdu, PduBody, StandardPduType};
use async_snmp::{DecodeConfig, Oid, Value as Wire, VarBind, Version};
use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// A UDP server on a free loopback port; it ends when dropped.
pub(super) struct Agent {
    pub(super) port: u16,
    received: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

#[expect(clippy::disallowed_methods, reason = "the test is the device here")]
async fn bound(address: &str) -> Option<UdpSocket> {
    UdpSocket::bind(address).await.ok()
}

async fn socket() -> UdpSocket {
    bound("127.0.0.1:0").await.unwrap()
}

impl Agent {
    /// Answers each datagram with none, one or several.
    pub(super) async fn start(react: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let socket = Arc::new(socket().await);
        Self::answering_from(react, Arc::clone(&socket), socket)
    }

    /// Hears on one address and answers from another.
    pub(super) async fn multihomed(react: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self::answering_from(react, Arc::new(socket().await), Arc::new(socket().await))
    }

    /// On the IPv6 loopback, where there is one.
    pub(super) async fn over_ipv6(react: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Option<Self> {
        let socket = Arc::new(bound("[::1]:0").await?);
        Some(Self::answering_from(react, Arc::clone(&socket), socket))
    }

    fn answering_from(
        mut react: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
        socket: Arc<UdpSocket>,
        mouth: Arc<UdpSocket>,
    ) -> Self {
        let port = socket.local_addr().unwrap().port();
        let received = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&received);
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 65_536];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                count.fetch_add(1, Ordering::SeqCst);
                for answer in react(&buffer[..length]) {
                    mouth.send_to(&answer, peer).await.ok();
                }
            }
        });
        Self { port, received, task }
    }

    /// Passes datagrams on to a real agent and its answers back, unless `lose` says to lose one.
    pub(super) async fn relay(to: u16, lose: impl FnMut(u64) -> bool + Send + 'static) -> Self {
        Self::relay_to(move || to, lose, usize::MAX).await
    }

    /// A relay whose agent can be exchanged under way.
    pub(super) async fn switchable(to: Arc<AtomicU16>) -> Self {
        Self::relay_to(move || to.load(Ordering::SeqCst), |_| false, usize::MAX).await
    }

    /// A relay that loses answers above a size, as ways do that drop fragments.
    pub(super) async fn narrow(to: u16, widest: usize) -> Self {
        Self::relay_to(move || to, |_| false, widest).await
    }

    async fn relay_to(
        to: impl Fn() -> u16 + Send + 'static,
        mut lose: impl FnMut(u64) -> bool + Send + 'static,
        widest: usize,
    ) -> Self {
        let (front, back) = (socket().await, socket().await);
        let port = front.local_addr().unwrap().port();
        let received = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&received);
        let task = tokio::spawn(async move {
            let (mut request, mut answer) = (vec![0; 65_536], vec![0; 65_536]);
            let mut client = None;
            loop {
                tokio::select! {
                    Ok((length, peer)) = front.recv_from(&mut request) => {
                        client = Some(peer);
                        if !lose(count.fetch_add(1, Ordering::SeqCst)) {
                            back.send_to(&request[..length], ("127.0.0.1", to())).await.ok();
                        }
                    }
                    Ok((length, _)) = back.recv_from(&mut answer) => {
                        if let Some(peer) = client.filter(|_| length <= widest) {
                            front.send_to(&answer[..length], peer).await.ok();
                        }
                    }
                    else => break,
                }
            }
        });
        Self { port, received, task }
    }

    /// Datagrams that arrived.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A community request, taken apart.
pub(super) struct Heard {
    pub(super) version: Version,
    pub(super) id: i32,
    pub(super) body: PduBody,
    pub(super) oids: Vec<Oid>,
}

pub(super) fn hear(datagram: &[u8]) -> Heard {
    let decoded = Message::decode(Bytes::copy_from_slice(datagram), DecodeConfig::DEFAULT).unwrap().value;
    let version = decoded.version();
    let (id, body, binds) = decoded.into_pdu().unwrap().into_raw_parts();
    Heard { version, id, body, oids: binds.into_iter().map(|bind| bind.oid).collect() }
}

impl Heard {
    pub(super) fn is_bulk(&self) -> bool {
        matches!(self.body, PduBody::GetBulk { .. })
    }

    pub(super) fn is_get(&self) -> bool {
        matches!(self.body, PduBody::Standard { pdu_type: StandardPduType::GetRequest, .. })
    }

    pub(super) fn repetitions(&self) -> u32 {
        match self.body {
            PduBody::GetBulk { max_repetitions, .. } => max_repetitions,
            PduBody::Standard { .. } => 1,
        }
    }

    pub(super) fn reply(&self, binds: Vec<VarBind>) -> Vec<u8> {
        self.reply_as(self.id, 0, 0, binds)
    }

    /// An error status about one object; the objects asked come back with it.
    pub(super) fn fail(&self, status: i32, index: i32) -> Vec<u8> {
        let echo = self.oids.iter().map(|oid| VarBind::null(oid.clone())).collect();
        self.reply_as(self.id, status, index, echo)
    }

    pub(super) fn reply_as(&self, id: i32, error_status: i32, error_index: i32, binds: Vec<VarBind>) -> Vec<u8> {
        let body = PduBody::Standard { pdu_type: StandardPduType::Response, error_status, error_index };
        let pdu = Pdu::from_raw_parts(id, body, binds);
        let message = match self.version {
            Version::V1 => CommunityMessage::v1("public", pdu),
            _ => CommunityMessage::v2c("public", pdu),
        };
        message.unwrap().encode().unwrap().to_vec()
    }
}

pub(super) fn bind(oid: &Oid, value: i32) -> VarBind {
    VarBind::new(oid.clone(), Wire::Integer(value))
}
