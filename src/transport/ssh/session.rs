//! A session that is logged in: what it can be asked, and how it ends.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use russh::client::{self, Handle};
use russh::{Channel, ChannelMsg, ChannelOpenFailure, ChannelStream, Disconnect, Names, cipher};
use tokio::time::{Instant, timeout};
use tokio_util::sync::DropGuard;

use super::Algorithms;
use super::client::{Client, Seen, Shared};
use super::failure::{Scene, quote};
use super::line::Opening;
use crate::model::Value;
use crate::transport::gate::Gate;
use crate::transport::{Endpoint, TransportError};

/// Longest wait for the peer while saying goodbye.
pub(super) const GOODBYE: Duration = Duration::from_millis(300);

/// Longest wait for the words of a failure that is known already.
const WORDS: Duration = Duration::from_millis(50);

/// A session that is logged in. Dropping it cuts the connection; [`Session::close`] says goodbye first.
pub struct Session {
    pub(super) handle: Handle<Client>,
    pub(super) seen: Shared,
    pub(super) endpoint: Endpoint,
    pub(super) gate: Gate,
    pub(super) started: Instant,
    pub(super) opening: Opening,
    pub(super) algorithms: Algorithms,
    pub(super) method: &'static str,
    /// A channel was asked for and not waited for.
    pub(super) given_up: AtomicBool,
    /// russh's task has ended and its result was taken.
    pub(super) joined: bool,
    #[expect(dead_code, reason = "cuts the connection when it is dropped")]
    pub(super) cut: DropGuard,
    /// The sessions this one is tunnelled through, nearest to us first.
    pub(super) through: Vec<Session>,
}

impl Session {
    /// Who it is with.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Opens a TCP connection from the peer to somewhere else, which the caller's gate has allowed.
    ///
    /// # Errors
    ///
    /// `Privilege` when the peer prohibits forwarding, `Refused` or `Unreachable` when it could not connect.
    pub async fn tunnel(
        &self,
        host: &str,
        port: u16,
        wait: Duration,
    ) -> Result<ChannelStream<client::Msg>, TransportError> {
        self.channel(host, port, wait).await.map(Channel::into_stream)
    }

    /// Opens a TCP connection from the peer to somewhere else, which the caller's gate has allowed, and closes it in
    /// order; nothing is sent over it. One at a time: what the peer says of a failure is not told apart by channel.
    ///
    /// # Errors
    ///
    /// As [`Session::tunnel`]; `Timeout` also when the peer says that its own connect timed out.
    pub async fn reach(&self, host: &str, port: u16, wait: Duration) -> Result<(), TransportError> {
        let mut channel = self.channel(host, port, wait).await?;
        let goodbye = async {
            channel.eof().await.ok();
            while let Some(message) = channel.wait().await {
                if matches!(message, ChannelMsg::Eof | ChannelMsg::Close) {
                    break;
                }
            }
        };
        timeout(GOODBYE, goodbye).await.ok();
        channel.close().await.ok();
        Ok(())
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    async fn channel(&self, host: &str, port: u16, wait: Duration) -> Result<Channel<client::Msg>, TransportError> {
        let opened = self.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        let target = Endpoint::new("ssh", host, port);
        let before = self.youngest_failure();
        match timeout(wait, Box::pin(opened)).await {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(russh::Error::ChannelOpenFailure(why))) => {
                self.words_of_failure(before).await;
                Err(self.no_tunnel(target, &why, wait))
            }
            Ok(Err(error)) => Err(self.explain(error, wait)),
            Err(_) => {
                self.given_up.store(true, Ordering::Relaxed);
                Err(TransportError::Timeout { endpoint: target, timeout: wait })
            }
        }
    }

    fn youngest_failure(&self) -> Option<u32> {
        self.seen.now().no_channel.map(|(number, _)| number)
    }

    /// Waits until russh has passed on what the peer said of a failure, which it does a moment after the failure itself.
    /// Where a channel was given up on, its own words may come first; then the moment is waited for in full.
    async fn words_of_failure(&self, before: Option<u32>) {
        let end = Instant::now() + WORDS;
        while Instant::now() < end {
            if self.youngest_failure() != before && !self.given_up.load(Ordering::Relaxed) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// OpenSSH and Dropbear pass on what their own connect said, in the words of strerror(3).
    fn no_tunnel(&self, target: Endpoint, why: &ChannelOpenFailure, wait: Duration) -> TransportError {
        let said = self.seen.now().no_channel.map(|(_, said)| said).unwrap_or_default();
        let lower = said.to_ascii_lowercase();
        match why {
            ChannelOpenFailure::AdministrativelyProhibited => TransportError::Privilege {
                endpoint: self.endpoint.clone(),
                problem: format!(
                    "this jump host prohibits forwarding to {target}: set AllowTcpForwarding and PermitOpen for the account"
                ),
            },
            ChannelOpenFailure::ConnectFailed if lower.contains("refused") => {
                TransportError::Refused { endpoint: target }
            }
            ChannelOpenFailure::ConnectFailed if lower.contains("timed out") => {
                TransportError::Timeout { endpoint: target, timeout: wait }
            }
            _ => {
                let no_way = lower.contains("no route to host") || lower.contains("unreachable");
                let kind = if no_way { ErrorKind::HostUnreachable } else { ErrorKind::Other };
                let words = format!("jump host {} says {}", self.endpoint, quote(said.as_bytes()));
                TransportError::Unreachable { endpoint: target, source: std::io::Error::new(kind, words) }
            }
        }
    }

    /// What was negotiated, as the facts of `ssh_session`.
    #[must_use]
    pub fn facts(&self) -> Value {
        let seen = self.seen.now();
        let names = seen.names.as_ref();
        let text = |text: Option<String>| text.map_or(Value::Null, Value::from);
        // an AEAD cipher brings its own integrity, whatever MAC was agreed on beside it
        let mac = |names: &Names| match names.cipher {
            cipher::CHACHA20_POLY1305 | cipher::AES_128_GCM | cipher::AES_256_GCM => "implicit".to_owned(),
            _ => names.client_mac.as_ref().to_owned(),
        };
        Value::map([
            ("kex", text(names.map(|names| names.kex.as_ref().to_owned()))),
            ("host_key", text(names.map(|names| names.key.to_string()))),
            ("cipher", text(names.map(|names| names.cipher.as_ref().to_owned()))),
            ("mac", text(names.map(mac))),
            ("strict_kex", names.map_or(Value::Null, |names| Value::from(names.strict_kex()))),
            ("server_version", Value::text(seen.banner)),
            ("host_key_sha256", text(seen.fingerprint)),
            ("auth_method", Value::from(self.method)),
            ("profile", Value::from(self.algorithms.word())),
        ])
    }

    pub(super) fn explain(&self, error: russh::Error, wait: Duration) -> TransportError {
        let seen = self.seen.now();
        self.scene(&seen).explain(error, wait)
    }

    pub(super) fn scene<'s>(&'s self, seen: &'s Seen) -> Scene<'s> {
        Scene { endpoint: &self.endpoint, gate: &self.gate, algorithms: self.algorithms, opening: &self.opening, seen }
    }

    /// Whether russh's task ended by a panic, on our side or on that of a jump host.
    pub(super) fn panicked(&mut self) -> bool {
        let own = (!self.joined && self.handle.is_closed()).then(|| (&mut self.handle).now_or_never()).flatten();
        self.joined |= own.is_some();
        matches!(own, Some(Err(russh::Error::Join(_)))) || self.through.iter_mut().any(Self::panicked)
    }

    /// Says goodbye, to the asset first and to the jump hosts after it, and lets go.
    pub async fn close(mut self) {
        let mut through = std::mem::take(&mut self.through);
        self.say_goodbye().await;
        while let Some(mut hop) = through.pop() {
            hop.say_goodbye().await;
        }
    }

    async fn say_goodbye(&mut self) {
        let goodbye = async {
            self.handle.disconnect(Disconnect::ByApplication, "", "").await.ok();
            // ends when russh has sent it; an error of a session that we end concerns nobody
            if !self.joined {
                (&mut self.handle).await.ok();
            }
        };
        timeout(GOODBYE, goodbye).await.ok();
    }
}
