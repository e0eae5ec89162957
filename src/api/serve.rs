//! The listener: plain or TLS, bounded, ended by a token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::caller::{Certified, Peer};
use super::tls;
use super::web_config::TlsServerConfig;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 512;
/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest wait for the head of a request, which also ends idle connections.
const HEADERS: Duration = Duration::from_secs(75);

/// Why the listener could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A certificate or key is wrong.
    #[error("web configuration: {0}")]
    Tls(String),
}

/// Serves until `shutdown` fires, then lets running answers finish. The caller bound the listener.
///
/// # Errors
///
/// [`ServeError`] when the TLS files cannot be used at the start; when they turn bad later, the last good ones stay.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsServerConfig>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let mut acceptor = match tls {
        Some(config) => Some(Acceptor::new(config)?),
        None => None,
    };
    let (tasks, permits) = (TaskTracker::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    loop {
        let permit = shutdown.run_until_cancelled(Arc::clone(&permits).acquire_owned());
        let Some(Ok(permit)) = permit.await else { break };
        let (stream, peer) = match shutdown.run_until_cancelled(listener.accept()).await {
            None => break,
            Some(Ok(accepted)) => accepted,
            Some(Err(error)) => {
                // out of descriptors, usually: give the running connections time to end
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let secure = acceptor.as_mut().map(Acceptor::current);
        let (router, shutdown) = (router.clone(), shutdown.clone());
        tasks.spawn(async move {
            connection(stream, peer, router, secure, shutdown).await;
            drop(permit);
        });
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    secure: Option<Secure>,
    shutdown: CancellationToken,
) {
    stream.set_nodelay(true).ok();
    let router = router.layer(Extension(Peer(peer.ip())));
    let Some(secure) = secure else { return http(TokioIo::new(stream), router, shutdown).await };
    match tokio::time::timeout(HANDSHAKE, secure.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            if tls::has_allowed_name(&secure.config, shown) {
                let router = match shown.and_then(tls::name) {
                    Some(name) => router.layer(Extension(Certified(name.into()))),
                    None => router,
                };
                http(TokioIo::new(stream), router, shutdown).await;
            } else {
                debug!(%peer, "client certificate without an allowed name");
            }
        }
        Ok(Err(error)) => debug!(%peer, %error, "tls handshake failed"),
        Err(_) => debug!(%peer, "tls handshake took too long"),
    }
}

async fn http<I>(io: TokioIo<I>, router: Router, shutdown: CancellationToken)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let connection = http.serve_connection(io, TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => if let Err(error) = result { debug!(%error, "connection ended badly") },
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}

struct Acceptor {
    config: Arc<TlsServerConfig>,
    current: TlsAcceptor,
    changed: Option<SystemTime>,
}

#[derive(Clone)]
struct Secure {
    config: Arc<TlsServerConfig>,
    acceptor: TlsAcceptor,
}

impl Acceptor {
    fn new(config: TlsServerConfig) -> Result<Self, ServeError> {
        let current = TlsAcceptor::from(Arc::new(tls::server_config(&config).map_err(ServeError::Tls)?));
        Ok(Self { changed: tls::changed(&config), config: Arc::new(config), current })
    }

    /// The acceptor for a new connection; renewed certificates are picked up here.
    fn current(&mut self) -> Secure {
        let changed = tls::changed(&self.config);
        if changed != self.changed {
            match tls::server_config(&self.config) {
                Ok(config) => self.current = TlsAcceptor::from(Arc::new(config)),
                Err(error) => warn!(error, "renewed certificate cannot be used, the old one stays"),
            }
            self.changed = changed;
        }
        Secure { config: Arc::clone(&self.config), acceptor: self.current.clone() }
    }
}
