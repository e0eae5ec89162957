//! Builds again when a catalogue file changes: the files are part of the binary.

fn main() {
    println!("cargo:rerun-if-changed=checks");
}
