//! The files of a run: configuration, inventory, and secrets that only the owner can read.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::agent::Passwords;
use super::cast::Block;

const CONFIG: &str = include_str!("plant/nis2watch.yaml");
const ASSETS: &str = include_str!("plant/assets.yaml");
/// Read and written by the owner alone.
const SECRET: u32 = 0o600;
/// Read by everybody.
const PLAIN: u32 = 0o644;

/// What the files tell of a run.
pub(super) struct Contents<'a> {
    /// Where the devices stand.
    pub(super) block: Block,
    /// Fingerprints of host keys by asset.
    pub(super) pins: &'a BTreeMap<&'static str, String>,
    /// The monitor's private key.
    pub(super) key: &'a str,
    /// The monitor's SNMP passwords.
    pub(super) passwords: &'a Passwords,
}

/// Writes all files and returns the configuration. What is there already is never overwritten.
pub(super) fn write(folder: &Path, contents: &Contents<'_>) -> io::Result<PathBuf> {
    let config = folder.join("nis2watch.yaml");
    put(&config, &contents.block.fill(CONFIG), PLAIN)?;
    put(&folder.join("assets.yaml"), &assets(contents.block, contents.pins), PLAIN)?;
    put(&folder.join("id_ed25519"), contents.key, SECRET)?;
    put(&folder.join("snmp-auth"), &contents.passwords.auth, SECRET)?;
    put(&folder.join("snmp-privacy"), &contents.passwords.privacy, SECRET)?;
    put(&folder.join("snmp-community"), "public", SECRET)?;
    Ok(config)
}

fn put(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

/// The inventory with addresses, ports and fingerprints filled in.
fn assets(block: Block, pins: &BTreeMap<&'static str, String>) -> String {
    pins.iter().fold(block.fill(ASSETS), |text, (asset, pin)| text.replace(&format!("PIN({asset})"), pin))
}
