//! One contact with one asset: all its questions, each asked once, protocol by protocol.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, info_span};

use crate::catalog::Question;
use crate::inventory::Access;
use crate::model::{Answer, FactId, Reading, Time, Transport, Value, Varbind};
use crate::transport::gate::Gate;
use crate::transport::ot::{bacnet, enip, modbus, mqtt, opcua, s7};
use crate::transport::{Endpoint, TransportError, exec, http, local, reach, replay, snmp, ssh, ssh_service, tcp, tls};

/// Longest run of a command on the monitor host that names no limit itself.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a contact needs beside the questions.
pub struct Contact {
    /// The gate of the asset.
    pub gate: Gate,
    /// How it is reached.
    pub access: Access,
    /// Jump hosts in order, each behind its own gate.
    pub hops: Vec<ssh::Hop>,
    /// Where a vantage looks from, and at what.
    pub lookout: Option<reach::Lookout>,
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

/// Why there is no answer to read.
#[derive(Debug)]
pub enum Silence {
    /// The transport failed, or the gate refused.
    Failed(TransportError),
    /// A recording says that the fact is absent or was missing.
    Recorded(Reading),
}

/// What came of one question.
#[derive(Debug)]
pub struct Reply {
    /// The answer, or why there is none.
    pub answer: Result<Answer, Silence>,
    /// How it was asked.
    pub transport: Transport,
    /// When it was asked; of questions that share a conversation, when that began.
    pub asked_at: Time,
    /// How long the answer took; of questions that share a conversation, how long that took as a whole.
    pub took: Duration,
}

impl Reply {
    /// Whether the asset itself said something; a port set in which nothing answered is no sign of life.
    #[must_use]
    pub fn shows_life(&self) -> bool {
        match &self.answer {
            Ok(Answer::Value(value)) => value.get("answered").and_then(Value::as_bool).unwrap_or(true),
            Ok(Answer::Text(_) | Answer::Varbinds(_)) => true,
            Err(_) => false,
        }
    }

    /// Whether the question named no port to ask, so that its answer is no sign of anything.
    #[must_use]
    pub fn asked_nothing(&self) -> bool {
        let Ok(Answer::Value(value)) = &self.answer else { return false };
        let rows = ["ports", "services", "brokers", "servers"].map(|name| value.get(name).and_then(Value::as_list));
        rows.into_iter().flatten().any(<[Value]>::is_empty)
    }

    /// Whether the gate kept the question back, which says nothing about the asset.
    #[must_use]
    pub const fn was_refused_by_gate(&self) -> bool {
        matches!(self.answer, Err(Silence::Failed(TransportError::Refusal(_))))
    }
}

/// An answer of a conversation.
struct Said {
    answer: Result<Answer, TransportError>,
    /// When it was asked and how long it took, where it shared that with no other question.
    own: Option<(Time, Duration)>,
}

/// Questions of one protocol share a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Protocol {
    Snmp,
    SnmpVersions,
    // before a login can learn a host key, which would then be compared with itself
    SshService,
    Ssh,
    Tcp,
    Tls,
    Http,
    OpcUa,
    Mqtt,
    Modbus,
    S7,
    Enip,
    Bacnet,
    Reach,
    Exec,
}

impl Protocol {
    const fn of(question: &Question) -> Option<Self> {
        Some(match question {
            Question::Ssh(_) | Question::Powershell(_) | Question::Cli(_) | Question::SshSession(_) => Self::Ssh,
            Question::Snmp(_) | Question::SnmpProduct(_) => Self::Snmp,
            Question::SnmpVersions(_) => Self::SnmpVersions,
            Question::Tcp(_) => Self::Tcp,
            Question::Tls(_) => Self::Tls,
            Question::Http(_) => Self::Http,
            Question::SshService(_) => Self::SshService,
            Question::OpcUa(_) => Self::OpcUa,
            Question::Mqtt(_) => Self::Mqtt,
            Question::Modbus(_) => Self::Modbus,
            Question::S7(_) => Self::S7,
            Question::Enip(_) => Self::Enip,
            Question::Bacnet(_) => Self::Bacnet,
            Question::Reach(_) => Self::Reach,
            Question::Exec(_) => Self::Exec,
            Question::Derived(_) => return None,
        })
    }
}

impl Contact {
    /// Asks all questions, one protocol after the other, and tells the gate how it went. One reply per question, in
    /// order; a derived fact has no question and gets an error.
    pub async fn ask(&self, asked: &[Asked<'_>]) -> Vec<Reply> {
        if let Some(transcript) = &self.access.replay {
            return self.replay(transcript, asked);
        }
        let mut groups: BTreeMap<Option<Protocol>, Vec<usize>> = BTreeMap::new();
        for (place, one) in asked.iter().enumerate() {
            groups.entry(Protocol::of(one.question)).or_default().push(place);
        }
        let mut replies: Vec<Option<Reply>> = asked.iter().map(|_| None).collect();
        for (protocol, places) in groups {
            let group: Vec<_> = places.iter().map(|place| asked[*place]).collect();
            let transport = self.transport(protocol);
            let (asked_at, start) = ((self.clock)(), Instant::now());
            let span = info_span!("ask", transport = %transport, questions = group.len());
            let answers = self.converse(protocol, &group).instrument(span).await;
            let whole = (asked_at, start.elapsed());
            for (place, Said { answer, own }) in places.into_iter().zip(answers) {
                let (asked_at, took) = own.unwrap_or(whole);
                replies[place] = Some(Reply { answer: answer.map_err(Silence::Failed), transport, asked_at, took });
            }
        }
        let replies: Vec<_> = replies.into_iter().flatten().collect();
        self.report(&replies);
        replies
    }

    /// A recording answers in place of the asset; nothing is sent.
    fn replay(&self, transcript: &replay::Transcript, asked: &[Asked<'_>]) -> Vec<Reply> {
        let facts: Vec<&FactId> = asked.iter().map(|one| one.fact).collect();
        let reply = |came| Reply {
            answer: match came {
                replay::Replayed::Answer(answer) => Ok(answer),
                replay::Replayed::Reading(reading) => Err(Silence::Recorded(reading)),
            },
            transport: Transport::Replay,
            asked_at: transcript.now.unwrap_or_else(self.clock),
            took: Duration::ZERO,
        };
        replay::ask(transcript, &facts).into_iter().map(reply).collect()
    }

    fn report(&self, replies: &[Reply]) {
        let sent: Vec<_> =
            replies.iter().filter(|reply| !reply.was_refused_by_gate() && !reply.asked_nothing()).collect();
        // the monitor host is always there; its answers say nothing about a gate
        if !sent.is_empty() && !self.access.local {
            self.gate.contact_ended(sent.iter().any(|reply| reply.shows_life()));
        }
    }

    const fn transport(&self, protocol: Option<Protocol>) -> Transport {
        match protocol {
            None => Transport::Derived,
            Some(Protocol::Ssh) if self.access.local => Transport::Local,
            Some(Protocol::Ssh) => Transport::Ssh,
            Some(Protocol::Snmp | Protocol::SnmpVersions) => Transport::Snmp,
            Some(Protocol::Tcp | Protocol::Reach) => Transport::Tcp,
            Some(Protocol::Tls) => Transport::Tls,
            Some(Protocol::Http) => Transport::Http,
            Some(Protocol::SshService) => Transport::SshService,
            Some(Protocol::OpcUa) => Transport::OpcUa,
            Some(Protocol::Mqtt) => Transport::Mqtt,
            Some(Protocol::Modbus) => Transport::Modbus,
            Some(Protocol::S7) => Transport::S7,
            Some(Protocol::Enip) => Transport::Enip,
            Some(Protocol::Bacnet) => Transport::Bacnet,
            Some(Protocol::Exec) => Transport::Exec,
        }
    }

    /// Asks what is asked one by one, each with its own time.
    async fn converse(&self, protocol: Option<Protocol>, group: &[Asked<'_>]) -> Vec<Said> {
        match protocol {
            Some(Protocol::Ssh) if self.access.local => self.local(group).await,
            Some(Protocol::SshService) => self.ssh_service(group).await,
            Some(Protocol::SnmpVersions) => self.snmp_versions(group).await,
            Some(
                Protocol::OpcUa | Protocol::Mqtt | Protocol::Modbus | Protocol::S7 | Protocol::Enip | Protocol::Bacnet,
            ) => self.industrial(group).await,
            shared => self.together(shared, group).await.into_iter().map(|answer| Said { answer, own: None }).collect(),
        }
    }

    /// Waits for one answer and notes when it was asked and how long it took.
    async fn timed(&self, ask: impl Future<Output = Result<Answer, TransportError>>) -> Said {
        let (asked_at, start) = ((self.clock)(), Instant::now());
        let answer = ask.await;
        Said { answer, own: Some((asked_at, start.elapsed())) }
    }

    /// Asks what shares a conversation.
    async fn together(&self, protocol: Option<Protocol>, group: &[Asked<'_>]) -> Vec<Result<Answer, TransportError>> {
        match protocol {
            Some(Protocol::Ssh) => self.ssh(group).await,
            Some(Protocol::Snmp) => self.snmp(group).await,
            Some(Protocol::Tcp) => {
                let asks: Vec<_> = pick(group, |question| match question {
                    Question::Tcp(question) => Some(question),
                    _ => None,
                })
                .map(|(fact, question)| tcp::Ask { fact, question })
                .collect();
                tcp::ask(&asks, &self.gate).await
            }
            Some(Protocol::Tls) => {
                let asks: Vec<_> = pick(group, |question| match question {
                    Question::Tls(question) => Some(question),
                    _ => None,
                })
                .map(|(fact, question)| tls::Ask { fact, question })
                .collect();
                tls::ask(&asks, &self.gate).await
            }
            Some(Protocol::Http) => {
                let asks: Vec<_> = pick(group, |question| match question {
                    Question::Http(question) => Some(question),
                    _ => None,
                })
                .map(|(fact, question)| http::Ask { fact, question })
                .collect();
                http::ask(&asks, &self.gate).await
            }
            Some(Protocol::Reach) => self.reach(group).await,
            Some(Protocol::Exec) => self.exec(group).await,
            _ => group.iter().map(|_| Err(self.internal("a derived fact is not asked"))).collect(),
        }
    }

    async fn ssh(&self, group: &[Asked<'_>]) -> Vec<Result<Answer, TransportError>> {
        let Some(access) = &self.access.ssh else { return self.unconfigured(group, "ssh") };
        let asks: Vec<_> = group
            .iter()
            .filter_map(|one| {
                let topic = match one.question {
                    Question::Ssh(question) => ssh::Topic::Run(question),
                    Question::Powershell(question) => ssh::Topic::PowerShell(question),
                    Question::Cli(question) => ssh::Topic::Cli(question),
                    Question::SshSession(_) => ssh::Topic::Session,
                    _ => return None,
                };
                Some(ssh::Ask { fact: one.fact, topic })
            })
            .collect();
        ssh::ask(access, &asks, &self.gate, &self.hops, &*self.host_keys).await
    }

    async fn local(&self, group: &[Asked<'_>]) -> Vec<Said> {
        let mut answers = Vec::with_capacity(group.len());
        for one in group {
            let ask = async {
                match one.question {
                Question::Ssh(question) => {
                    let command = local::Command {
                        run: &question.run,
                        privileged: question.privilege == ssh::Privilege::Sudo,
                        max_bytes: question.max_bytes,
                        timeout: question.timeout.unwrap_or(LOCAL_TIMEOUT),
                    };
                    let mut one = local::ask(&[command], &self.gate).await;
                    one.pop().unwrap_or_else(|| Err(self.internal("no answer for a command")))
                }
                Question::SshSession(_) => Err(TransportError::NoData {
                    endpoint: Endpoint::named("the monitor host"),
                    problem:
                        "there is no SSH session with oneself; give the asset access: { ssh: … } to judge its server"
                            .into(),
                }),
                _ => Err(TransportError::NoData {
                    endpoint: Endpoint::named("the monitor host"),
                    problem: format!("the monitor host is asked in POSIX shell, not in {}", one.question.word()),
                }),
            }
            };
            answers.push(self.timed(ask).await);
        }
        answers
    }

    async fn snmp(&self, group: &[Asked<'_>]) -> Vec<Result<Answer, TransportError>> {
        let Some(access) = &self.access.snmp else { return self.unconfigured(group, "snmp") };
        let reads: Vec<_> = pick(group, |question| match question {
            Question::Snmp(question) => Some(question),
            Question::SnmpProduct(products) => Some(products.first_question()),
            _ => None,
        })
        .map(|(fact, question)| snmp::Ask { fact, question })
        .collect();
        let sequel = |place: usize, first: &[Varbind]| match group[place].question {
            Question::SnmpProduct(products) => products.next_question(first),
            _ => None,
        };
        snmp::ask_on(access, &reads, &sequel, &self.gate, &self.snmp).await
    }

    async fn snmp_versions(&self, group: &[Asked<'_>]) -> Vec<Said> {
        let Some(access) = &self.access.snmp else {
            return self.unconfigured(group, "snmp").into_iter().map(|answer| Said { answer, own: None }).collect();
        };
        let mut answers = Vec::with_capacity(group.len());
        for one in group {
            if let Question::SnmpVersions(probe) = one.question {
                answers.push(self.timed(snmp::probe_versions(access, probe, &self.gate, &self.snmp)).await);
            }
        }
        answers
    }

    async fn ssh_service(&self, group: &[Asked<'_>]) -> Vec<Said> {
        // behind a jump host another server may stand at that address
        let access = self.access.ssh.as_deref().filter(|_| self.hops.is_empty());
        let login = access.map(|access| ssh_service::Login { access, host_keys: &*self.host_keys });
        let mut answers = Vec::with_capacity(group.len());
        for one in group {
            if let Question::SshService(question) = one.question {
                answers.push(self.timed(ssh_service::ask(question, &self.gate, login)).await);
            }
        }
        answers
    }

    async fn industrial(&self, group: &[Asked<'_>]) -> Vec<Said> {
        let mut answers = Vec::with_capacity(group.len());
        for one in group {
            let ask = async {
                match one.question {
                    Question::OpcUa(question) => opcua::ask(question, &self.gate).await,
                    Question::Mqtt(question) => Box::pin(mqtt::ask(question, &self.gate)).await,
                    Question::Modbus(question) => modbus::ask(question, &self.gate).await,
                    Question::S7(question) => s7::ask(question, &self.gate).await,
                    Question::Enip(question) => enip::ask(question, &self.gate).await,
                    Question::Bacnet(question) => bacnet::ask(question, &self.gate).await,
                    _ => Err(self.internal("this is no industrial protocol")),
                }
            };
            answers.push(self.timed(Box::pin(ask)).await);
        }
        answers
    }

    async fn reach(&self, group: &[Asked<'_>]) -> Vec<Result<Answer, TransportError>> {
        let Some(lookout) = &self.lookout else {
            return group.iter().map(|_| Err(self.internal("a vantage has no lookout"))).collect();
        };
        let questions: Vec<_> = pick(group, |question| match question {
            Question::Reach(question) => Some(question),
            _ => None,
        })
        .map(|(_, question)| question)
        .collect();
        reach::ask(&questions, &self.gate, lookout, &*self.host_keys).await
    }

    async fn exec(&self, group: &[Asked<'_>]) -> Vec<Result<Answer, TransportError>> {
        let Some(access) = &self.access.exec else { return self.unconfigured(group, "exec") };
        let asks: Vec<_> = pick(group, |question| match question {
            Question::Exec(question) => Some(question),
            _ => None,
        })
        .map(|(fact, question)| exec::Ask { fact, question })
        .collect();
        exec::ask(access, &asks, &self.gate).await
    }

    fn unconfigured(&self, group: &[Asked<'_>], way: &str) -> Vec<Result<Answer, TransportError>> {
        let error = || TransportError::Auth {
            endpoint: Endpoint::named(self.gate.asset().as_str()),
            problem: format!("no access over {way} is configured"),
        };
        group.iter().map(|_| Err(error())).collect()
    }

    fn internal(&self, problem: &str) -> TransportError {
        TransportError::Internal { endpoint: Endpoint::named(self.gate.asset().as_str()), problem: problem.into() }
    }
}

fn pick<'a, Q: 'a>(
    group: &'a [Asked<'a>],
    of: impl Fn(&'a Question) -> Option<&'a Q> + 'a,
) -> impl Iterator<Item = (&'a FactId, &'a Q)> + 'a {
    group.iter().filter_map(move |one| Some((one.fact, of(one.question)?)))
}
