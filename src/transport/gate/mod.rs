//! The gate: nothing is sent to an asset that its gate does not allow.
//!
//! One gate per asset. It alone opens sockets, only to the asset's own address, and it keeps the books of
//! what was sent. The rules are those of the check catalogue, section 1, "Protection of fragile OT devices":
//! one connection at a time, a gap between connections, an hourly budget, back-off after errors, a kill
//! switch that acts at once, windows without traffic. It refuses rather than delays whenever the wait
//! would not end soon.

mod books;
mod datagram;
mod stream;
mod switch;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

pub use books::{Books, Entry};
pub use datagram::Datagrams;
pub use stream::Stream;
pub use switch::Switch;

use super::{Endpoint, TransportError};
use crate::model::{AssetId, Cause, Time, Transport, Window, WindowEffect};

/// Failed contacts in a row that stop active checks (rule 6).
const FAILURES_BEFORE_BACK_OFF: u32 = 3;
/// First back-off; doubles up to [`LONGEST_BACK_OFF`] (rule 6).
const FIRST_BACK_OFF: Duration = Duration::from_hours(1);
/// Longest back-off (rule 6).
const LONGEST_BACK_OFF: Duration = Duration::from_hours(24);
/// First pause after a refused login; sshd 9.8 and newer lock out sources that fail repeatedly.
const FIRST_AUTH_PAUSE: Duration = Duration::from_mins(15);
/// Longest pause after refused logins.
const LONGEST_AUTH_PAUSE: Duration = Duration::from_hours(1);
/// The span of the connection budget (rule 2).
const BUDGET_SPAN: Duration = Duration::from_hours(1);

/// Why the gate did not let something through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The asset, its zone or the whole plant is switched off.
    #[error("{0} is switched off: nothing is sent (active: false, or the kill switch)")]
    Inactive(String),
    /// A window forbids traffic now.
    #[error("window {0:?} forbids traffic now")]
    Window(String),
    /// The hourly budget is used up.
    #[error(
        "budget of {limit} connections an hour is used up for {asset}; it frees up by itself, or raise limits for the asset"
    )]
    Budget {
        /// Whose budget.
        asset: AssetId,
        /// Its size.
        limit: u32,
    },
    /// Several contacts failed in a row.
    #[error("{asset} failed {failures} times in a row: left alone for another {left:?}")]
    BackOff {
        /// Who is left alone.
        asset: AssetId,
        /// Failed contacts in a row.
        failures: u32,
        /// Time until the next attempt.
        left: Duration,
    },
    /// The last login was refused.
    #[error(
        "{asset} refused the {transport} login: no new attempt for another {left:?}; correct the credential and reload"
    )]
    AuthPause {
        /// Who refused.
        asset: AssetId,
        /// Over what.
        transport: Transport,
        /// Time until the next attempt.
        left: Duration,
    },
}

impl Refusal {
    /// The word for labels.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Inactive(_) => Cause::Inactive,
            Self::Window(_) => Cause::Window,
            Self::AuthPause { .. } => Cause::Auth,
            Self::Budget { .. } | Self::BackOff { .. } => Cause::Gated,
        }
    }
}

/// How much one asset tolerates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at the same time.
    pub at_once: u32,
    /// Shortest time between the end of a connection and the start of the next; between starts when
    /// several may be open.
    pub gap: Duration,
    /// Connections in any hour.
    pub per_hour: u32,
    /// Whether the hard rules for fragile devices hold: back-off, bounded walks.
    pub fragile: bool,
}

impl Limits {
    /// The hard rules for OT kinds and for zones of role control or field (rule 2).
    pub const FRAGILE: Self = Self { at_once: 1, gap: Duration::from_secs(5), per_hour: 60, fragile: true };
    /// Office and server systems (`asset-open-ports`: 4 in parallel, 200 ms apart).
    pub const STANDARD: Self = Self { at_once: 4, gap: Duration::from_millis(200), per_hour: 1200, fragile: false };
}

/// What a gate is built from.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The asset behind it.
    pub asset: AssetId,
    /// Its host name or IP address; the only place that packets go to.
    pub address: Arc<str>,
    /// How much it tolerates.
    pub limits: Limits,
    /// Why nothing may be sent at all, if so (`asset plc-1`, `zone cell-1`).
    pub inactive: Option<String>,
    /// Windows that concern it.
    pub windows: Vec<Window>,
    /// Connections at once into its zone, shared by the fragile assets of the zone.
    pub zone: Option<Arc<Semaphore>>,
    /// Names it goes by in protocols that carry one.
    pub names: Names,
}

/// What an asset is called in a handshake or a request; its address where nothing is set.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Server name of TLS handshakes (RFC 6066, `server_name`).
    pub tls: Option<Arc<str>>,
    /// Host of HTTP requests.
    pub http: Option<Arc<str>>,
}

/// One asset's gate; cloning shares it.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    setup: Setup,
    slots: Arc<Semaphore>,
    state: Mutex<State>,
    books: Books,
    switch: Switch,
    clock: fn() -> Time,
}

#[derive(Default)]
struct State {
    /// Starts of the connections of the last hour.
    starts: VecDeque<Instant>,
    /// No connection may start before this.
    not_before: Option<Instant>,
    failures: u32,
    closed_until: Option<Instant>,
    /// Refused logins in a row and the end of the pause, by transport.
    auth: BTreeMap<Transport, (u32, Instant)>,
}

/// The right to one conversation; the asset's slot is free again when it is dropped.
pub struct Slot {
    gate: Gate,
    transport: Transport,
    stop: CancellationToken,
    _asset: OwnedSemaphorePermit,
    _zone: Option<OwnedSemaphorePermit>,
}

impl Gate {
    /// Builds a gate. `clock` tells the time for windows.
    #[must_use]
    pub fn new(setup: Setup, switch: Switch, clock: fn() -> Time) -> Self {
        let slots = Arc::new(Semaphore::new(setup.limits.at_once.max(1) as usize));
        Self(Arc::new(Inner { setup, slots, state: Mutex::default(), books: Books::default(), switch, clock }))
    }

    /// The same history and books under new settings, after a reload. A changed credential (`forgive_auth`)
    /// ends the pause after a refused login.
    #[must_use]
    pub fn rebuilt(&self, setup: Setup, forgive_auth: bool) -> Self {
        let mut state = std::mem::take(&mut *self.state());
        if forgive_auth {
            state.auth.clear();
        }
        let slots = Arc::new(Semaphore::new(setup.limits.at_once.max(1) as usize));
        let books = self.0.books.clone();
        Self(Arc::new(Inner {
            setup,
            slots,
            state: Mutex::new(state),
            books,
            switch: self.0.switch.clone(),
            clock: self.0.clock,
        }))
    }

    /// The asset behind it.
    #[must_use]
    pub fn asset(&self) -> &AssetId {
        &self.0.setup.asset
    }

    /// The address behind it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.setup.address
    }

    /// The name to send in a TLS handshake.
    #[must_use]
    pub fn tls_name(&self) -> &str {
        self.0.setup.names.tls.as_deref().unwrap_or(self.address())
    }

    /// The host to name in an HTTP request.
    #[must_use]
    pub fn http_host(&self) -> &str {
        self.0.setup.names.http.as_deref().unwrap_or(self.address())
    }

    /// What it tolerates.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.setup.limits
    }

    /// What was sent so far.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.0.books
    }

    /// Whether anything may be sent now, without asking for a slot. The engine asks before it plans a visit.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] that a connection would meet.
    pub fn is_open(&self, transport: Transport) -> Result<(), Refusal> {
        let setup = &self.0.setup;
        if let Some(what) = &setup.inactive {
            return Err(Refusal::Inactive(what.clone()));
        }
        if self.0.switch.is_off() {
            return Err(Refusal::Inactive("the whole plant".into()));
        }
        let now = (self.0.clock)();
        if let Some(window) = setup.windows.iter().find(|window| window.is_open(WindowEffect::NoTraffic, now)) {
            return Err(Refusal::Window(window.name.clone()));
        }
        let now = Instant::now();
        let mut state = self.state();
        let failures = state.failures;
        if let Some(left) =
            state.closed_until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
        {
            return Err(Refusal::BackOff { asset: setup.asset.clone(), failures, left: whole_seconds(left) });
        }
        if let Some((_, until)) = state.auth.get(&transport).filter(|(_, until)| *until > now) {
            let left = whole_seconds(*until - now);
            return Err(Refusal::AuthPause { asset: setup.asset.clone(), transport, left });
        }
        while state.starts.front().is_some_and(|start| now - *start >= BUDGET_SPAN) {
            state.starts.pop_front();
        }
        if state.starts.len() >= setup.limits.per_hour as usize {
            return Err(Refusal::Budget { asset: setup.asset.clone(), limit: setup.limits.per_hour });
        }
        Ok(())
    }

    /// Opens a TCP connection to `port` of the asset; `wait` counts from the moment the gate lets it through.
    ///
    /// # Errors
    ///
    /// A refusal of the gate, or what became of the connect.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that opens connections")]
    pub async fn connect(&self, transport: Transport, port: u16, wait: Duration) -> Result<Stream, TransportError> {
        let endpoint = Endpoint::new(transport.word(), self.address(), port);
        let address = self.resolve(port, &endpoint).await?;
        let slot = self.converse(transport).await?;
        self.0.books.connection(transport);
        let connect = async {
            tokio::select! {
                biased;
                () = slot.stop.cancelled() => Err(TransportError::Refusal(Refusal::Inactive("the whole plant".into()))),
                connected = timeout(wait, TcpStream::connect(address)) => match connected {
                    Err(_) => Err(TransportError::Timeout { endpoint: endpoint.clone(), timeout: wait }),
                    Ok(Err(error)) => Err(TransportError::from_io(endpoint.clone(), wait, error)),
                    Ok(Ok(stream)) => Ok(stream),
                }
            }
        };
        let stream = connect.await?;
        // small questions, small answers: waiting for more bytes only adds latency
        stream.set_nodelay(true).ok();
        Ok(Stream::new(stream, slot))
    }

    /// Takes the slot for a conversation that is not a TCP connection of our own: datagrams, a tunnelled
    /// connection, a program. It counts as one connection of the budget. Waits for a free slot and the gap.
    ///
    /// # Errors
    ///
    /// The [`Refusal`], at once or when the kill switch acts during the wait.
    pub async fn converse(&self, transport: Transport) -> Result<Slot, Refusal> {
        self.open(transport)?;
        let stop = self.0.switch.token();
        let killed = || self.refuse(transport, Refusal::Inactive("the whole plant".into()));
        let wait = async {
            let asset = Arc::clone(&self.0.slots).acquire_owned().await.ok()?;
            if let Some(until) = self.reserve_start() {
                tokio::time::sleep_until(until).await;
            }
            let zone = match &self.0.setup.zone {
                Some(zone) => Some(Arc::clone(zone).acquire_owned().await.ok()?),
                None => None,
            };
            Some((asset, zone))
        };
        let (asset, zone) = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(killed()),
            got = wait => got.ok_or_else(killed)?,
        };
        // the wait may have been long: a window may have opened, the budget may be gone
        self.open(transport)?;
        self.state().starts.push_back(Instant::now());
        Ok(Slot { gate: self.clone(), transport, stop, _asset: asset, _zone: zone })
    }

    /// Resolves the asset's address; an IP address is taken as it is.
    ///
    /// # Errors
    ///
    /// `Unreachable` when the name has no address.
    pub async fn resolve(&self, port: u16, endpoint: &Endpoint) -> Result<SocketAddr, TransportError> {
        let unreachable = |source| TransportError::Unreachable { endpoint: endpoint.clone(), source };
        if let Ok(ip) = self.address().parse() {
            return Ok(SocketAddr::new(ip, port));
        }
        let mut found = tokio::net::lookup_host((self.address(), port)).await.map_err(unreachable)?;
        found.next().ok_or_else(|| unreachable(std::io::Error::other("the name has no address")))
    }

    /// Notes how a contact went; three failures in a row close a fragile asset's gate for a while (rule 6).
    pub fn contact_ended(&self, answered: bool) {
        let mut state = self.state();
        if answered {
            (state.failures, state.closed_until) = (0, None);
            return;
        }
        state.failures += 1;
        if self.0.setup.limits.fragile && state.failures >= FAILURES_BEFORE_BACK_OFF {
            let doublings = (state.failures - FAILURES_BEFORE_BACK_OFF).min(5);
            state.closed_until = Some(Instant::now() + LONGEST_BACK_OFF.min(FIRST_BACK_OFF * 2_u32.pow(doublings)));
        }
    }

    /// Notes a refused login: no new attempt over that transport for a while, so that nobody is locked out.
    pub fn login_refused(&self, transport: Transport) {
        let mut state = self.state();
        let failures = state.auth.get(&transport).map_or(0, |(failures, _)| *failures);
        let pause = LONGEST_AUTH_PAUSE.min(FIRST_AUTH_PAUSE * 2_u32.pow(failures.min(4)));
        state.auth.insert(transport, (failures + 1, Instant::now() + pause));
    }

    /// Notes an accepted login over that transport.
    pub fn login_accepted(&self, transport: Transport) {
        self.state().auth.remove(&transport);
    }

    fn open(&self, transport: Transport) -> Result<(), Refusal> {
        self.is_open(transport).map_err(|refusal| self.refuse(transport, refusal))
    }

    fn refuse(&self, transport: Transport, refusal: Refusal) -> Refusal {
        self.0.books.refused(transport);
        refusal
    }

    /// Books the next start; returns the moment to wait for.
    fn reserve_start(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state();
        let start = state.not_before.map_or(now, |until| until.max(now));
        state.not_before = Some(start + self.0.setup.limits.gap);
        (start > now).then_some(start)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Books one datagram that is about to be sent.
    ///
    /// # Errors
    ///
    /// The kill switch acted since the slot was taken.
    pub fn datagram(&self, bytes: usize) -> Result<(), Refusal> {
        if self.stop.is_cancelled() {
            return Err(self.gate.refuse(self.transport, Refusal::Inactive("the whole plant".into())));
        }
        self.gate.0.books.sent(self.transport, bytes);
        Ok(())
    }

    /// Books what came back.
    pub fn received(&self, bytes: usize) {
        self.gate.0.books.received(self.transport, bytes);
    }

    /// Books a connection that somebody else opens for us: a jump host, a plug-in.
    pub fn connection(&self) {
        self.gate.0.books.connection(self.transport);
    }

    /// Fires when everything must stop at once.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The gate it came from.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // the gap of rule 2 counts from the end of a connection where only one may be open
        if self.gate.0.setup.limits.at_once == 1 {
            let until = Instant::now() + self.gate.0.setup.limits.gap;
            let mut state = self.gate.state();
            state.not_before = Some(state.not_before.map_or(until, |other| other.max(until)));
        }
    }
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().max(1))
}

#[cfg(test)]
mod tests;
