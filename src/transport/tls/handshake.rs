//! A modern handshake, for the version and the chain that a browser would get.
//!
//! Every certificate is accepted, because it is evidence here and not trust: nothing secret is ever sent over
//! these connections.

use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, ProtocolVersion, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Ended;
use super::flight::{End, Flight, MAX_CERTIFICATES, MAX_FLIGHT};
use super::hello::Version;
use crate::transport::gate::Stream;

pub(super) static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

/// What a handshake brought to light, whether or not it came to its end.
pub(super) struct Shaken {
    /// The version agreed on.
    pub(super) version: Option<Version>,
    /// The chain that was shown, leaf first.
    pub(super) chain: Vec<Vec<u8>>,
    /// Whether the server showed that it holds the key of the first certificate; anybody can show a certificate.
    pub(super) proven: bool,
    /// Whether the port spoke TLS at all.
    pub(super) is_tls: bool,
    /// How it ended.
    pub(super) ended: Ended,
}

/// Accepts anything and remembers it.
#[derive(Debug, Default)]
struct Witness(Mutex<Testimony>);

/// What a handshake showed.
#[derive(Debug, Default)]
struct Testimony {
    chain: Vec<Vec<u8>>,
    proven: bool,
}

impl Witness {
    fn note(&self, change: impl FnOnce(&mut Testimony)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes whether a signature over the handshake is right; a wrong one is accepted like everything else.
    fn signed(&self, verified: &Result<HandshakeSignatureValid, rustls::Error>) -> HandshakeSignatureValid {
        self.note(|seen| seen.proven = verified.is_ok());
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(leaf).chain(rest).take(MAX_CERTIFICATES).map(|der| der.to_vec()).collect();
        self.note(|seen| seen.chain = chain);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &PROVIDER.signature_verification_algorithms;
        Ok(self.signed(&verify_tls12_signature(message, certificate, signature, known)))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &PROVIDER.signature_verification_algorithms;
        Ok(self.signed(&verify_tls13_signature(message, certificate, signature, known)))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PKCS1_SHA1,
        ]
    }
}

/// A client that accepts every certificate, for evidence only; never send a secret over it.
pub(in crate::transport) fn accept_anything() -> Result<ClientConfig, rustls::Error> {
    client(Arc::new(Witness::default()))
}

fn client(witness: Arc<Witness>) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(witness)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The name for SNI, or an address, for which none is sent.
pub(in crate::transport) fn server_name(address: &str) -> ServerName<'static> {
    ServerName::try_from(address.to_owned())
        .unwrap_or_else(|_| ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([127, 0, 0, 1]))))
}

/// Shakes hands; the caller keeps the deadline and closes the connection.
pub(super) async fn shake(stream: &mut Stream, address: &str, deadline: tokio::time::Instant) -> Shaken {
    let witness = Arc::new(Witness::default());
    let mut flight = Flight::default();
    let made = client(Arc::clone(&witness))
        .and_then(|config| ClientConnection::new(Arc::new(config), server_name(address)))
        .map_err(|error| Ended::Broken(error.to_string()));
    let (version, ended) = match made {
        Err(ended) => (None, ended),
        Ok(mut connection) => {
            let talk = tokio::time::timeout_at(deadline, talk(stream, &mut connection, &mut flight));
            let ended = talk.await.unwrap_or(Ended::Silent);
            (connection.protocol_version().and_then(version), ended)
        }
    };
    let Testimony { chain, proven } = std::mem::take(&mut *witness.0.lock().unwrap_or_else(PoisonError::into_inner));
    // a signature counts once the server has shown with its last message that it took part in the same handshake
    let proven = proven && ended == Ended::Complete;
    Shaken { version, chain, proven, is_tls: flight.is_tls(), ended }
}

fn version(version: ProtocolVersion) -> Option<Version> {
    match version {
        ProtocolVersion::TLSv1_2 => Some(Version::Tls12),
        ProtocolVersion::TLSv1_3 => Some(Version::Tls13),
        _ => None,
    }
}

/// Moves bytes between the library and the connection until the handshake is over. `flight` reads along, to tell what
/// is not TLS from what is only not understood.
async fn talk(stream: &mut Stream, connection: &mut ClientConnection, flight: &mut Flight) -> Ended {
    let (mut chunk, mut taken, mut reads_along) = ([0_u8; 4096], 0, true);
    loop {
        if let Err(error) = send(stream, connection).await {
            return Ended::from_io(&error);
        }
        if !connection.is_handshaking() {
            connection.send_close_notify();
            send(stream, connection).await.ok();
            return Ended::Complete;
        }
        let came = match stream.read(&mut chunk).await {
            Ok(0) => return Ended::closed(taken),
            Ok(n) => &chunk[..n],
            Err(error) => return Ended::from_io(&error),
        };
        taken += came.len();
        if taken > MAX_FLIGHT {
            return Ended::Broken("more than a handshake needs".into());
        }
        if reads_along {
            match flight.push(came) {
                Some(End::NotTls) => return Ended::not_tls(came),
                end => reads_along = end.is_none(),
            }
        }
        if let Err(error) = receive(connection, came) {
            // the library has an alert to send: go politely
            send(stream, connection).await.ok();
            return match error {
                rustls::Error::AlertReceived(alert) => Ended::Alert(alert.into()),
                other => Ended::Broken(other.to_string()),
            };
        }
    }
}

async fn send(stream: &mut Stream, connection: &mut ClientConnection) -> io::Result<()> {
    let mut bytes = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut bytes)?;
    }
    if !bytes.is_empty() {
        stream.write_all(&bytes).await?;
    }
    Ok(())
}

fn receive(connection: &mut ClientConnection, mut bytes: &[u8]) -> Result<(), rustls::Error> {
    while !bytes.is_empty() {
        connection.read_tls(&mut bytes).map_err(|error| rustls::Error::General(error.to_string()))?;
        connection.process_new_packets()?;
    }
    Ok(())
}
