//! Web pages of the demo's devices, in the clear and inside TLS.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Datelike;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::DemoError;
use super::cast::Block;

/// Longest request that is read.
const LONGEST_REQUEST: usize = 8 * 1024;
/// Longest wait for a request, and for a goodbye.
const WAIT: Duration = Duration::from_secs(5);

/// What a web server says to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// A page of this title, from this server.
    Login {
        /// The `server` header.
        server: &'static str,
        /// The title.
        title: &'static str,
    },
    /// Only that the page is at this usual port, encrypted.
    Elsewhere(u16),
}

impl Page {
    /// The whole answer, as the server at `address` gives it.
    pub(super) fn to_bytes(self, address: Ipv4Addr, block: Block) -> Vec<u8> {
        match self {
            Self::Login { server, title } => {
                let body = format!(
                    "<!doctype html><title>{title}</title><h1>{title}</h1><form method=post>User <input name=user> \
                     Password <input name=password type=password><button>Log in</button></form>\n"
                );
                format!(
                    "HTTP/1.1 200 OK\r\nServer: {server}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
                     Connection: close\r\n\r\n{body}",
                    body.len()
                )
            }
            Self::Elsewhere(usual) => format!(
                "HTTP/1.1 301 Moved Permanently\r\nServer: nginx\r\nLocation: https://{address}:{}/\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n",
                block.port(usual)
            ),
        }
        .into_bytes()
    }
}

/// Reads one request and answers it.
pub(super) async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Arc<[u8]>) {
    let (mut request, mut chunk) = (Vec::<u8>::new(), [0_u8; 1024]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match timeout(WAIT, stream.read(&mut chunk)).await {
            Ok(Ok(taken @ 1..)) if request.len() + taken <= LONGEST_REQUEST => request.extend(&chunk[..taken]),
            _ => return,
        }
    }
    if timeout(WAIT, stream.write_all(&answer)).await.is_ok() {
        timeout(WAIT, stream.shutdown()).await.ok();
    }
}

/// A certificate of its own making, and the key to it.
pub(super) struct Identity {
    /// The certificate.
    pub(super) certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Makes one that ends so many days from now, or so many ago.
    pub(super) fn new(name: &'static str, days_left: i64) -> Result<Self, DemoError> {
        let failed = |error: rcgen::Error| DemoError::Data { name, problem: error.to_string() };
        let mut params = rcgen::CertificateParams::new(vec![format!("{name}.demo.example")]).map_err(failed)?;
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("{name}.demo.example"));
        // the demo's own spans are far from the ends of the calendar
        let day = |from_now| {
            let date = chrono::Utc::now().date_naive() + chrono::TimeDelta::days(from_now);
            let small = |number: u32| u8::try_from(number).unwrap_or(1);
            rcgen::date_time_ymd(date.year(), small(date.month()), small(date.day()))
        };
        params.not_before = day(days_left - 365);
        params.not_after = day(days_left);
        let key = rcgen::KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok(Self { certificate, key })
    }

    /// A server of TLS 1.2 with it, and of 1.3 as well unless `is_old`.
    pub(super) fn acceptor(&self, name: &'static str, is_old: bool) -> Result<TlsAcceptor, DemoError> {
        let versions: &[_] = if is_old { &[&TLS12] } else { &[&TLS13, &TLS12] };
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .and_then(|builder| {
                let chain = vec![self.certificate.clone()];
                builder.with_no_client_auth().with_single_cert(chain, self.key.clone_key())
            })
            .map_err(|error| DemoError::Data { name, problem: error.to_string() })?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Answers inside TLS.
pub(super) async fn answer_over_tls(stream: TcpStream, acceptor: TlsAcceptor, page: Arc<[u8]>) {
    if let Ok(Ok(stream)) = timeout(WAIT, acceptor.accept(stream)).await {
        answer(stream, page).await;
    }
}
