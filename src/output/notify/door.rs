//! One POST to one address that the configuration names: bounded in size and time, TLS verified, no redirect followed.
//!
//! An error never holds the path or the query of the address: with some receivers they are the secret.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

use crate::model::Secret;

/// Longest answer that is read; nothing in it matters but that it ended.
const LONGEST_ANSWER: usize = 64 << 10;

/// Why a message did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("no answer from {place} within {timeout:?}")]
    Timeout { place: String, timeout: Duration },
    #[error("cannot reach {place}: {source}")]
    Connect { place: String, source: io::Error },
    #[error("{place} broke off: {problem}")]
    Protocol { place: String, problem: String },
    #[error("{place} answered with status {status}")]
    Status { place: String, status: StatusCode },
}

impl PostError {
    /// Whether the same message will be refused again, however often it is sent.
    pub(super) fn is_final(&self) -> bool {
        let about_the_body = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY];
        matches!(self, Self::Status { status, .. } if about_the_body.contains(status))
    }
}

/// Where a receiver takes messages.
#[derive(Clone)]
pub(super) struct Door {
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
}

/// The rest may be a secret.
impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({})", self.place())
    }
}

impl Door {
    /// Reads the certificates that an `https` server is trusted by: those of the file, or those of the system.
    pub(super) fn new(url: Url, timeout: Duration, ca: Option<&Path>) -> Result<Self, String> {
        let tls = match (url.scheme(), ca) {
            ("https", ca) => Some(trust(ca)?),
            (_, Some(_)) => return Err("ca belongs to https".into()),
            (_, None) => None,
        };
        Ok(Self { url, headers: Vec::new(), tls, timeout })
    }

    /// Shows a secret in a header from now on.
    pub(super) fn show(&mut self, name: &str, before: &str, secret: &Secret) -> Result<(), String> {
        let name: HeaderName = name.parse().map_err(|_| format!("{name:?} is no name of a header"))?;
        let ours = [hyper::header::HOST, hyper::header::CONTENT_LENGTH, hyper::header::CONTENT_TYPE];
        if ours.contains(&name) {
            return Err(format!("the header {name} is set by the message itself"));
        }
        let value = HeaderValue::try_from(format!("{before}{}", secret.expose()));
        let mut value = value.map_err(|_| "the secret holds what no header may hold, such as a line end".to_owned())?;
        value.set_sensitive(true);
        self.headers.push((name, value));
        Ok(())
    }

    /// Scheme, host and port.
    pub(super) fn place(&self) -> String {
        format!("{}://{}", self.url.scheme(), &self.url[url::Position::BeforeHost..url::Position::AfterPort])
    }

    /// Sends JSON. Done is what was answered with 2xx.
    pub(super) async fn post(&self, body: Vec<u8>) -> Result<(), PostError> {
        let sent = tokio::time::timeout(self.timeout, self.send(body)).await;
        sent.unwrap_or_else(|_| Err(PostError::Timeout { place: self.place(), timeout: self.timeout }))
    }

    async fn send(&self, body: Vec<u8>) -> Result<(), PostError> {
        let connect = |source| PostError::Connect { place: self.place(), source };
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = self.url.port_or_known_default().unwrap_or(80);
        #[expect(clippy::disallowed_methods, reason = "a receiver of notices is spoken to, not an asset")]
        let stream = tokio::net::TcpStream::connect((host.as_str(), port)).await.map_err(connect)?;
        let Some(tls) = &self.tls else { return self.exchange(stream, body).await };
        let name = ServerName::try_from(host).map_err(|error| connect(io::Error::other(error)))?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.map_err(connect)?;
        self.exchange(stream, body).await
    }

    async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        body: Vec<u8>,
    ) -> Result<(), PostError> {
        let broken = |problem: String| PostError::Protocol { place: self.place(), problem };
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| broken(error.to_string()))?;
        let mut request = hyper::Request::post(&self.url[url::Position::BeforePath..url::Position::AfterQuery])
            .header(hyper::header::HOST, &self.url[url::Position::BeforeHost..url::Position::AfterPort])
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .header(hyper::header::USER_AGENT, concat!("nis2watch/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| broken(error.to_string()))?;
        request.headers_mut().extend(self.headers.iter().cloned());
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
            let status = response.status();
            if !status.is_success() {
                return Err(PostError::Status { place: self.place(), status });
            }
            // the status is the receipt; what comes behind it is read only so that the receiver can close in order
            Limited::new(response.into_body(), LONGEST_ANSWER).collect().await.ok();
            Ok(())
        };
        // the connection must be driven for the exchange to proceed; when it ends, the exchange knows
        let drive = async {
            connection.await.ok();
            std::future::pending().await
        };
        tokio::select! {
            answer = exchange => answer,
            never = drive => never,
        }
    }
}

fn trust(ca: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca {
        let wrong =
            |problem: &dyn fmt::Display| format!("cannot use the certificates in {}: {problem}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
        if roots.is_empty() {
            return Err(wrong(&"there is none"));
        }
    } else {
        // a system carries some that are broken; they trust nobody and harm nobody
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this system trusts no certificates: https needs ca: FILE".into());
        }
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
