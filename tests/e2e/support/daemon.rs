//! The daemon, started as a service manager starts it.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::{Guard, Metrics, Plant, Reply, request, until};

/// Longest start.
const START: Duration = Duration::from_secs(30);

/// A running daemon.
pub(crate) struct Daemon {
    pub(crate) port: u16,
    process: Guard,
    log: PathBuf,
}

impl Daemon {
    /// Starts it on a plant and waits until it watches.
    pub(crate) fn start(plant: &Plant) -> Self {
        let mut daemon = Self::spawn(plant);
        daemon.port = until("the daemon watches", START, || {
            assert!(daemon.process.is_running(), "the daemon ended: {}", daemon.log());
            daemon.said("watching").first().map(port)
        });
        daemon
    }

    /// Starts it and waits for nothing.
    pub(crate) fn spawn(plant: &Plant) -> Self {
        let log =
            (0..100).map(|number| plant.path(&format!("daemon-{number}.log"))).find(|path| !path.exists()).unwrap();
        let file = std::fs::File::create(&log).unwrap();
        let mut command = plant.command(&["run", "--config", "nis2watch.yaml"]);
        Self { port: 0, process: Guard::spawn(command.stdout(file.try_clone().unwrap()).stderr(file)), log }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        request("GET", self.port, path, &[]).expect("the daemon answers")
    }

    pub(crate) fn post(&self, path: &str) -> Reply {
        request("POST", self.port, path, &[]).expect("the daemon answers")
    }

    pub(crate) fn metrics(&self) -> Metrics {
        let reply = self.get("/metrics");
        assert_eq!(reply.status, 200, "{reply:?}");
        Metrics(reply.body)
    }

    /// The state of a pair as a number; `None` before it is judged.
    pub(crate) fn state(&self, asset: &str, check: &str) -> Option<f64> {
        self.metrics().value("nis2watch_check_state", &[("asset", asset), ("check", check)])
    }

    /// Waits until a pair is in a state.
    pub(crate) fn until_state(&self, asset: &str, check: &str, state: f64, limit: Duration) {
        let what = format!("{asset} {check} is {state}");
        until(&what, limit, || self.state(asset, check).filter(|now| (now - state).abs() < 0.1));
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        self.process.signal(signal);
    }

    pub(crate) fn ended(&mut self, limit: Duration) -> ExitStatus {
        self.process.ended(limit)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The events with this message.
    pub(crate) fn said(&self, message: &str) -> Vec<Value> {
        let lines = self.log();
        let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|event| event["message"] == message).collect()
    }
}

fn port(event: &Value) -> u16 {
    event["address"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}
