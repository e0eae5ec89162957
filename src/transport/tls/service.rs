//! One port: what is asked of it, in which order, and what is known in the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::certificate::{self, Fields};
use super::handshake::{self, Shaken};
use super::hello::{Hello, Version, version_hello};
use super::offer::{Offered, offer, still_allowed};
use super::suites::WEAK;
use super::trust::Anchors;
use super::{Ended, Question};
use crate::model::{Time, Transport, Value};
use crate::transport::gate::Gate;
use crate::transport::tcp::{Reached, reach};
use crate::transport::{TransportError, printable};

/// Longest explanation, in characters.
const MAX_DETAIL: usize = 400;

/// What all questions together want to know of one port.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wants {
    versions: bool,
    ciphers: bool,
    timeout: Duration,
}

impl Wants {
    pub(super) fn add(&mut self, question: &Question) {
        self.versions |= question.versions;
        self.ciphers |= question.ciphers;
        self.timeout = self.timeout.max(question.timeout);
    }
}

/// What is there.
enum State {
    Tls,
    Plain,
    Closed,
    Filtered,
    NoWay(TransportError),
    Error,
}

/// What is known of one port.
pub(super) struct Service {
    port: u16,
    state: State,
    notes: Vec<String>,
    is_tls: bool,
    chain: Vec<Vec<u8>>,
    proven: bool,
    accepted: Vec<Version>,
    refused: Vec<Version>,
    undecided: Vec<Version>,
    weak: Vec<&'static str>,
    undecided_weak: Vec<&'static str>,
    wants: Wants,
    now: Time,
}

/// Asks one port everything that is wanted.
///
/// # Errors
///
/// What says nothing about the port: a refusal of the gate, a name without an address.
pub(super) async fn examine(gate: &Gate, port: u16, wants: Wants, now: Time) -> Result<Service, TransportError> {
    let mut service = Service::new(port, wants, now);
    match reach(gate, Transport::Tls, port, wants.timeout).await? {
        Reached::Open(mut stream) => {
            let shaken = handshake::shake(&mut stream, gate.tls_name(), Instant::now() + wants.timeout).await;
            stream.close().await;
            still_allowed(gate)?;
            service.talk(gate, shaken).await?;
        }
        Reached::Closed => service.state = State::Closed,
        Reached::Filtered => service.state = State::Filtered,
        Reached::NoWay(error) => service.state = State::NoWay(error),
    }
    Ok(service)
}

impl Service {
    fn new(port: u16, wants: Wants, now: Time) -> Self {
        Self {
            port,
            state: State::Error,
            notes: vec![],
            is_tls: false,
            chain: vec![],
            proven: false,
            accepted: vec![],
            refused: vec![],
            undecided: vec![],
            weak: vec![],
            undecided_weak: vec![],
            wants,
            now,
        }
    }

    /// Everything after the first handshake.
    async fn talk(&mut self, gate: &Gate, shaken: Shaken) -> Result<(), TransportError> {
        let Shaken { version, chain, proven, is_tls, ended } = shaken;
        if let Ended::NotTls(_) = ended {
            self.state = State::Plain;
            self.notes.push(ended.in_words());
            return Ok(());
        }
        self.is_tls = is_tls;
        if ended == Ended::Complete || !chain.is_empty() {
            self.accepted.extend(version);
        } else {
            self.notes.push(format!("modern handshake: {}", ended.in_words()));
        }
        (self.chain, self.proven) = (chain, proven);
        if !self.is_tls {
            // a device too old to answer a modern hello may still answer its own
            self.ask_version(gate, Version::Tls10).await?;
            if matches!(self.state, State::Plain) || !self.is_tls {
                return Ok(());
            }
        }
        self.ask_versions(gate).await?;
        if self.wants.ciphers {
            self.ask_weak(gate).await?;
        }
        self.state = State::Tls;
        Ok(())
    }

    async fn ask_versions(&mut self, gate: &Gate) -> Result<(), TransportError> {
        // without the question for versions, hellos only serve to see the certificate of an old device
        let versions: &[Version] = if self.wants.versions { &Version::ALL } else { &[Version::Tls12, Version::Tls10] };
        for version in versions {
            let known = [&self.accepted, &self.refused, &self.undecided].iter().any(|known| known.contains(version));
            if !known && (self.wants.versions || self.chain.is_empty()) {
                self.ask_version(gate, *version).await?;
            }
        }
        Ok(())
    }

    async fn ask_version(&mut self, gate: &Gate, version: Version) -> Result<(), TransportError> {
        let name = sni(gate.tls_name());
        let hello = version_hello(version, name, rand::random());
        let Offered { flight, ended } = offer(gate, self.port, &hello, self.wants.timeout).await?;
        self.is_tls |= flight.is_tls();
        if let Ended::NotTls(_) = ended
            && !self.is_tls
        {
            self.state = State::Plain;
            self.notes.push(ended.in_words());
            return Ok(());
        }
        if self.chain.is_empty() {
            self.chain = flight.certificates;
        }
        match flight.choice {
            // a server that hangs up after its hello may have meant us or the version
            Some(choice) if choice.version <= version && !matches!(ended, Ended::Alert(_)) => {
                self.accept(choice.version);
                if choice.version < version {
                    self.refused.push(version);
                }
            }
            None if ended.is_refusal() && self.is_tls => self.refused.push(version),
            Some(choice) if choice.version > version => {
                self.undecided.push(version);
                self.notes.push(format!("{}: answered with {}", version.word(), choice.version.word()));
            }
            _ => {
                self.undecided.push(version);
                self.notes.push(format!("{}: {}", version.word(), ended.in_words()));
            }
        }
        Ok(())
    }

    fn accept(&mut self, version: Version) {
        // an acceptance weighs more than an earlier refusal of the same version
        for other in [&mut self.refused, &mut self.undecided] {
            other.retain(|known| *known != version);
        }
        if !self.accepted.contains(&version) {
            self.accepted.push(version);
        }
    }

    async fn ask_weak(&mut self, gate: &Gate) -> Result<(), TransportError> {
        for family in &WEAK {
            let name = sni(gate.tls_name());
            let hello =
                Hello { version: Version::Tls12, suites: family.suites, name, random: rand::random() }.to_bytes();
            let Offered { flight, ended } = offer(gate, self.port, &hello, self.wants.timeout).await?;
            match flight.choice {
                Some(choice) if family.suites.contains(&choice.suite) && !matches!(ended, Ended::Alert(_)) => {
                    self.weak.push(family.word);
                }
                None if ended.is_refusal() => {}
                _ => {
                    self.undecided_weak.push(family.word);
                    self.notes.push(format!("{}: {}", family.word, ended.in_words()));
                }
            }
        }
        Ok(())
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Whether somebody answered: with a connection or with a reset.
    pub(super) fn answered(&self) -> bool {
        self.is_open() || matches!(self.state, State::Closed)
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Tls | State::Plain | State::Error)
    }

    pub(super) fn no_way(&self) -> Option<&TransportError> {
        if let State::NoWay(error) = &self.state { Some(error) } else { None }
    }

    /// The fact. Lists that were not asked for are not there: an empty one would read as good news.
    pub(super) fn value(&self) -> Value {
        let state = match self.state {
            State::Tls => "tls",
            State::Plain => "plain",
            State::Closed => "closed",
            State::Filtered | State::NoWay(_) => "filtered",
            State::Error => "error",
        };
        let mut fields: Fields = vec![("port", Value::from(self.port)), ("state", Value::text(state))];
        if !self.notes.is_empty() {
            fields.push(("detail", Value::text(printable::line(&self.notes.join("; "), MAX_DETAIL))));
        }
        if matches!(self.state, State::Tls) {
            if self.wants.versions {
                fields.push(("accepted_versions", words(&self.accepted)));
                fields.push(("refused_versions", words(&self.refused)));
                fields.push(("undecided_versions", words(&self.undecided)));
            }
            if self.wants.ciphers {
                fields.push(("weak", texts(&self.weak)));
                fields.push(("undecided_weak", texts(&self.undecided_weak)));
            }
            if !self.chain.is_empty() {
                fields.push(("proven", Value::Bool(self.proven)));
            }
            fields.extend(certificate::facts(&self.chain, self.now));
        }
        Value::map(fields)
    }

    /// The same with what these anchors say of its chain.
    pub(super) fn value_with(&self, anchors: &Anchors, name: &str) -> Value {
        let trust = anchors.judge(&self.chain, name, self.now);
        match self.value() {
            Value::Map(mut fields) => {
                Arc::make_mut(&mut fields).extend(trust.into_iter().map(|(name, value)| (Arc::from(name), value)));
                Value::Map(fields)
            }
            other => other,
        }
    }
}

/// Oldest first.
fn words(versions: &[Version]) -> Value {
    let mut versions = versions.to_vec();
    versions.sort();
    Value::list(versions.iter().map(|version| Value::text(version.word())))
}

fn texts(words: &[&str]) -> Value {
    Value::list(words.iter().map(Value::text))
}

/// An address is no name for SNI (RFC 6066, section 3).
fn sni(address: &str) -> Option<&str> {
    let is_name = address.parse::<std::net::IpAddr>().is_err() && address.len() <= 255 && address.is_ascii();
    is_name.then_some(address.trim_end_matches('.'))
}
