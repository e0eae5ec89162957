//! Target lists over HTTP, as Prometheus reads them: one GET, JSON, bounded in size and time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::sources::HttpSource;

/// Longest list.
const LONGEST_LIST: usize = 16 << 20;

/// Why no list came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Nothing came back in time.
    #[error("no answer from {url} within {timeout:?}")]
    Timeout {
        /// Who was asked.
        url: String,
        /// How long it took.
        timeout: Duration,
    },
    /// No connection.
    #[error("cannot reach {url}: {source}")]
    Connect {
        /// Who was asked.
        url: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The certificates that the server is trusted by cannot be read.
    #[error("cannot use the certificates in {file} for {url}: {problem}")]
    Trust {
        /// Who was to be asked.
        url: String,
        /// The file of certificates.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The server broke off or broke the protocol.
    #[error("{url} broke off: {problem}")]
    Protocol {
        /// Who was asked.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// Anything but 200.
    #[error("{url} answered with status {status}")]
    Status {
        /// Who was asked.
        url: String,
        /// The status.
        status: u16,
    },
}

/// Asks for the list.
///
/// # Errors
///
/// [`FetchError`]; the caller keeps the inventory it has.
pub async fn fetch(source: &HttpSource, base: &Path) -> Result<String, FetchError> {
    let timeout = source.timeout;
    let asked = tokio::time::timeout(timeout, ask(source, base)).await;
    asked.unwrap_or_else(|_| Err(FetchError::Timeout { url: source.url.to_string(), timeout }))
}

async fn ask(source: &HttpSource, base: &Path) -> Result<String, FetchError> {
    let url = &source.url;
    let connect = |source| FetchError::Connect { url: url.to_string(), source };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    #[expect(clippy::disallowed_methods, reason = "the server of the inventory is asked, not an asset")]
    let stream = tokio::net::TcpStream::connect((host.as_str(), port)).await.map_err(connect)?;
    if url.scheme() != "https" {
        return get(url, stream).await;
    }
    let name = ServerName::try_from(host).map_err(|error| connect(std::io::Error::other(error)))?;
    let stream = TlsConnector::from(trust(source, base)?).connect(name, stream).await.map_err(connect)?;
    get(url, stream).await
}

fn trust(source: &HttpSource, base: &Path) -> Result<Arc<ClientConfig>, FetchError> {
    let file = base.join(source.ca.as_deref().unwrap_or_else(|| Path::new("")));
    let wrong =
        |problem: String| FetchError::Trust { url: source.url.to_string(), file: file.display().to_string(), problem };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&file).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

async fn get<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(url: &Url, stream: S) -> Result<String, FetchError> {
    let broken = |problem: String| FetchError::Protocol { url: url.to_string(), problem };
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| broken(error.to_string()))?;
    let request = hyper::Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(hyper::header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(hyper::header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|error| broken(error.to_string()))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
        if response.status() != hyper::StatusCode::OK {
            return Err(FetchError::Status { url: url.to_string(), status: response.status().as_u16() });
        }
        let body = Limited::new(response.into_body(), LONGEST_LIST).collect().await;
        let body = body.map_err(|error| broken(error.to_string()))?.to_bytes();
        String::from_utf8(body.to_vec()).map_err(|_| broken("the list is not UTF-8 text".into()))
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
