//! A real Alertmanager with the sample of `deploy/alertmanager`: its waits shortened, its receivers on loopback.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::{Guard, Hook, until};

/// Waits of the sample, and what they are here. The time after which a message is repeated stays.
const SHORTER: [(&str, &str); 4] = [
    ("group_wait: 30s", "group_wait: 1s"),
    ("group_wait: 10s", "group_wait: 1s"),
    ("group_interval: 5m", "group_interval: 1s"),
    ("group_interval: 1m", "group_interval: 1s"),
];

/// A running Alertmanager.
pub(crate) struct Alertmanager {
    pub(crate) port: u16,
    _process: Guard,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts it. Whatever it sends goes to the hook, to a path that is named as the receiver.
    pub(crate) fn telling(hook: &Hook) -> Self {
        let folder = TempDir::new().unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/alertmanager/alertmanager.yml");
        let sample = std::fs::read_to_string(sample).unwrap();
        std::fs::write(folder.path().join("alertmanager.yml"), on_loopback(&sample, hook.port)).unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("prometheus-alertmanager");
        command.args(["--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address="]);
        command.arg("--web.listen-address=127.0.0.1:0");
        command.current_dir(&folder).stderr(std::fs::File::create(&log).unwrap());
        let mut process = Guard::spawn(&mut command);
        let port = until("Alertmanager listens", Duration::from_secs(30), || {
            let log = std::fs::read_to_string(&log).unwrap();
            assert!(process.is_running(), "Alertmanager ended: {log}");
            let line = log.lines().find(|line| line.contains("Listening on"))?;
            line.rsplit("127.0.0.1:").next()?.parse().ok()
        });
        Self { port, _process: process, _folder: folder }
    }
}

fn on_loopback(sample: &str, port: u16) -> String {
    let redirected = |line: &str| {
        if let Some(name) = line.trim().strip_prefix("- name: ").filter(|name| *name != "working-hours") {
            return format!("{line}\n    webhook_configs: [{{ url: \"http://127.0.0.1:{port}/{name}\" }}]\n");
        }
        let sends = ["webhook_configs:", "email_configs:"].iter().any(|way| line.contains(way));
        if sends { String::new() } else { format!("{line}\n") }
    };
    let mut text = sample.lines().map(redirected).collect::<Vec<_>>().concat();
    for (long, short) in SHORTER {
        assert!(text.contains(long), "the sample has no {long:?} any more");
        text = text.replace(long, short);
    }
    text
}
