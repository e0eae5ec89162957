//! A real Prometheus that scrapes one daemon every second.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::{Guard, request, until};

/// A running Prometheus.
pub(crate) struct Prometheus {
    port: u16,
    _process: Guard,
    _folder: TempDir,
}

impl Prometheus {
    pub(crate) fn scraping(port: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let config = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: nis2watch\n    static_configs: [{{ targets: ['127.0.0.1:{port}'] }}]\n"
        );
        Self::start(folder, &config)
    }

    /// The same with the rules of `deploy/prometheus`, which are looked at every second and end soon, and an Alertmanager.
    pub(crate) fn alerting(port: u16, instance: &str, alertmanager: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/nis2watch-rules.yml");
        let mut rules = std::fs::read_to_string(rules).unwrap();
        for (long, short) in [("interval: 1m", "interval: 1s"), ("keep_firing_for: 30m", "keep_firing_for: 2s")] {
            assert!(rules.contains(long), "the rules have no {long:?} any more");
            rules = rules.replace(long, short);
        }
        std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [rules.yml]\n\
             alerting: {{ alertmanagers: [{{ static_configs: [{{ targets: ['127.0.0.1:{alertmanager}'] }}] }}] }}\n\
             scrape_configs:\n  - job_name: nis2watch\n    static_configs:\n      \
             - {{ targets: ['127.0.0.1:{port}'], labels: {{ instance: {instance} }} }}\n"
        );
        Self::start(folder, &config)
    }

    fn start(folder: TempDir, config: &str) -> Self {
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("prometheus");
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"]);
        command.current_dir(&folder).stderr(std::fs::File::create(&log).unwrap());
        let mut process = Guard::spawn(&mut command);
        let port = until("Prometheus listens", Duration::from_secs(30), || {
            assert!(process.is_running(), "Prometheus ended: {}", std::fs::read_to_string(&log).unwrap());
            let log = std::fs::read_to_string(&log).unwrap();
            let line = log.lines().find(|line| line.contains("Listening on") && line.contains("127.0.0.1:"))?;
            line.rsplit("127.0.0.1:").next()?.trim_end_matches('"').parse().ok()
        });
        Self { port, _process: process, _folder: folder }
    }

    /// The result of an instant query; empty while nothing was scraped.
    pub(crate) fn query(&self, expression: &str) -> Vec<Value> {
        let path = format!("/api/v1/query?query={expression}");
        let Some(reply) = request("GET", self.port, &path, &[]) else { return Vec::new() };
        let Ok(answer) = serde_json::from_str::<Value>(&reply.body) else { return Vec::new() };
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }
}
