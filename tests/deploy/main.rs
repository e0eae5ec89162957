//! What ships beside the program: files for hosts, units, manifests, rules, dashboards, examples and the lists in the docs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod dashboards;
mod examples;
mod exported;
mod host;
mod prometheus;
mod rendered;
mod ssh;

use std::path::{Path, PathBuf};

use tokio::process::Command;

/// A path below the root of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the repository.
fn text(path: &str) -> String {
    let path = repository(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a program that must succeed; returns what it printed.
async fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; tests/install.sh installs it"));
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{said}\n{complained}", output.status);
    said.into_owned()
}
