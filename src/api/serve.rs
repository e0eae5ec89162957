//! The listener: plain or TLS, bounded, ended by a token. One client that takes its time stops nobody else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::{Extension, Router};
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::caller::{Certified, Peer};
use super::guests::{Guests, Patience, Seat, Stage};
use super::patience::Watched;
use super::tls;
use super::web_config::TlsServerConfig;

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
    serve_with(listener, router, tls, shutdown, Patience::default()).await
}

/// The same with another patience.
pub(super) async fn serve_with(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsServerConfig>,
    shutdown: CancellationToken,
    patience: Patience,
) -> Result<(), ServeError> {
    let mut acceptor = match tls {
        Some(config) => Some(Acceptor::new(config)?),
        None => None,
    };
    let (tasks, guests) = (TaskTracker::new(), Guests::new(patience));
    // whoever lost a place has its sockets for a moment still
    let permits = Arc::new(Semaphore::new(patience.places + patience.reserve));
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
        let Some(guest) = guests.admit(peer.ip()) else {
            debug!(%peer, "no place for a connection");
            continue;
        };
        let secure = acceptor.as_mut().map(Acceptor::current);
        let (router, shutdown) = (router.clone(), shutdown.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = connection(stream, peer, router, secure, &guest.seat, shutdown) => {}
                () = guest.seat.lost() => debug!(%peer, "a silent connection made room for another"),
            }
            drop((guest, permit));
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
    seat: &Seat,
    shutdown: CancellationToken,
) {
    stream.set_nodelay(true).ok();
    let router = router.layer(Extension(Peer(peer.ip()))).layer(Extension(seat.clone()));
    let Some(secure) = secure else { return http(stream, router, seat, shutdown).await };
    match tokio::time::timeout(seat.patience().handshake, secure.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            if tls::has_allowed_name(&secure.config, shown) {
                let router = match shown.and_then(tls::name) {
                    Some(name) => router.layer(Extension(Certified(name.into()))),
                    None => router,
                };
                http(stream, router, seat, shutdown).await;
            } else {
                debug!(%peer, "client certificate without an allowed name");
            }
        }
        Ok(Err(error)) => debug!(%peer, %error, "tls handshake failed"),
        Err(_) => debug!(%peer, "tls handshake took too long"),
    }
}

async fn http<I>(stream: I, router: Router, seat: &Seat, shutdown: CancellationToken)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(seat.patience().idle);
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(|request| {
        seat.turn(Stage::Asked);
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            seat.turn(Stage::Idle);
            answer
        }
    });
    let connection = http.serve_connection(TokioIo::new(Watched::new(stream, seat.clone())), service);
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
