//! Every way of asking, as written under `ask:` in a fact file.
//!
//! The enum is the one place of the catalogue that knows all protocols: a new one is an arm here.

use std::fmt;

use serde::Deserialize;

use crate::model::{FactId, Transport, Value};
use crate::transport::{exec, http, reach, snmp, ssh, ssh_service, tcp, tls};

/// A command is quoted up to so many characters.
const LONGEST_LINE: usize = 120;

/// What is asked, ready for its transport.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A command, over SSH or on the monitor host itself.
    Ssh(ssh::Question),
    /// What the SSH session negotiated.
    SshSession(ssh::SessionQuestion),
    /// Objects of an SNMP agent.
    Snmp(snmp::Question),
    /// Which SNMP versions and communities an agent answers.
    SnmpVersions(snmp::VersionProbe),
    /// Which TCP ports are open.
    Tcp(tcp::Question),
    /// TLS handshakes.
    Tls(tls::Question),
    /// One HTTP request.
    Http(http::Question),
    /// SSH key exchange without login.
    SshService(ssh_service::Question),
    /// Which ports of other assets can be reached from a vantage.
    Reach(reach::Question),
    /// A program on the monitor host.
    Exec(exec::Question),
    /// Computed by the engine, nothing is sent.
    Derived(Derived),
}

/// What the engine computes from other facts, the inventory or signed files.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// Support dates of the system that this fact names.
    Lifecycle(FactId),
    /// What the inventory says of the zone that an asset stands in: role, networks, conduits, vantages.
    Zone(Value),
    /// What a vantage reached, as this fact names it, laid over zones and conduits.
    Matrix(FactId),
    /// Whether every cell of the matrix that this fact names shows something; missing with a cause where one does not.
    Proof(FactId),
    /// What the device is, gathered from whatever it answered; settings of the engine.
    Device(Value),
    /// A signed statement; settings of the engine.
    Attestation(Value),
}

impl Question {
    /// The transport it goes over, a label of the gate's books.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Ssh(_) | Self::SshSession(_) => Transport::Ssh,
            Self::Snmp(_) | Self::SnmpVersions(_) => Transport::Snmp,
            Self::Tcp(_) | Self::Reach(_) => Transport::Tcp,
            Self::Tls(_) => Transport::Tls,
            Self::Http(_) => Transport::Http,
            Self::SshService(_) => Transport::SshService,
            Self::Exec(_) => Transport::Exec,
            Self::Derived(_) => Transport::Derived,
        }
    }

    /// The word under `ask:`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ssh(_) => "ssh",
            Self::SshSession(_) => "ssh_session",
            Self::Snmp(_) => "snmp",
            Self::SnmpVersions(_) => "snmp_versions",
            Self::Tcp(_) => "tcp",
            Self::Tls(_) => "tls",
            Self::Http(_) => "http",
            Self::SshService(_) => "ssh_service",
            Self::Reach(_) => "reach",
            Self::Exec(_) => "exec",
            Self::Derived(_) => "derived",
        }
    }

    /// The fact that a derived one is first of all computed from, if there is one.
    #[must_use]
    pub const fn computed_from(&self) -> Option<&FactId> {
        match self {
            Self::Derived(Derived::Lifecycle(source) | Derived::Matrix(source) | Derived::Proof(source)) => {
                Some(source)
            }
            _ => None,
        }
    }

    /// Whether packets reach the asset for it.
    #[must_use]
    pub const fn touches_the_wire(&self) -> bool {
        !matches!(self, Self::Derived(_))
    }

    /// Whether the answer is a value already, so that there is nothing to extract.
    #[must_use]
    pub const fn answers_with_a_value(&self) -> bool {
        !matches!(self, Self::Ssh(_) | Self::Snmp(_) | Self::Exec(_))
    }

    /// Whether a person's signature answers it.
    #[must_use]
    pub const fn is_attested(&self) -> bool {
        matches!(self, Self::Derived(Derived::Attestation(_)))
    }
}

/// One line for people and evidence, without secrets.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh(question) => f.write_str(&first_line(&question.run)),
            Self::SshSession(_) => f.write_str("what the SSH session negotiated"),
            Self::Snmp(question) => {
                let (get, walk) = (question.get.join(" "), question.walk.join(" "));
                let parts = [("get", get), ("walk", walk)]
                    .map(|(verb, oids)| if oids.is_empty() { String::new() } else { format!("{verb} {oids}") });
                f.write_str(parts.join(" ").trim())
            }
            Self::SnmpVersions(question) => {
                let known = |community: &String| matches!(community.as_str(), "public" | "private");
                let shown: Vec<&str> =
                    question.communities.iter().map(|text| if known(text) { text.as_str() } else { "…" }).collect();
                write!(f, "SNMP v1 and v2c with {}, v3 without a login", shown.join(", "))
            }
            Self::Tcp(question) => write!(f, "TCP connect to {}", ports(&question.ports)),
            Self::Tls(question) => write!(f, "TLS handshakes with {}", ports(&question.ports)),
            Self::Http(question) => {
                let scheme = if question.tls { "https" } else { "http" };
                write!(f, "GET {} by {scheme} from {}", question.path, ports(&question.ports))
            }
            Self::SshService(question) => write!(f, "SSH key exchange without login with {}", ports(&question.ports)),
            Self::Reach(question) => f.write_str(&reached(question)),
            Self::Exec(question) => write!(f, "{} {}", question.program, first_line(&question.args.join(" "))),
            Self::Derived(Derived::Lifecycle(source)) => write!(f, "support dates of what {source} names"),
            Self::Derived(Derived::Zone(_)) => f.write_str("what the inventory says of its zone"),
            Self::Derived(Derived::Matrix(source)) => write!(f, "{source} laid over zones and conduits"),
            Self::Derived(Derived::Proof(source)) => write!(f, "whether every cell of {source} shows something"),
            Self::Derived(Derived::Device(_)) => f.write_str("what the device says of itself, put together"),
            Self::Derived(Derived::Attestation(_)) => f.write_str("a signed statement"),
        }
    }
}

/// The first line of a command, cut at [`LONGEST_LINE`].
fn first_line(command: &str) -> String {
    let mut lines = command.trim().lines();
    let first: String = lines.next().unwrap_or_default().chars().take(LONGEST_LINE).collect();
    if lines.next().is_some() { format!("{first} …") } else { first }
}

/// The canary, then every target with its ports.
fn reached(question: &reach::Question) -> String {
    let Some(canary) = &question.task.canary else {
        return "TCP connects from a vantage, without a canary none".into();
    };
    let mut targets: Vec<(&str, Vec<u16>)> = Vec::new();
    for sample in &question.task.samples {
        match targets.iter_mut().find(|(target, _)| *target == sample.target.as_str()) {
            Some((_, ports)) => ports.push(sample.port),
            None => targets.push((sample.target.as_str(), vec![sample.port])),
        }
    }
    let open = &canary.open;
    let own = format!("{} port {} and {} (canary)", open.target, open.port, canary.closed);
    let all = targets.iter().map(|(target, asked)| format!("{target} port {}", ports(asked)));
    format!("TCP connects from the vantage to {}", std::iter::once(own).chain(all).collect::<Vec<_>>().join("; "))
}

fn ports(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
