//! Starts the real servers of tests/ot/peers.py, and mosquitto. Skipped where they are not installed, but not in CI.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Starting an interpreter on a busy machine takes its time.
const START: Duration = Duration::from_mins(1);

/// A server on a free port, ended with the test.
pub(super) struct Server {
    pub(super) port: u16,
    _child: Child,
}

/// Starts a peer by name; `None` where the industrial servers are not installed.
pub(super) async fn peer(name: &str, arguments: &[&str]) -> Option<Server> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/ot-venv/bin/python");
    if is_missing(&python) {
        return None;
    }
    for _ in 0..3 {
        let port = free_port(name == "bacnet");
        let mut command = Command::new(&python);
        command.arg(root.join("tests/ot/peers.py")).arg(name).arg(port.to_string()).args(arguments);
        if let Some(server) = started(command, port, "ready").await {
            return Some(server);
        }
    }
    panic!("{name} did not start");
}

/// Starts mosquitto with these lines of configuration, in which `PORT` stands for its port.
pub(super) async fn mosquitto(folder: &Path, configuration: &str) -> Option<Server> {
    let program = PathBuf::from("/usr/sbin/mosquitto");
    if is_missing(&program) {
        return None;
    }
    for _ in 0..3 {
        let port = free_port(false);
        let file = folder.join(format!("mosquitto-{port}.conf"));
        std::fs::write(&file, configuration.replace("PORT", &port.to_string())).unwrap();
        let mut command = Command::new(&program);
        command.arg("-c").arg(&file);
        if let Some(server) = started(command, port, "running").await {
            return Some(server);
        }
    }
    panic!("mosquitto did not start");
}

fn is_missing(program: &Path) -> bool {
    let missing = !program.exists();
    assert!(!missing || std::env::var_os("CI").is_none(), "{} is missing in CI", program.display());
    if missing {
        eprintln!("skipped: {} is not there; run tests/install.sh", program.display());
    }
    missing
}

/// Waits for the word on its standard error that says it is there; `None` when the server ended instead.
async fn started(mut command: Command, port: u16, word: &str) -> Option<Server> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains(word) {
                return true;
            }
        }
        false
    };
    if !timeout(START, said).await.unwrap_or(false) {
        return None;
    }
    // a server that fills its pipe would stop
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Some(Server { port, _child: child })
}

#[expect(clippy::disallowed_methods, reason = "looks for a free port")]
fn free_port(udp: bool) -> u16 {
    let address = if udp {
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr()
    } else {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr()
    };
    address.unwrap().port()
}
