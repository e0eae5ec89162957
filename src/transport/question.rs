//! What can be asked, over all transports.

use super::{exec, http, snmp, ssh, ssh_service, tcp, tls};
use crate::model::Transport;

/// One question, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// Run a command in a login; the monitor host itself answers it with `sh`.
    Ssh(ssh::Question),
    /// What the login negotiated.
    SshSession,
    /// Read or walk object identifiers.
    Snmp(snmp::Question),
    /// Which versions of SNMP answer.
    SnmpVersions(snmp::VersionProbe),
    /// Which ports answer.
    Tcp(tcp::Question),
    /// Certificates and accepted versions.
    Tls(tls::Question),
    /// One GET.
    Http(http::Question),
    /// What an SSH server offers, without login.
    SshService(ssh_service::Question),
    /// A plug-in on the monitor host.
    Exec(exec::Question),
}

impl Question {
    /// The way it is asked of an asset that is no monitor host.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Ssh(_) | Self::SshSession => Transport::Ssh,
            Self::Snmp(_) | Self::SnmpVersions(_) => Transport::Snmp,
            Self::Tcp(_) => Transport::Tcp,
            Self::Tls(_) => Transport::Tls,
            Self::Http(_) => Transport::Http,
            Self::SshService(_) => Transport::SshService,
            Self::Exec(_) => Transport::Exec,
        }
    }

    /// The question in one line, for evidence and for `plan`; holds no secret.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Ssh(question) => {
                let (first, more) = question.run.trim().split_once('\n').map_or((question.run.trim(), ""), |(line, _)| (line, " …"));
                format!("run: {first}{more}")
            }
            Self::SshSession => "negotiated algorithms of the login".into(),
            Self::Snmp(question) => {
                let part = |verb: &str, oids: &[String]| (!oids.is_empty()).then(|| format!("{verb} {}", oids.join(" ")));
                [part("get", &question.get), part("walk", &question.walk)].into_iter().flatten().collect::<Vec<_>>().join("; ")
            }
            Self::SnmpVersions(probe) => {
                format!("sysUpTime by v1 and v2c with {} communities, v3 without and with authentication", probe.communities.len())
            }
            Self::Tcp(question) => format!("connect to {}", ports(&question.ports)),
            Self::Tls(question) => format!("tls handshakes on {}", ports(&question.ports)),
            Self::Http(question) => format!("GET {} on {}", question.path, ports(&question.ports)),
            Self::SshService(question) => format!("ssh key exchange lists on {}", ports(&question.ports)),
            Self::Exec(question) => format!("plug-in {}", question.program),
        }
    }

    /// Connections or conversations that it costs the asset at most.
    #[must_use]
    pub fn connections(&self) -> usize {
        match self {
            Self::Ssh(_) | Self::SshSession | Self::Snmp(_) | Self::SnmpVersions(_) | Self::Exec(_) => 1,
            Self::Tcp(question) => question.ports.len(),
            Self::Tls(question) => question.connections(),
            Self::Http(question) => question.ports.len(),
            Self::SshService(question) => question.ports.len() * if question.auth_methods { 2 } else { 1 },
        }
    }
}

fn ports(ports: &[u16]) -> String {
    let list = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    format!("port{} {list}", if ports.len() == 1 { "" } else { "s" })
}
