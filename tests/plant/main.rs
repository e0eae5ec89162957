//! A plant of network namespaces with a firewall between its zones: what the segmentation checks say of it.
//!
//! The plant and what is expected of it stand in `segmentation.sh`; everything in it ends with its first process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_types, reason = "the plant is a script")]

use std::path::Path;
use std::process::Command;

/// Network, mount and process namespaces of its own; what is started inside dies with the shell.
const ALONE: [&str; 6] = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Says it past the capture of the test runner: a test that did not run must not look like one that passed.
fn skipped(why: &str) {
    let said = format!("SKIPPED: the plant of namespaces: {why}\n");
    std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
}

#[test]
fn the_matrix_follows_the_firewall_and_never_takes_silence_for_a_wall() {
    let permitted = Command::new("unshare").args(ALONE).arg("true").output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        return skipped("this machine does not permit network namespaces (root is needed)");
    }
    for program in ["nft", "ip", "/usr/sbin/sshd", "python3"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        if !found.status.success() {
            return skipped(&format!("{program} is missing; tests/install.sh installs it"));
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plant/segmentation.sh");
    let folder = tempfile::tempdir().unwrap();
    let ran = Command::new("unshare")
        .args(ALONE)
        .arg("bash")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_nis2watch"))
        .arg(folder.path())
        .output()
        .unwrap();
    let (said, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}\n{complained}");
    assert!(said.contains("all as expected"), "{said}\n{complained}");
}
