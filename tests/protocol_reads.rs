//! Identity reads over control protocols: nothing is sent to a controller before its asset allows it and a window is open.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::Timelike;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

/// Longest run of the program.
const PATIENCE: Duration = Duration::from_mins(1);
/// Vendor, product code and revision as one answer to Read Device Identification.
const IDENTITY: &[u8] =
    b"\x00\x01\x00\x00\x00\x1f\xff\x2b\x0e\x01\x01\x00\x00\x03\x00\x07Example\x01\x03X-7\x02\x05V1.20";

/// A controller that counts who comes.
async fn controller() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut question = [0; 64];
                while matches!(stream.read(&mut question).await, Ok(1..)) {
                    stream.write_all(&length_corrected(IDENTITY)).await.ok();
                }
            });
        }
    });
    (address, count)
}

fn length_corrected(answer: &[u8]) -> Vec<u8> {
    let mut answer = answer.to_vec();
    answer[5] = u8::try_from(answer.len() - 6).unwrap();
    answer
}

/// Runs the program on one controller and returns what it prints.
async fn run(folder: &Path, port: u16, switches: &str, window: &str, arguments: &[&str]) -> serde_json::Value {
    let config = format!(
        "site: lab\ntimezone: UTC\ninventory: [assets.yaml]\nstore: {{ path: {}/store.db }}\n\
         zones:\n  - {{ id: cell-1, role: control }}\n\
         windows:\n  - {{ name: maintenance, {window}, effects: [intrusive] }}\n",
        folder.display()
    );
    std::fs::write(folder.join("nis2watch.yaml"), config).unwrap();
    let assets = format!(
        "- id: plc-1\n  address: 127.0.0.1\n  zone: cell-1\n  kind: plc\n  vendor: Example\n  product: X-7\n  version: V1.20\n  \
         services: [modbus]\n  windows: [maintenance]\n  params: {{ modbus-identity: {{ port: {port} }} }}\n{switches}"
    );
    std::fs::write(folder.join("assets.yaml"), assets).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nis2watch"));
    command.args(arguments).arg("--config").arg(folder.join("nis2watch.yaml")).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

const CHECK: [&str; 7] = ["check", "--asset", "plc-1", "--check", "modbus-identity", "--format", "json"];
const FACTS: [&str; 7] = ["facts", "--asset", "plc-1", "--fact", "ot.modbus", "--format", "json"];
/// Always open.
const OPEN: &str = "opens: \"0 0 * * *\", lasts: 24h";
const ALLOWED: &str = "  allow_protocol_reads: true\n";

/// A window of one hour that opens in twelve.
fn shut() -> String {
    format!("opens: \"0 {} * * *\", lasts: 1h", (chrono::Utc::now().hour() + 12) % 24)
}

fn state(report: &serde_json::Value) -> (String, String, String) {
    let result = &report["results"][0];
    let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("cause"), text("reason"))
}

#[tokio::test]
async fn a_controller_is_asked_only_when_its_asset_allows_it_and_a_window_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let (address, connections) = controller().await;
    let port = address.port();
    let came = || connections.load(Ordering::SeqCst);

    let (word, cause, reason) = state(&run(folder.path(), port, "", OPEN, &CHECK).await);
    assert_eq!((word.as_str(), cause.as_str(), came()), ("unknown", "gated", 0));
    assert!(reason.contains("allow_protocol_reads"), "{reason}");

    let intrusive = "  allow_intrusive: true\n";
    let (word, cause, _) = state(&run(folder.path(), port, intrusive, OPEN, &CHECK).await);
    assert_eq!((word.as_str(), cause.as_str(), came()), ("unknown", "gated", 0), "another switch");

    let (word, cause, reason) = state(&run(folder.path(), port, ALLOWED, &shut(), &CHECK).await);
    assert_eq!((word.as_str(), cause.as_str(), came()), ("unknown", "gated", 0));
    assert!(reason.contains("window"), "{reason}");

    let (word, _, reason) = state(&run(folder.path(), port, ALLOWED, OPEN, &CHECK).await);
    assert_eq!((word.as_str(), came()), ("pass", 1), "{reason}");
}

#[tokio::test]
async fn asking_for_facts_by_hand_is_no_way_around_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let (address, connections) = controller().await;
    let port = address.port();
    let facts = run(folder.path(), port, ALLOWED, &shut(), &FACTS).await;
    assert_eq!(connections.load(Ordering::SeqCst), 0, "{facts}");
    let facts = run(folder.path(), port, ALLOWED, OPEN, &FACTS).await;
    assert_eq!(facts["facts"]["ot"]["modbus"]["vendor"], "Example", "{facts}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
