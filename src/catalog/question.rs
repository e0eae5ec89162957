//! Every way of asking, as written under `ask:` in a fact file.
//!
//! The enum is the one place of the catalogue that knows all protocols: a new one is an arm here.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::Products;
use crate::model::{Cause, CheckId, FactId, Kind, Reading, Transport, Value};
use crate::transport::ot::{bacnet, enip, modbus, mqtt, opcua, s7};
use crate::transport::{exec, http, reach, snmp, ssh, ssh_service, tcp, tls};

/// A command is quoted up to so many characters.
const LONGEST_LINE: usize = 120;

/// What is asked, ready for its transport.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A command, over SSH or on the monitor host itself.
    Ssh(ssh::Question),
    /// A PowerShell script, over SSH.
    Powershell(ssh::powershell::Question),
    /// A command of a network device's own command line, over SSH.
    Cli(ssh::cli::Question),
    /// What the SSH session negotiated.
    SshSession(ssh::SessionQuestion),
    /// Objects of an SNMP agent.
    Snmp(snmp::Question),
    /// What an SNMP agent says that its device is: the system group, then the objects that the product files name.
    SnmpProduct(Products),
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
    /// Modbus device identification.
    Modbus(modbus::Question),
    /// Endpoints of an OPC UA server.
    #[serde(rename = "opcua")]
    OpcUa(opcua::Question),
    /// Ports of an MQTT broker, or whether it lets strangers in.
    Mqtt(mqtt::Question),
    /// Identity of an S7 controller.
    S7(s7::Question),
    /// `EtherNet/IP` List Identity.
    Enip(enip::Question),
    /// Identity of a `BACnet` device.
    Bacnet(bacnet::Question),
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
    /// When the device last started, from the clocks that this fact shows.
    Restart(FactId),
    /// Whether the monitor itself keeps up; settings of the engine.
    Health(Value),
    /// What the inventory lacks, for an asset that stands for the organisation.
    Register(Register),
    /// The first of these facts that is known: other ways to the same answer.
    FirstOf(Vec<FactId>),
    /// What the inventory says of the zone that an asset stands in: role, networks, conduits, vantages.
    Zone(Value),
    /// What a vantage reached, as this fact names it, laid over zones and conduits.
    Matrix(FactId),
    /// Whether every cell of the matrix that this fact names shows something; missing with a cause where one does not.
    Proof(FactId),
    /// What the device is, put together from what it answered and from the inventory.
    Device(DeviceSources),
    /// What the advisories that were carried in say of the device that this fact describes.
    Advisories(FactId),
    /// Of when the firmware of the device is that this fact describes.
    Firmware(FactId),
    /// How old and whole the feeds are.
    Feeds(Value),
    /// Of which devices no judgement came that rests on an answer, for an asset that stands for the organisation.
    Presence(Presence),
    /// Whether the other member of a redundant pair answers.
    Partner(Value),
    /// Where copies lie, for an asset that stands for the organisation.
    Copies(Copies),
    /// What a person signed.
    Attestation(Statements),
    /// What the registers of duties say of the asset.
    Duty(DutyRegister),
}

/// Which signed statements are looked up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statements {
    /// The check that they are signed for.
    pub check: CheckId,
    /// Of which subjects.
    #[serde(default)]
    pub of: Whose,
}

/// The subjects whose statements are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The asset itself, its line or its zone.
    #[default]
    Own,
    /// Everything that anybody signed for.
    All,
    /// Every room of the plant, signed for or not.
    Rooms,
    /// The contract in the supplier register.
    Contract,
}

/// A register of duties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DutyRegister {
    /// Accepted fails.
    Waivers,
    /// Suppliers, and who names them.
    Suppliers,
    /// The end of support of the asset's product.
    Support,
    /// Incidents and their deadlines.
    Incidents,
    /// Whom to call.
    Contacts,
    /// Rooms and what stands in them.
    Rooms,
}

/// Settings of [`Derived::Register`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Fields that every entry must have, by the names that checks use after `asset.`.
    pub required_fields: Vec<Arc<str>>,
}

/// How long a device may be silent; settings of [`Derived::Presence`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Hours since the last judgement.
    pub max_unseen_h: u32,
    /// The same for devices whose entry says `intermittent: true`.
    pub max_intermittent_h: u32,
}

/// What tells that a copy exists; settings of [`Derived::Copies`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copies {
    /// The check that says of a repository whether it takes in backups.
    pub judged_by: CheckId,
    /// The check for which people sign that a medium was put away.
    pub signed_for: CheckId,
}

/// Who says what a device is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSources {
    /// The fact of its SNMP agent.
    pub agent: FactId,
    /// The fact of its operating system, where the asset is a Linux host; nothing else is asked to run a command.
    pub linux: FactId,
}

impl Question {
    /// The transport it goes over, a label of the gate's books.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self {
            Self::Ssh(_) | Self::Powershell(_) | Self::Cli(_) | Self::SshSession(_) => Transport::Ssh,
            Self::Snmp(_) | Self::SnmpProduct(_) | Self::SnmpVersions(_) => Transport::Snmp,
            Self::Tcp(_) | Self::Reach(_) => Transport::Tcp,
            Self::Tls(_) => Transport::Tls,
            Self::Http(_) => Transport::Http,
            Self::SshService(_) => Transport::SshService,
            Self::Modbus(_) => Transport::Modbus,
            Self::OpcUa(_) => Transport::OpcUa,
            Self::Mqtt(_) => Transport::Mqtt,
            Self::S7(_) => Transport::S7,
            Self::Enip(_) => Transport::Enip,
            Self::Bacnet(_) => Transport::Bacnet,
            Self::Exec(_) => Transport::Exec,
            Self::Derived(_) => Transport::Derived,
        }
    }

    /// The word under `ask:`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ssh(_) => "ssh",
            Self::Powershell(_) => "powershell",
            Self::Cli(_) => "cli",
            Self::SshSession(_) => "ssh_session",
            Self::Snmp(_) => "snmp",
            Self::SnmpProduct(_) => "snmp_product",
            Self::SnmpVersions(_) => "snmp_versions",
            Self::Tcp(_) => "tcp",
            Self::Tls(_) => "tls",
            Self::Http(_) => "http",
            Self::SshService(_) => "ssh_service",
            Self::Modbus(_) => "modbus",
            Self::OpcUa(_) => "opcua",
            Self::Mqtt(_) => "mqtt",
            Self::S7(_) => "s7",
            Self::Enip(_) => "enip",
            Self::Bacnet(_) => "bacnet",
            Self::Reach(_) => "reach",
            Self::Exec(_) => "exec",
            Self::Derived(_) => "derived",
        }
    }

    /// The facts that a derived one is first of all computed from.
    #[must_use]
    pub fn computed_from(&self) -> Vec<&FactId> {
        match self {
            Self::Derived(
                Derived::Lifecycle(source)
                | Derived::Restart(source)
                | Derived::Matrix(source)
                | Derived::Advisories(source)
                | Derived::Firmware(source)
                | Derived::Proof(source),
            ) => vec![source],
            Self::Derived(Derived::FirstOf(sources)) => sources.iter().collect(),
            Self::Derived(Derived::Device(sources)) => vec![&sources.agent, &sources.linux],
            _ => Vec::new(),
        }
    }

    /// Whether this fact, one that it is computed from, can say something about an asset of this kind.
    #[must_use]
    pub fn reads_from(&self, source: &FactId, kind: Kind) -> bool {
        match self {
            Self::Derived(Derived::Device(sources)) => *source != sources.linux || kind == Kind::LinuxHost,
            _ => true,
        }
    }

    /// Whether it puts together what the device is.
    #[must_use]
    pub const fn identifies(&self) -> bool {
        matches!(self, Self::Derived(Derived::Device(_)))
    }

    /// Whether it is computed from what was judged so far.
    #[must_use]
    pub const fn reads_judgements(&self) -> bool {
        matches!(
            self,
            Self::Derived(Derived::Health(_) | Derived::Presence(_) | Derived::Partner(_) | Derived::Copies(_))
        )
    }

    /// Whether packets reach the asset for it.
    #[must_use]
    pub const fn touches_the_wire(&self) -> bool {
        !matches!(self, Self::Derived(_))
    }

    /// Whether it uses an identification function of a control protocol: asked only of assets with
    /// `allow_protocol_reads`, and only inside a window with the effect `intrusive`.
    #[must_use]
    pub const fn is_protocol_read(&self) -> bool {
        matches!(self, Self::Modbus(_) | Self::S7(_) | Self::Enip(_) | Self::Bacnet(_))
    }

    /// Whether the answer is a value already, so that there is nothing to extract.
    #[must_use]
    pub const fn answers_with_a_value(&self) -> bool {
        !matches!(self, Self::Ssh(_) | Self::Powershell(_) | Self::Cli(_) | Self::Snmp(_) | Self::Exec(_))
    }

    /// How many connections it opens at most, where its ports alone decide that.
    #[must_use]
    pub fn connections(&self, fragile: bool) -> Option<u32> {
        match self {
            Self::Tcp(question) => u32::try_from(question.connections(fragile)).ok(),
            Self::Tls(tls::Question { ports, .. })
            | Self::Http(http::Question { ports, .. })
            | Self::SshService(ssh_service::Question { ports, .. })
            | Self::OpcUa(opcua::Question { ports, .. })
                if ports.is_empty() =>
            {
                Some(0)
            }
            _ => None,
        }
    }

    /// Whether feeds or tables that were carried in from outside answer it.
    #[must_use]
    pub const fn is_carried(&self) -> bool {
        use Derived::{Advisories, Feeds, Firmware, Lifecycle};
        matches!(self, Self::Derived(Advisories(_) | Feeds(_) | Firmware(_) | Lifecycle(_)))
    }

    /// Whether a person's signature answers it.
    #[must_use]
    pub const fn is_attested(&self) -> bool {
        matches!(self, Self::Derived(Derived::Attestation(_)))
    }
}

/// The first reading that is known, else one that positively says that there is nothing, else why none is known.
#[must_use]
pub fn first_of<'r>(readings: impl Iterator<Item = &'r Reading>) -> Reading {
    let mut best: Option<&Reading> = None;
    for reading in readings {
        match (reading, best) {
            (Reading::Known(_), _) => return reading.clone(),
            (Reading::Absent(_), None | Some(Reading::Missing(_))) | (_, None) => best = Some(reading),
            _ => {}
        }
    }
    best.cloned().unwrap_or_else(|| Reading::missing(Cause::NoData, "none of its sources was read"))
}

/// One line for people and evidence, without secrets.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh(question) => f.write_str(&first_line(&question.run)),
            Self::Powershell(question) => f.write_str(&first_line(question.run.text())),
            Self::Cli(question) => f.write_str(&first_line(&question.run.to_string())),
            Self::SshSession(_) => f.write_str("what the SSH session negotiated"),
            Self::Snmp(question) => {
                let (get, walk) = (question.get.join(" "), question.walk.join(" "));
                let parts = [("get", get), ("walk", walk)]
                    .map(|(verb, oids)| if oids.is_empty() { String::new() } else { format!("{verb} {oids}") });
                f.write_str(parts.join(" ").trim())
            }
            Self::SnmpProduct(products) => {
                let first = products.first_question().get.join(" ");
                write!(f, "get {first}, then the objects of the product that these name")
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
            Self::Modbus(question) => {
                write!(f, "Modbus device identification of unit {} on {}", question.unit, question.port)
            }
            Self::OpcUa(question) => write!(f, "OPC UA GetEndpoints on {}", ports(&question.ports)),
            Self::Mqtt(question) => {
                let asked = if question.login { "MQTT connect without a name to" } else { "MQTT ports" };
                write!(f, "{asked} {}, with TLS {}", ports(&question.plain_ports), ports(&question.tls_ports))
            }
            Self::S7(question) => {
                let slots: Vec<String> = question.slots.iter().map(u8::to_string).collect();
                write!(f, "S7 identity of rack {} slot {} on {}", question.rack, slots.join(", "), question.port)
            }
            Self::Enip(question) => write!(f, "EtherNet/IP List Identity on {}", question.port),
            Self::Bacnet(question) => write!(f, "BACnet device identity on UDP {}", question.port),
            Self::Exec(question) => write!(f, "{} {}", question.program, first_line(&question.args.join(" "))),
            Self::Derived(Derived::Lifecycle(source)) => write!(f, "support dates of what {source} names"),
            Self::Derived(Derived::Restart(source)) => write!(f, "the last start by the clocks of {source}"),
            Self::Derived(Derived::Health(_)) => f.write_str("what the monitor has judged so far"),
            Self::Derived(Derived::Register(_)) => f.write_str("the inventory, entry by entry"),
            Self::Derived(Derived::FirstOf(sources)) => {
                let names: Vec<&str> = sources.iter().map(FactId::as_str).collect();
                write!(f, "the first that is known of {}", names.join(", "))
            }
            Self::Reach(question) => f.write_str(&reached(question)),
            Self::Derived(Derived::Zone(_)) => f.write_str("what the inventory says of its zone"),
            Self::Derived(Derived::Matrix(source)) => write!(f, "{source} laid over zones and conduits"),
            Self::Derived(Derived::Proof(source)) => write!(f, "whether every cell of {source} shows something"),
            Self::Derived(Derived::Device(_)) => f.write_str("what the device says of itself, put together"),
            Self::Derived(Derived::Advisories(source)) => write!(f, "what advisories say of {source}"),
            Self::Derived(Derived::Firmware(source)) => write!(f, "the release date of the version in {source}"),
            Self::Derived(Derived::Feeds(_)) => f.write_str("the feed folder, kind by kind"),
            Self::Derived(Derived::Presence(_)) => f.write_str("when each device was last judged"),
            Self::Derived(Derived::Partner(_)) => f.write_str("how the members of the pair were last judged"),
            Self::Derived(Derived::Copies(_)) => f.write_str("where the repositories stand, and what was signed"),
            Self::Derived(Derived::Attestation(statements)) => write!(f, "what was signed for {}", statements.check),
            Self::Derived(Derived::Duty(register)) => f.write_str(match register {
                DutyRegister::Waivers => "the register of waivers",
                DutyRegister::Suppliers => "the supplier register",
                DutyRegister::Support => "the end of support in inventory, supplier register and lifecycle table",
                DutyRegister::Incidents => "the register of incidents and its deadlines",
                DutyRegister::Contacts => "the list of contacts",
                DutyRegister::Rooms => "the rooms and what stands in them",
            }),
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
    if ports.is_empty() {
        return "no port: none is configured".to_owned();
    }
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
