//! Who plays in the plant: every device, where it stands and what it runs.
//!
//! The inventory that goes with it is `plant/assets.yaml`.

use std::net::Ipv4Addr;

use super::agent::Door;
use super::host::Age;
use super::web::Page;

// Usual ports; a device really stands at `Block::port` of them, because those below 1024 need root.
/// FTP, at which nobody listens.
const FTP: u16 = 21;
/// SSH.
pub(super) const SSH: u16 = 22;
/// Telnet.
pub(super) const TELNET: u16 = 23;
/// Web pages in the clear.
pub(super) const HTTP: u16 = 80;
/// SNMP.
pub(super) const SNMP: u16 = 161;
/// Web pages inside TLS.
pub(super) const HTTPS: u16 = 443;
/// Modbus.
pub(super) const MODBUS: u16 = 502;
/// Raw printing.
pub(super) const PRINTING: u16 = 9_100;
/// Industrial services that are looked for: S7, MQTT, IEC 104, OPC UA, MQTT inside TLS.
const INDUSTRIAL: [u16; 5] = [102, 1_883, 2_404, 4_840, 8_883];
/// All ports that inventory and recordings speak of.
const PORTS: [u16; 8] = [FTP, SSH, TELNET, HTTP, SNMP, HTTPS, MODBUS, PRINTING];
/// How far services stand above their usual ports: beyond what needs root, below what Linux hands out (32768 and up).
const SHIFTS: [u16; 4] = [20_000, 21_000, 22_000, 23_000];

/// Stands in a text for the first two numbers of the addresses.
const NET: &str = "NET.";
/// The host that drifts.
pub(super) const DRIFTER: &str = "mes-01";

/// Where one run stands: a /16 of loopback, and ports above the usual ones. A program that listens at all addresses, as
/// network daemons do, takes a port from every block, so both differ between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    net: u8,
    shift: u16,
}

impl Block {
    /// Any but the ends, which people use themselves; ports shift with the attempt, counted from 0.
    pub(super) fn random(attempt: usize) -> Self {
        Self { net: rand::random_range(1..=254), shift: SHIFTS[attempt % SHIFTS.len()] }
    }

    /// Where a device stands: zone and number.
    pub(super) const fn address(self, place: (u8, u8)) -> Ipv4Addr {
        Ipv4Addr::new(127, self.net, place.0, place.1)
    }

    /// Where a service stands, by its usual port.
    pub(super) const fn port(self, usual: u16) -> u16 {
        self.shift + usual
    }

    /// Fills in the places that a text leaves open: `NET.1.10` and `{port 22}`.
    pub(super) fn fill(self, text: &str) -> String {
        let text = text.replace(NET, &format!("127.{}.", self.net));
        let port = |text: String, usual| text.replace(&format!("{{port {usual}}}"), &self.port(usual).to_string());
        PORTS.into_iter().chain(INDUSTRIAL).fold(text, port)
    }
}

/// One device.
pub(super) struct Device {
    /// Its id in the inventory.
    pub(super) id: &'static str,
    /// Zone and number: the last two parts of its address.
    pub(super) place: (u8, u8),
    /// What it runs.
    pub(super) services: &'static [Service],
}

/// What a device runs, each at its port.
pub(super) enum Service {
    /// A Linux host.
    Ssh(&'static Ssh),
    /// An SNMP agent: who may ask, and its table.
    Snmp(Door, &'static str),
    /// A page in the clear.
    Http(Page),
    /// A page inside TLS, and the days that its certificate has left.
    Https(Page, i64),
    /// The same down to TLS 1.0.
    OldHttps(Page, i64),
    /// A telnet prompt.
    Telnet,
    /// A port that takes what comes and counts it.
    Counter(u16),
    /// A port that answers nobody.
    Silence(u16),
    /// Lines without end where SSH should be.
    EndlessBanner,
    /// A page without end.
    DrippingPage,
    /// Garbage where TLS should be.
    NoTls,
    /// Garbage where SNMP should be.
    GarbageAgent,
}

/// What makes a Linux host.
pub(super) struct Ssh {
    pub(super) banner: &'static str,
    pub(super) age: Age,
    /// What it answers.
    pub(super) usual: &'static str,
    /// What it answers otherwise while it has drifted.
    pub(super) drifted: &'static str,
    /// Whether the monitor's account may become root.
    pub(super) grants_root: bool,
}

const PLAIN: Ssh =
    Ssh { banner: "SSH-2.0-OpenSSH_10.0p2 Debian-7", age: Age::Modern, usual: "", drifted: "", grants_root: true };

/// Office, production, cell 1.
pub(super) const CAST: &[Device] = &[
    Device {
        id: "web-01",
        place: (1, 10),
        services: &[
            Service::Ssh(&Ssh { usual: include_str!("plant/hosts/web-01.yaml"), ..PLAIN }),
            Service::Http(Page::Elsewhere(HTTPS)),
            Service::Https(Page::Login { server: "nginx", title: "Intranet" }, 300),
        ],
    },
    Device {
        id: "files-01",
        place: (1, 11),
        services: &[
            Service::Ssh(&Ssh {
                banner: "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.9",
                age: Age::Old,
                usual: include_str!("plant/hosts/files-01.yaml"),
                ..PLAIN
            }),
            Service::Telnet,
        ],
    },
    Device {
        id: "print-01",
        place: (1, 12),
        services: &[
            Service::Snmp(Door::Community("public"), include_str!("plant/agents/print-01.snmprec")),
            Service::Http(Page::Login { server: "HP HTTP Server", title: "LaserJet" }),
            Service::Counter(PRINTING),
        ],
    },
    Device {
        id: "ups-01",
        place: (1, 13),
        services: &[Service::Snmp(Door::User, include_str!("plant/agents/ups-01.snmprec"))],
    },
    Device {
        id: "silent-01",
        place: (1, 14),
        services: &[Service::Silence(SSH), Service::Silence(TELNET), Service::Silence(HTTP), Service::Silence(HTTPS)],
    },
    Device {
        id: "hostile-01",
        place: (1, 15),
        services: &[
            Service::EndlessBanner,
            Service::DrippingPage,
            Service::NoTls,
            Service::GarbageAgent,
            Service::Telnet,
        ],
    },
    Device {
        id: DRIFTER,
        place: (2, 10),
        services: &[Service::Ssh(&Ssh {
            banner: "SSH-2.0-OpenSSH_8.7",
            usual: include_str!("plant/hosts/mes-01.yaml"),
            drifted: include_str!("plant/hosts/mes-01.drifted.yaml"),
            ..PLAIN
        })],
    },
    Device {
        id: "hist-01",
        place: (2, 11),
        services: &[Service::Ssh(&Ssh {
            banner: "SSH-2.0-OpenSSH_7.4",
            age: Age::Old,
            usual: include_str!("plant/hosts/hist-01.yaml"),
            ..PLAIN
        })],
    },
    Device {
        id: "backup-01",
        place: (2, 12),
        services: &[Service::Ssh(&Ssh {
            usual: include_str!("plant/hosts/backup-01.yaml"),
            grants_root: false,
            ..PLAIN
        })],
    },
    Device {
        id: "sw-01",
        place: (3, 10),
        services: &[Service::Snmp(Door::User, include_str!("plant/agents/sw-01.snmprec"))],
    },
    Device {
        id: "gw-01",
        place: (3, 11),
        services: &[
            Service::Ssh(&Ssh {
                banner: "SSH-2.0-OpenSSH_10.0",
                usual: include_str!("plant/hosts/gw-01.yaml"),
                ..PLAIN
            }),
            Service::Https(Page::Login { server: "lighttpd", title: "Remote access" }, 20),
            Service::Snmp(Door::User, include_str!("plant/agents/gw-01.snmprec")),
        ],
    },
    Device {
        id: "gw-02",
        place: (3, 12),
        services: &[Service::Telnet, Service::Http(Page::Login { server: "GoAhead-Webs", title: "Serial gateway" })],
    },
    Device {
        id: "cam-01",
        place: (3, 13),
        services: &[
            Service::Http(Page::Login { server: "mini_httpd", title: "Camera" }),
            Service::OldHttps(Page::Login { server: "mini_httpd", title: "Camera" }, -12),
            Service::Snmp(Door::Community("public"), include_str!("plant/agents/cam-01.snmprec")),
        ],
    },
    Device { id: "plc-01", place: (3, 14), services: &[Service::Counter(MODBUS)] },
    Device { id: "plc-02", place: (3, 15), services: &[Service::Counter(MODBUS)] },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_with_the_addresses_and_ports_of_the_run() {
        let block = Block { net: 7, shift: 21_000 };
        assert_eq!(block.fill("NET.3.14 at [{port 22}, {port 9100}]"), "127.7.3.14 at [21022, 30100]");
        assert_eq!(block.fill("{port 4} and {port"), "{port 4} and {port");
    }

    #[test]
    fn no_service_needs_root_or_stands_among_the_ports_that_linux_hands_out() {
        for (attempt, usual) in (0..SHIFTS.len()).flat_map(|attempt| PORTS.map(|usual| (attempt, usual))) {
            assert!((1_024..32_768).contains(&Block::random(attempt).port(usual)), "{usual}");
        }
    }
}
