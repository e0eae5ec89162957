//! One contact with one asset: all its questions, each asked once, protocol by protocol.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, info_span};

use super::gate::Gate;
use super::{Endpoint, Question, TransportError, exec, http, local, replay, snmp, ssh, ssh_service, tcp, tls};
use crate::model::{Answer, FactId, Time, Transport};

/// How an asset may be reached; what is `None` is not configured.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Login over SSH.
    pub ssh: Option<Arc<ssh::Access>>,
    /// SNMP.
    pub snmp: Option<Arc<snmp::Access>>,
    /// Plug-ins.
    pub exec: Option<Arc<exec::Access>>,
    /// The asset is the monitor host itself: commands run here.
    pub local: bool,
    /// The asset is a recording: nothing is sent.
    pub replay: Option<Arc<replay::Transcript>>,
}

impl Access {
    /// Whether that transport can be used at all.
    #[must_use]
    pub fn has(&self, transport: Transport) -> bool {
        match transport {
            Transport::Ssh => self.ssh.is_some() || self.local || self.replay.is_some(),
            Transport::Snmp => self.snmp.is_some() || self.replay.is_some(),
            Transport::Exec => self.exec.is_some() || self.replay.is_some(),
            Transport::Local => self.local,
            Transport::Replay => self.replay.is_some(),
            Transport::Tcp | Transport::Tls | Transport::Http | Transport::SshService | Transport::Derived => true,
        }
    }
}

/// What a contact needs beside the questions.
pub struct Contact {
    /// The gate of the asset.
    pub gate: Gate,
    /// How it is reached.
    pub access: Access,
    /// Jump hosts in order, each behind its own gate.
    pub hops: Vec<ssh::Hop>,
    /// Learnt host keys.
    pub host_keys: Arc<dyn ssh::HostKeys>,
    /// The shared SNMP sockets and engine cache.
    pub snmp: Arc<snmp::Engine>,
    /// Tells the time of evidence.
    pub clock: fn() -> Time,
}

/// A question on behalf of a fact.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The fact it is asked for.
    pub fact: &'a FactId,
    /// What is asked.
    pub question: &'a Question,
}

/// What came of one question.
#[derive(Debug)]
pub struct Reply {
    /// The answer, or why there is none.
    pub answer: Result<Answer, TransportError>,
    /// How it was asked.
    pub transport: Transport,
    /// When the contact over this transport began.
    pub asked_at: Time,
    /// How long that contact took, shared by all questions asked in it.
    pub took: Duration,
}

/// Asks all questions, one protocol after the other, and tells the gate how it went. One reply per question, in order.
pub async fn ask(contact: &Contact, asked: &[Asked<'_>]) -> Vec<Reply> {
    let mut replies: Vec<Option<Reply>> = asked.iter().map(|_| None).collect();
    if let Some(transcript) = &contact.access.replay {
        let at = (contact.clock)();
        return asked.iter().map(|one| replayed(transcript, one, at)).collect();
    }
    for protocol in Protocol::ALL {
        let places: Vec<usize> = (0..asked.len()).filter(|at| Protocol::of(asked[*at].question) == protocol).collect();
        if places.is_empty() {
            continue;
        }
        let group: Vec<_> = places.iter().map(|at| asked[*at]).collect();
        let transport = protocol.transport(&contact.access);
        let (asked_at, start) = ((contact.clock)(), Instant::now());
        let span = info_span!("ask", asset = %contact.gate.asset(), transport = %transport, questions = group.len());
        let answers = protocol.ask(contact, &group).instrument(span).await;
        for (place, answer) in places.into_iter().zip(answers) {
            replies[place] = Some(Reply { answer, transport, asked_at, took: start.elapsed() });
        }
    }
    let replies: Vec<_> = replies.into_iter().flatten().collect();
    report(&contact.gate, &replies);
    replies
}

/// Tells the gate whether the asset answered at all; what the gate itself refused says nothing about the asset.
fn report(gate: &Gate, replies: &[Reply]) {
    let mut asked = replies.iter().filter(|reply| !matches!(reply.answer, Err(TransportError::Refusal(_)))).peekable();
    if asked.peek().is_some() {
        gate.contact_ended(asked.any(|reply| reply.answer.as_ref().is_ok_and(shows_life)));
    }
}

/// A port set in which nothing answered is an answer of the transport, but no sign of life of the asset.
pub(crate) fn shows_life(answer: &Answer) -> bool {
    match answer {
        Answer::Value(value) => value.get("answered").and_then(crate::model::Value::as_bool).unwrap_or(true),
        Answer::Text(_) | Answer::Varbinds(_) => true,
    }
}

/// The conversations of a contact; questions of one protocol share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Snmp,
    SnmpVersions,
    Ssh,
    Tcp,
    Tls,
    Http,
    SshService,
    Exec,
}

impl Protocol {
    const ALL: [Self; 8] =
        [Self::Snmp, Self::SnmpVersions, Self::Ssh, Self::Tcp, Self::Tls, Self::Http, Self::SshService, Self::Exec];

    const fn of(question: &Question) -> Self {
        match question {
            Question::Ssh(_) | Question::SshSession => Self::Ssh,
            Question::Snmp(_) => Self::Snmp,
            Question::SnmpVersions(_) => Self::SnmpVersions,
            Question::Tcp(_) => Self::Tcp,
            Question::Tls(_) => Self::Tls,
            Question::Http(_) => Self::Http,
            Question::SshService(_) => Self::SshService,
            Question::Exec(_) => Self::Exec,
        }
    }

    const fn transport(self, access: &Access) -> Transport {
        match self {
            Self::Ssh if access.local => Transport::Local,
            Self::Ssh => Transport::Ssh,
            Self::Snmp | Self::SnmpVersions => Transport::Snmp,
            Self::Tcp => Transport::Tcp,
            Self::Tls => Transport::Tls,
            Self::Http => Transport::Http,
            Self::SshService => Transport::SshService,
            Self::Exec => Transport::Exec,
        }
    }
}
