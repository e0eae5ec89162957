//! Builds again when a catalogue file or a runbook changes: the files are part of the binary.

fn main() {
    println!("cargo:rerun-if-changed=checks");
    println!("cargo:rerun-if-changed=docs/runbooks");
}
