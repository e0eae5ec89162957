//! One request and its response over one connection, bounded in every direction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HeaderValue, SET_COOKIE};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::model::Cause;
use crate::transport::gate::Stream;
use crate::transport::{Endpoint, TransportError, printable, tls};

/// Most header lines.
const MAX_HEADERS: usize = 64;
/// Most bytes of status line and headers together.
const MAX_HEAD: usize = 16 * 1024;
/// Most characters kept of one header's value.
const MAX_HEADER_VALUE: usize = 1024;
/// Most cookies that are looked at.
const MAX_COOKIES: usize = 16;
/// Longest name of a cookie that is kept, in characters.
const MAX_COOKIE_NAME: usize = 64;
/// Longest goodbye of TLS.
const CLOSE_WAIT: Duration = Duration::from_millis(300);

/// What came back.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) cookies: Vec<Cookie>,
    pub(super) body: Vec<u8>,
    pub(super) truncated: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) cause: Cause,
    pub(super) problem: String,
}

impl Broken {
    fn late(problem: &str) -> Self {
        Self { cause: Cause::Timeout, problem: problem.to_owned() }
    }

    fn protocol(problem: String) -> Self {
        Self { cause: Cause::Protocol, problem }
    }
}

/// What a cookie says of itself (RFC 6265, section 5.2). Its value is a secret of the server and is not kept.
pub(super) struct Cookie {
    pub(super) name: String,
    pub(super) secure: bool,
    pub(super) http_only: bool,
}

impl Cookie {
    fn read(header: &HeaderValue) -> Self {
        let text = String::from_utf8_lossy(header.as_bytes());
        let mut parts = text.split(';');
        let name = parts.next().and_then(|pair| pair.split('=').next()).unwrap_or_default();
        let attributes: Vec<&str> = parts.map(|part| part.split('=').next().unwrap_or_default().trim()).collect();
        let has = |wanted: &str| attributes.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        let (secure, http_only) = (has("secure"), has("httponly"));
        Self { name: printable::line(name.trim(), MAX_COOKIE_NAME), secure, http_only }
    }
}

/// The request, as a polite stranger writes it.
pub(super) fn request(
    address: &str,
    port: u16,
    tls: bool,
    path: &str,
) -> Result<Request<Empty<Bytes>>, TransportError> {
    let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    let usual = if tls { 443 } else { 80 };
    let host = if port == usual { host } else { format!("{host}:{port}") };
    Request::get(path)
        .header("host", host)
        .header("user-agent", concat!("nis2watch/", env!("CARGO_PKG_VERSION")))
        .header("accept", "*/*")
        .header("connection", "close")
        .body(Empty::new())
        .map_err(|error| TransportError::Internal {
            endpoint: Endpoint::new("http", address, port),
            problem: format!("the request cannot be written: {error}"),
        })
}

/// [`exchange`] inside TLS, whatever the certificate.
pub(super) async fn exchange_over_tls(
    stream: &mut Stream,
    address: &str,
    request: Request<Empty<Bytes>>,
    max_bytes: usize,
    deadline: Instant,
) -> Result<Answered, Broken> {
    let config = tls::accept_anything().map_err(|error| Broken::protocol(error.to_string()))?;
    let connect = TlsConnector::from(Arc::new(config)).connect(tls::server_name(address), stream);
    let mut stream = match timeout_at(deadline, connect).await {
        Err(_) => return Err(Broken::late("no answer to the TLS hello in time")),
        Ok(Err(error)) => {
            let problem = format!("TLS handshake failed: {}", printable::line(&error.to_string(), 120));
            return Err(Broken::protocol(problem));
        }
        Ok(Ok(stream)) => stream,
    };
    let answered = exchange(&mut stream, request, max_bytes, deadline).await;
    tokio::time::timeout(CLOSE_WAIT, stream.shutdown()).await.ok();
    answered
}

/// One request and its response.
pub(super) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin + Send),
    request: Request<Empty<Bytes>>,
    max_bytes: usize,
    deadline: Instant,
) -> Result<Answered, Broken> {
    let said = |error: hyper::Error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        Broken::protocol(printable::line(&format!("no HTTP answer: {error}{source}"), 160))
    };
    let handshake =
        http1::Builder::new().max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(said)?;
    let mut connection = std::pin::pin!(async { connection.await.ok() });
    let mut over = false;
    let talk = async {
        let response = sender.send_request(request).await.map_err(said)?;
        let head = Answered {
            status: response.status().as_u16(),
            headers: headers(response.headers()),
            cookies: response.headers().get_all(SET_COOKIE).iter().take(MAX_COOKIES).map(Cookie::read).collect(),
            body: vec![],
            truncated: false,
        };
        Ok::<_, Broken>((head, response))
    };
    let mut talk = std::pin::pin!(talk);
    let answered = async {
        loop {
            tokio::select! {
                biased;
                done = &mut talk => return done,
                _ = &mut connection, if !over => over = true,
            }
        }
    };
    let (mut answered, response) = match timeout_at(deadline, answered).await {
        Err(_) => return Err(Broken::late("it took the request and sent no complete answer in time")),
        Ok(talked) => talked?,
    };
    let body = async {
        let mut body = std::pin::pin!(read_body(response, max_bytes, &mut answered));
        loop {
            tokio::select! {
                biased;
                () = &mut body => return,
                _ = &mut connection, if !over => over = true,
            }
        }
    };
    if timeout_at(deadline, body).await.is_err() {
        answered.truncated = true;
    }
    Ok(answered)
}

async fn read_body(response: Response<Incoming>, max_bytes: usize, into: &mut Answered) {
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            into.truncated = true;
            return;
        };
        let Some(data) = frame.data_ref() else { continue };
        let room = max_bytes - into.body.len();
        into.body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            into.truncated = true;
            return;
        }
    }
}

/// Names in lower case, printable values; several of one name are joined as RFC 9110, section 5.2, says.
fn headers(map: &HeaderMap) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    // a cookie's value opens a session; its flags are kept apart
    for (name, value) in map.iter().filter(|(name, _)| *name != SET_COOKIE) {
        let value = printable::line(&String::from_utf8_lossy(value.as_bytes()), MAX_HEADER_VALUE);
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|before| {
                before.push_str(", ");
                before.push_str(&value);
            })
            .or_insert(value);
    }
    headers
}
