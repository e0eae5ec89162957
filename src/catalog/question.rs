//! Every way of asking, as written under `ask:` in a fact file.
//!
//! The enum is the one place of the catalogue that knows all protocols: a new one is an arm here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::tree::{Node, Place};
use super::typed::ReadError;
use crate::model::{FactId, Transport, Value};
use crate::transport::{exec, http, snmp, ssh, ssh_service, tcp, tls};

/// What is asked, ready for its transport.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A command, over SSH or on the monitor host itself.
    Ssh(ssh::Question),
    /// What the SSH session negotiated.
    SshSession(Empty),
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
    /// A program on the monitor host.
    Exec(exec::Question),
    /// Computed by the engine, nothing is sent.
    Derived(Derived),
}

/// A kind of question that has no settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// What the engine computes from other facts, the inventory or signed files.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// Support dates of the system that this fact names.
    Lifecycle(FactId),
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
            Self::Tcp(_) => Transport::Tcp,
            Self::Tls(_) => Transport::Tls,
            Self::Http(_) => Transport::Http,
            Self::SshService(_) => Transport::SshService,
            Self::Exec(_) => Transport::Exec,
            Self::Derived(_) => Transport::Derived,
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

/// Arguments of a fact by name, resolved for one asset.
pub type Arguments = BTreeMap<Arc<str>, Value>;

/// A question with holes for arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    template: Node,
    standard: Question,
}

impl Ask {
    /// Reads `ask:` with the default arguments filled in.
    ///
    /// # Errors
    ///
    /// What does not fit, with its place.
    pub(super) fn read(template: Node, defaults: &Arguments) -> Result<Self, BindError> {
        let standard = bind(&template, defaults)?;
        Ok(Self { template, standard })
    }

    /// The question with default arguments.
    #[must_use]
    pub const fn standard(&self) -> &Question {
        &self.standard
    }

    /// The question with these arguments.
    ///
    /// # Errors
    ///
    /// An argument is missing or of the wrong type; the message says which.
    pub fn bind(&self, arguments: &Arguments) -> Result<Question, BindError> {
        bind(&self.template, arguments)
    }

    /// Names of the arguments that it uses.
    #[must_use]
    pub fn arguments(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        collect(&self.template, &mut names);
        names
    }
}

fn collect(node: &Node, into: &mut Vec<Arc<str>>) {
    if let Some(name) = node.as_text().and_then(|text| text.strip_prefix("args.")) {
        into.push(Arc::from(name));
    }
    node.items().iter().chain(node.entries().iter().map(|entry| &entry.value)).for_each(|inside| collect(inside, into));
}

fn bind(template: &Node, arguments: &Arguments) -> Result<Question, BindError> {
    let filled = template
        .with_arguments(arguments)
        .map_err(|(place, name)| BindError::Argument { place, name })?;
    filled.read().map_err(BindError::Type)
}

/// Why a question cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// `args.NAME` with a name that the fact does not declare.
    #[error("no argument {name:?} is declared under `args`")]
    Argument {
        /// Where it is used.
        place: Place,
        /// The name.
        name: String,
    },
    /// A value of the wrong type.
    #[error("{0}")]
    Type(ReadError),
}
