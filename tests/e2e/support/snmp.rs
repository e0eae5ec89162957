//! net-snmp's agent.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Guard;

/// What every agent here says about itself.
const SYSTEM: &str = "sysDescr Managed switch, firmware 4.2.1\nsysLocation Hall 3, cell 1\n\
                      sysContact ot@lab.invalid\nsysName sw1\nsysObjectID .1.3.6.1.4.1.8072.3.2.10\n";

/// A running agent.
pub(crate) struct Snmpd {
    pub(crate) port: u16,
    _process: Guard,
    _folder: TempDir,
}

impl Snmpd {
    /// Starts one with these lines in its configuration.
    pub(crate) fn start(lines: &str) -> Self {
        // another program may take the port between the look and the start
        (0..5).find_map(|_| Self::try_start(lines)).expect("snmpd starts")
    }

    fn try_start(lines: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.path().join("snmpd.conf");
        std::fs::write(&config, format!("{SYSTEM}{lines}\n")).unwrap();
        let mut command = Command::new("snmpd");
        command.args(["-f", "-Lo", "-C", "-I", "-smux", "-c"]).arg(&config).arg(format!("udp:127.0.0.1:{port}"));
        command.env("MIBS", "").env("SNMP_PERSISTENT_DIR", folder.path().join("persist"));
        command.env("SNMPCONFPATH", folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let path = std::env::var("PATH").unwrap_or_default();
        let mut process = Guard::spawn(command.env("PATH", format!("{path}:/usr/sbin:/sbin")));
        let mut said = BufReader::new(process.child().stdout.take().unwrap()).lines().map_while(Result::ok);
        // its last word before it answers
        said.find(|line| line.starts_with("NET-SNMP version"))?;
        std::thread::spawn(move || said.for_each(drop));
        process.is_running().then_some(Self { port, _process: process, _folder: folder })
    }
}
