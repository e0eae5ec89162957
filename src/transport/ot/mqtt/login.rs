//! One attempt to connect to a broker as a client without a name, in the clear or inside TLS.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::packet::{self, Anonymous, GOODBYE, Version};
use crate::model::{Transport, Value};
use crate::transport::gate::{Gate, Refusal, Stream};
use crate::transport::ot::talk::{Bounds, Talk};
use crate::transport::tcp::{Reached, reach};
use crate::transport::{TransportError, printable, tls};

/// Longest goodbye of TLS.
const CLOSE_WAIT: Duration = Duration::from_millis(300);

/// What is known of one port.
pub(super) enum Found {
    Closed,
    Filtered,
    NoWay(TransportError),
    /// A broker that answered.
    Broker {
        version: Version,
        code: u8,
    },
    /// TLS demands a certificate of the client, so nobody comes in without one.
    CertificateDemanded,
    /// Somebody is there, but what he said tells nothing about names.
    Other(String),
}

impl Found {
    /// Whether somebody answered, with a connection or with a reset.
    pub(super) const fn answered(&self) -> bool {
        !matches!(self, Self::Filtered | Self::NoWay(_))
    }

    /// The state in one word, and what there is to say about it.
    pub(super) fn describe(&self) -> (&'static str, Vec<(&'static str, Value)>) {
        let anonymous = |word: &str| ("anonymous", Value::from(word));
        match self {
            Self::Closed => ("closed", vec![]),
            Self::Filtered | Self::NoWay(_) => ("filtered", vec![]),
            Self::Broker { version, code } => {
                let word = match Anonymous::of(*code) {
                    Anonymous::Accepted => "accepted",
                    Anonymous::Refused => "refused",
                    Anonymous::OtherVersion | Anonymous::Undecided => "undecided",
                };
                let detail = ("detail", Value::from(packet::meaning(*code)));
                let version = ("version", Value::from(version.word()));
                ("mqtt", vec![anonymous(word), version, ("code", Value::Int(i64::from(*code))), detail])
            }
            Self::CertificateDemanded => {
                ("tls", vec![anonymous("refused"), ("detail", Value::from("TLS demands a client certificate"))])
            }
            Self::Other(detail) => ("error", vec![anonymous("undecided"), ("detail", Value::from(detail.as_str()))]),
        }
    }
}

/// Tries version 3.1.1 first, and 5.0 where that one is not spoken: two connections at most.
///
/// # Errors
///
/// What says nothing about the port: a refusal of the gate, a name without an address.
pub(super) async fn attempt(gate: &Gate, port: u16, tls: bool, wait: Duration) -> Result<Found, TransportError> {
    let mut found = once(gate, port, tls, wait, Version::V3).await?;
    let speaks_another = match &found {
        Found::Broker { code, .. } => Anonymous::of(*code) == Anonymous::OtherVersion,
        Found::Other(_) => true,
        _ => false,
    };
    if speaks_another {
        let other = once(gate, port, tls, wait, Version::V5).await?;
        if matches!(other, Found::Broker { .. } | Found::CertificateDemanded) {
            found = other;
        }
    }
    Ok(found)
}

async fn once(gate: &Gate, port: u16, tls: bool, wait: Duration, version: Version) -> Result<Found, TransportError> {
    let stream = match reach(gate, Transport::Mqtt, port, wait).await? {
        Reached::Open(stream) => stream,
        Reached::Closed => return Ok(Found::Closed),
        Reached::Filtered => return Ok(Found::Filtered),
        Reached::NoWay(error) => return Ok(Found::NoWay(error)),
    };
    let line = Line { gate, port, wait, version };
    let found = if tls { line.inside_tls(stream).await } else { line.in_the_clear(stream).await };
    match gate.is_open(Transport::Mqtt) {
        // a conversation that the kill switch cut says nothing about the broker
        Err(refusal @ Refusal::Inactive(_)) => Err(refusal.into()),
        _ => Ok(found),
    }
}

/// One connection to one port.
struct Line<'a> {
    gate: &'a Gate,
    port: u16,
    wait: Duration,
    version: Version,
}

impl Line<'_> {
    async fn in_the_clear(&self, mut stream: Stream) -> Found {
        let said = self.introduce(&mut stream).await;
        stream.close().await;
        self.sort(said)
    }

    async fn inside_tls(&self, mut stream: Stream) -> Found {
        let demanded = Arc::new(Demanded::default());
        let said = match tls::accept_anything() {
            Err(error) => Err(Unsaid { problem: error.to_string(), turned_away: false }),
            Ok(mut config) => {
                config.client_auth_cert_resolver = Arc::clone(&demanded) as Arc<dyn ResolvesClientCert>;
                self.shake_and_introduce(&mut stream, config).await
            }
        };
        stream.close().await;
        match said {
            Err(Unsaid { turned_away: true, .. }) if demanded.0.load(Ordering::Relaxed) => Found::CertificateDemanded,
            said => self.sort(said),
        }
    }

    async fn shake_and_introduce(&self, stream: &mut Stream, config: rustls::ClientConfig) -> Result<u8, Unsaid> {
        let connect = TlsConnector::from(Arc::new(config)).connect(tls::server_name(self.gate.tls_name()), stream);
        let mut secured = match timeout_at(Instant::now() + self.wait, connect).await {
            Err(_) => {
                return Err(Unsaid { problem: "no answer to the TLS hello in time".into(), turned_away: false });
            }
            Ok(Err(error)) => {
                let problem = format!("no TLS: {}", printable::line(&error.to_string(), 120));
                return Err(Unsaid { problem, turned_away: turns_away(&error) });
            }
            Ok(Ok(secured)) => secured,
        };
        let said = self.introduce(&mut secured).await;
        timeout(CLOSE_WAIT, secured.shutdown()).await.ok();
        said
    }

    /// Connects, reads the code and says goodbye.
    async fn introduce(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<u8, Unsaid> {
        let bounds = Bounds { timeout: self.wait, bytes: packet::MAX_BODY };
        let mut talk = Talk::over(stream, self.gate, Transport::Mqtt, self.port, bounds);
        // letters and digits, at most 23: what every broker must take (3.1.1, section 3.1.3.1)
        let client = format!("nis2w{:016x}", rand::random::<u64>());
        let said = async {
            talk.send(&packet::connect(self.version, &client)).await?;
            let [first] = talk.array().await?;
            if !packet::is_connack(first) {
                return Err(talk.broken("it does not answer as a broker"));
            }
            let length = length(&mut talk).await?;
            let body = talk.take(length).await?;
            packet::code(&body).map_err(|problem| talk.broken(problem))
        };
        match said.await {
            Ok(code) => {
                if code == 0 {
                    talk.send(&GOODBYE).await.ok();
                }
                Ok(code)
            }
            // TLS 1.3 turns away only after the handshake
            Err(error) => {
                Err(Unsaid { problem: error.to_string(), turned_away: talk.failure().is_some_and(turns_away) })
            }
        }
    }

    fn sort(&self, said: Result<u8, Unsaid>) -> Found {
        match said {
            Ok(code) => Found::Broker { version: self.version, code },
            Err(unsaid) => Found::Other(unsaid.problem),
        }
    }
}

/// Why there is no code.
struct Unsaid {
    problem: String,
    /// Whether TLS said goodbye as it does to a client without a certificate.
    turned_away: bool,
}

/// Whether TLS ended with an alert that fits a missing client certificate (RFC 8446, section 6.2).
fn turns_away(error: &io::Error) -> bool {
    let alert = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(
        alert,
        Some(rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
                | AlertDescription::HandshakeFailure
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
        ))
    )
}

/// The length of what follows: seven bits a byte, four bytes at most (section 2.2.3).
async fn length(talk: &mut Talk<impl AsyncRead + AsyncWrite + Unpin>) -> Result<usize, TransportError> {
    let mut length = 0;
    for place in 0..4 {
        let [byte] = talk.array().await?;
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(length);
        }
    }
    Err(talk.broken("a length without an end"))
}

/// Has no certificate, and notes that one was asked for.
#[derive(Debug, Default)]
struct Demanded(AtomicBool);

impl ResolvesClientCert for Demanded {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        // the library asks for a certificate only where there could be one
        true
    }
}
