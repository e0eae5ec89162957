//! One visit's conversation with one agent: a slot at the gate, a client, and a limit to everything.

use std::net::SocketAddr;
use std::time::Duration;

use async_snmp::v3::ReportStatus;
use async_snmp::{Client, Error, Oid, ResponseShapeAnomaly, VarBind};
use bytes::Bytes;
use tokio::time::Instant;

use super::access::{Access, Credential, Pace, Version};
use super::engine::{Engine, Level};
use super::failure::{self, Failure, PRIVACY_WRONG};
use super::wire::Wire;
use crate::model::Transport;
use crate::transport::gate::Gate;
use crate::transport::{Endpoint, TransportError};

/// Longest visit: an agent that answers each request at the last moment is not waited for without end.
const LONGEST_VISIT: Duration = Duration::from_mins(2);
/// Most bytes that one visit takes in.
const MOST_BYTES: u64 = 8 << 20;
/// What is known of an agent whose datagrams belong to no request.
const NONSENSE: &str =
    "what comes back is no SNMP message, answers another request, or is sent from another address than was asked";
/// `sysUpTime.0`, which every agent has.
pub(super) const UPTIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];

/// An open conversation; the asset's slot is free again when it is dropped.
pub(super) struct Session<'a> {
    access: &'a Access,
    engine: &'a Engine,
    gate: &'a Gate,
    pub(super) endpoint: Endpoint,
    pub(super) pace: Pace,
    target: SocketAddr,
    wire: Wire,
    client: Client<Wire>,
    until: Instant,
    /// Whether the agent has answered with our credential in this visit.
    answered: bool,
    /// The engine behind the address as earlier visits knew it.
    remembered: Option<Bytes>,
    /// Whether it was learnt anew in this visit.
    renewed: bool,
    /// Datagrams that had strayed to the shared socket before this visit.
    strays: u64,
}

/// One request; all of them only read.
pub(super) enum Request<'r> {
    /// These instances.
    Get(&'r [Oid]),
    /// What follows.
    Next(&'r Oid),
    /// So many that follow.
    Bulk(&'r Oid, u32),
}

impl<'a> Session<'a> {
    /// Waits for the gate; sends nothing yet.
    pub(super) async fn open(access: &'a Access, gate: &'a Gate, engine: &'a Engine) -> Result<Self, TransportError> {
        let endpoint = Endpoint::new("snmp", gate.address(), access.port);
        let internal = |problem: String| TransportError::Internal { endpoint: endpoint.clone(), problem };
        access.check().map_err(|error| internal(error.to_string()))?;
        let auth = engine.auth(access.version, &access.credential, Level::Full);
        let auth = auth.map_err(|error| internal(error.to_string()))?.ok_or_else(|| TransportError::Auth {
            endpoint: endpoint.clone(),
            problem: "no SNMP credential is configured".into(),
        })?;
        let target = gate.resolve(access.port, &endpoint).await?;
        let pace = access.pace(gate.limits());
        let slot = gate.converse(Transport::Snmp).await?;
        let opened = async {
            let wire = engine.wire(target, access.strict_source, slot).await?;
            let client = engine.client(wire.clone(), auth, pace.timeout, pace.retries)?;
            Ok((wire, client))
        };
        let (wire, client) = opened.await.map_err(|error: Box<Error>| internal(error.to_string()))?;
        let until = Instant::now() + LONGEST_VISIT;
        let strays = wire.strays();
        let remembered = engine.of(target).filter(|_| access.version == Version::V3);
        Ok(Self {
            access,
            engine,
            gate,
            endpoint,
            pace,
            target,
            wire,
            client,
            until,
            answered: false,
            remembered,
            renewed: false,
            strays,
        })
    }

    /// Sends one request and waits for its answer, with retries.
    pub(super) async fn call(&mut self, request: &Request<'_>) -> Result<Vec<VarBind>, Failure> {
        self.within_limits()?;
        let mut outcome = Box::pin(self.once(request)).await;
        if let Err(error) = &outcome
            && self.is_another_engine(error).await?
        {
            self.client = self.client_at(Level::Full, self.pace.retries)?;
            outcome = Box::pin(self.once(request)).await;
        }
        match outcome {
            Ok(binds) => {
                self.accepted();
                Ok(binds)
            }
            Err(error) => Err(self.sort(&error, matches!(request, Request::Bulk(..))).await),
        }
    }

    /// A protocol error in this conversation's name.
    pub(super) fn broken(&self, problem: impl Into<String>) -> TransportError {
        TransportError::Protocol { endpoint: self.endpoint.clone(), problem: problem.into() }
    }

    async fn once(&self, request: &Request<'_>) -> async_snmp::Result<Vec<VarBind>> {
        match request {
            Request::Get(oids) => {
                let response = self.client.get_many(oids).await?;
                let in_order =
                    |anomaly: &ResponseShapeAnomaly| matches!(anomaly, ResponseShapeAnomaly::Reordered { .. });
                if response.anomalies.iter().all(in_order) {
                    return Ok(response.varbinds);
                }
                Err(Error::ResponseShape { target: self.target, response }.boxed())
            }
            Request::Next(after) => Ok(self.client.get_next(after).await?.varbinds),
            Request::Bulk(after, rows) => {
                Ok(self.client.get_bulk_with_metadata(std::slice::from_ref(*after), 0, *rows).await?.varbinds)
            }
        }
    }

    fn within_limits(&self) -> Result<(), Failure> {
        if Instant::now() >= self.until {
            let endpoint = self.endpoint.clone();
            return Err(Failure::Ended(TransportError::Timeout { endpoint, timeout: LONGEST_VISIT }));
        }
        if self.wire.bytes() > MOST_BYTES {
            return Err(Failure::Ended(self.broken(format!("more than {MOST_BYTES} bytes in one visit"))));
        }
        Ok(())
    }

    /// Whether the device has another engine than the one remembered: it was replaced, or made itself a new identity.
    /// The library drops answers of a strange engine, so such a device looks dead; one discovery shows it. At most
    /// once a visit.
    async fn is_another_engine(&mut self, error: &Error) -> Result<bool, Failure> {
        if self.renewed || self.wire.stopped().is_some() {
            return Ok(false);
        }
        match (error.exchange_source(), &self.remembered) {
            (Error::Report { status, .. }, _) if matches!(**status, ReportStatus::UnknownEngineId { .. }) => {
                self.renewed = true;
                self.engine.forget(self.target);
                Ok(true)
            }
            (Error::Timeout { .. }, Some(remembered)) if !self.answered => {
                self.renewed = true;
                self.engine.forget(self.target);
                let client = self.client_at(Level::Full, 0)?;
                let found = Box::pin(client.rediscover_engine()).await.ok().and_then(|()| self.engine.of(self.target));
                Ok(found.is_some_and(|found| found != *remembered))
            }
            _ => Ok(false),
        }
    }

    fn client_at(&self, level: Level, retries: u32) -> Result<Client<Wire>, Failure> {
        let internal =
            |problem: String| Failure::Ended(TransportError::Internal { endpoint: self.endpoint.clone(), problem });
        let auth = self.engine.auth(self.access.version, &self.access.credential, level);
        let auth = auth.map_err(|error| internal(error.to_string()))?.unwrap_or_default();
        let client = self.engine.client(self.wire.clone(), auth, self.pace.timeout, retries);
        client.map_err(|error| internal(error.to_string()))
    }

    /// Whether the agent gave a sign of life in this visit, or its engine did.
    pub(super) fn alive(&self) -> bool {
        self.answered || (self.access.version == Version::V3 && self.engine.of(self.target).is_some())
    }

    fn accepted(&mut self) {
        if !self.answered && matches!(self.access.credential, Credential::User { .. }) {
            self.gate.login_accepted(Transport::Snmp);
        }
        self.answered = true;
    }

    /// `bulky` answers get lost on narrow ways, so their loss says nothing about the credential.
    async fn sort(&mut self, error: &Error, bulky: bool) -> Failure {
        if let Some(refusal) = self.wire.stopped() {
            return Failure::Ended(refusal.into());
        }
        let mut failure = failure::sort(&self.endpoint, self.patience(), error);
        if let Failure::Ended(TransportError::Timeout { .. }) = failure
            && !bulky
        {
            let reason = self.reason_of_silence().await;
            let reason = if reason.is_none() { self.nonsense().await } else { reason };
            failure = reason.map_or(failure, Failure::Ended);
        }
        match &failure {
            Failure::Ended(TransportError::Auth { .. }) => self.gate.login_refused(Transport::Snmp),
            Failure::Status(..) => self.accepted(),
            _ => {}
        }
        failure
    }

    fn patience(&self) -> Duration {
        self.pace.timeout * (self.pace.retries + 1)
    }

    /// An agent that cannot decrypt a request says nothing, like a dead one. One signed request in the clear tells the
    /// two apart; it asks for the uptime, which betrays nothing.
    async fn reason_of_silence(&self) -> Option<TransportError> {
        let encrypted = matches!(self.access.credential, Credential::User { privacy: Some(_), .. });
        let heard = self.wire.heard();
        if !encrypted || self.answered || self.engine.of(self.target).is_none() {
            return None;
        }
        let client = self.client_at(Level::NoPrivacy, 0).ok()?;
        let outcome = Box::pin(client.get(&Oid::from_slice(&UPTIME))).await;
        if self.wire.heard() == heard || self.wire.stopped().is_some() {
            return None;
        }
        let endpoint = self.endpoint.clone();
        if let Err(error) = outcome {
            let told = matches!(error.exchange_source(), Error::Report { status, .. }
                if matches!(**status, ReportStatus::WrongDigest { .. } | ReportStatus::UnknownUserName { .. }));
            if let (true, Failure::Ended(found)) = (told, failure::sort(&endpoint, self.pace.timeout, &error)) {
                return Some(found);
            }
        }
        Some(TransportError::Auth { endpoint, problem: PRIVACY_WRONG.into() })
    }

    /// The library drops what it cannot read, so an agent that answers nonsense looks like a dead one. Where something
    /// strayed to the shared socket in the meantime, one request over a socket of our own shows whether it came from here.
    async fn nonsense(&self) -> Option<TransportError> {
        if self.access.version != Version::V3 && self.wire.heard() > 0 && !self.answered {
            return Some(self.broken("what comes back is no readable answer to the request"));
        }
        if self.answered || self.wire.strays() == self.strays || self.wire.stopped().is_some() {
            return None;
        }
        let auth = self.engine.auth(self.access.version, &self.access.credential, Level::Full).ok()??;
        let wire = Engine::own_wire(self.target, self.access.strict_source, &self.wire).await.ok()?;
        let client = self.engine.client(wire.clone(), auth, self.pace.timeout, 0).ok()?;
        // what it brings does not matter, only whether anything came
        let _outcome = Box::pin(client.get(&Oid::from_slice(&UPTIME))).await;
        (wire.strays() > 0).then(|| self.broken(NONSENSE))
    }
}
