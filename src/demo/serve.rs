//! Listeners of the demo's devices: loopback only, bounded, and gone when the plant is.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Connections that a server has open at the same time; more wait in the kernel's queue.
const AT_ONCE: usize = 32;
/// Longest connection, whatever happens on it.
const LONGEST: Duration = Duration::from_mins(2);
/// Connections that wait to be accepted.
const QUEUE: u32 = 64;

/// Everything that a plant runs; it stops when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Servers {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// One port that can be closed again before the plant ends: dropping it closes the port.
#[derive(Debug)]
pub(super) struct Port(DropGuard);

impl Port {
    /// Leaves it open until the plant ends.
    pub(super) fn keep(self) {
        self.0.disarm();
    }
}

/// A TCP listener, bound at once, on an address of loopback.
pub(super) fn listener(address: Ipv4Addr, port: u16, queue: u32) -> io::Result<TcpListener> {
    if !address.is_loopback() {
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "a demo device stands on loopback only"));
    }
    let socket = TcpSocket::new_v4()?;
    // a port that was closed a moment ago may be opened again
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((address, port)))?;
    socket.listen(queue)
}

impl Servers {
    /// The token that ends everything.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs something until the plant ends.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(work).await;
        });
    }

    /// Opens a port and does this with every connection, until the plant ends or the result is dropped.
    pub(super) fn listen<F, Fut>(&self, address: Ipv4Addr, port: u16, serve: F) -> io::Result<Port>
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = listener(address, port, QUEUE)?;
        let stop = self.stop.child_token();
        let (open, tasks, permits) = (stop.clone().drop_guard(), self.tasks.clone(), Arc::new(Semaphore::new(AT_ONCE)));
        self.tasks.spawn(async move {
            let accept = async || {
                let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
                Some((permit, listener.accept().await.ok()?.0))
            };
            while let Some(accepted) = stop.run_until_cancelled(accept()).await {
                let Some((permit, stream)) = accepted else {
                    // a connection that broke before it was taken, or too many open files: not for long
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let (served, stop) = (tokio::time::timeout(LONGEST, serve(stream)), stop.clone());
                tasks.spawn(async move {
                    stop.run_until_cancelled(served).await;
                    drop(permit);
                });
            }
        });
        Ok(Port(open))
    }

    /// Stops everything and waits for it.
    pub(super) async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
