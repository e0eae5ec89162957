//! Datagrams to one port of the asset that the gate let through: counted, and cut at once by the kill switch.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::{Gate, Refusal, Slot};
use crate::model::Transport;
use crate::transport::{Endpoint, TransportError};

/// A socket that talks with one port of the asset; the asset's slot is free again when it is dropped.
pub struct Datagrams {
    socket: UdpSocket,
    slot: Slot,
    endpoint: Endpoint,
}

impl Gate {
    /// Opens a socket for datagrams to `port` of the asset. What comes from elsewhere never reaches us, and nothing is
    /// sent yet. Counts as one connection of the budget.
    ///
    /// # Errors
    ///
    /// A refusal of the gate, or no way to the address.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that opens sockets for datagrams")]
    pub async fn datagrams(&self, transport: Transport, port: u16) -> Result<Datagrams, TransportError> {
        let endpoint = Endpoint::new(transport.word(), self.address(), port);
        let peer = self.resolve(port, &endpoint).await?;
        let slot = self.converse(transport).await?;
        slot.connection();
        let any = if peer.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        let opened = async {
            let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
            // from here on the kernel delivers what this one peer sends, and tells of a closed port
            socket.connect(peer).await?;
            Ok(socket)
        };
        match opened.await {
            Ok(socket) => Ok(Datagrams { socket, slot, endpoint }),
            Err(source) => Err(TransportError::Unreachable { endpoint, source }),
        }
    }
}

impl Datagrams {
    /// Who is talked with, for messages.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends one datagram.
    ///
    /// # Errors
    ///
    /// The kill switch acted, or the port is closed.
    pub async fn send(&self, bytes: &[u8]) -> Result<(), TransportError> {
        self.slot.datagram(bytes.len())?;
        self.socket.send(bytes).await.map(drop).map_err(|error| self.failed(error))
    }

    /// Waits for one datagram and returns its length; `None` when nothing came in time. What does not fit into `into`
    /// is cut off.
    ///
    /// # Errors
    ///
    /// The kill switch acted, or the port is closed.
    pub async fn receive(&self, into: &mut [u8], until: Instant) -> Result<Option<usize>, TransportError> {
        tokio::select! {
            biased;
            () = self.slot.stop().cancelled() => Err(Refusal::Inactive("the whole plant".into()).into()),
            came = timeout_at(until, self.socket.recv(into)) => match came {
                Err(_) => Ok(None),
                Ok(Ok(bytes)) => {
                    self.slot.received(bytes);
                    Ok(Some(bytes))
                }
                Ok(Err(error)) => Err(self.failed(error)),
            }
        }
    }

    fn failed(&self, source: io::Error) -> TransportError {
        let endpoint = self.endpoint.clone();
        match source.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => TransportError::Refused { endpoint },
            _ => TransportError::Unreachable { endpoint, source },
        }
    }
}
