//! What there is to see in the plant, in a line a device.

use std::net::Ipv4Addr;

use super::stage::Stage;

/// One device and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// Its id in the inventory.
    pub asset: &'static str,
    /// Its zone.
    pub zone: &'static str,
    /// Where it stands; nowhere for what is judged on paper.
    pub address: Option<Ipv4Addr>,
    /// What to look at.
    pub shows: &'static str,
}

/// The one that has no address: the plant as an organisation.
const PAPER: &str = "org";

const SCENES: [(&str, &str, &str); 16] = [
    ("web-01", "office", "kept well: everything passes"),
    ("files-01", "office", "forgotten: root login, one factor, late updates, old hashes, telnet"),
    ("print-01", "office", "SNMP answers to public, which is waived; the web page is in clear text"),
    ("ups-01", "office", "SNMPv3 with encryption only: passes"),
    ("silent-01", "office", "answers nobody: unknown with cause timeout, never green"),
    ("hostile-01", "office", "floods, drips and garbles: unknown or fail, and nobody else is held up"),
    ("mes-01", "production", "drifts: root login and telnet come up, and go away again"),
    ("hist-01", "production", "CentOS 7, without security updates since June 2024"),
    ("backup-01", "production", "sudo refuses the monitor: unknown with cause privilege, the rest is judged"),
    ("sw-01", "cell-1", "SNMPv3 switch: what SNMP tells passes; without a login, its configuration is unknown"),
    ("gw-01", "cell-1", "remote access with one factor, the certificate ends in 20 days"),
    ("gw-02", "cell-1", "telnet and a clear-text page"),
    ("cam-01", "cell-1", "TLS 1.0, an ended certificate, old firmware, SNMP answers to public"),
    ("plc-01", "cell-1", "ports are looked at, not one byte is sent to Modbus"),
    ("plc-02", "cell-1", "three connections an hour allowed: unknown with cause gated"),
    ("org", "none", "duties: what people signed, what is over, and what nobody has signed yet"),
];

/// All of them.
pub(super) fn scenes(stage: &Stage) -> Vec<Scene> {
    let scene =
        |(asset, zone, shows)| Scene { asset, zone, address: (asset != PAPER).then(|| stage.address(asset)), shows };
    SCENES.into_iter().map(scene).collect()
}
