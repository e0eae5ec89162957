//! The files of a run: configuration, inventory, and secrets that only the owner can read.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, Utc};

use super::agent::Passwords;
use super::cast::Block;

const CONFIG: &str = include_str!("plant/nis2watch.yaml");
const ASSETS: &str = include_str!("plant/assets.yaml");
/// What people signed and accepted.
const PAPERS: [(&str, &str); 2] = [
    ("attestations.yaml", include_str!("plant/attestations.yaml")),
    ("waivers.yaml", include_str!("plant/waivers.yaml")),
];
/// Invented feeds, all of whose dates lie before [`SAMPLE_DAY`].
const FEEDS: [(&str, &str); 5] = [
    ("kev.json", include_str!("../feeds/samples/kev.json")),
    ("epss.csv", include_str!("../feeds/samples/epss.csv")),
    ("nha-2099-001.json", include_str!("../feeds/samples/csaf/nha-2099-001.json")),
    ("ex-2099-014.json", include_str!("../feeds/samples/csaf/ex-2099-014.json")),
    ("ex-2099-021.json", include_str!("../feeds/samples/csaf/ex-2099-021.json")),
];
/// The day after the newest date of the feeds, which stands for today: a feed of another century would count as broken.
const SAMPLE_DAY: &str = "2099-06-29";
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
    let feeds = folder.join("feeds");
    std::fs::create_dir(&feeds)?;
    let today = Utc::now().date_naive();
    for (name, text) in FEEDS {
        put(&feeds.join(name), &dated(text, today), PLAIN)?;
    }
    for (name, text) in PAPERS {
        put(&folder.join(name), &dated(text, today), PLAIN)?;
    }
    Ok(config)
}

fn put(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

/// A feed with its dates moved so that they lie before today as they lay before their own day.
fn dated(text: &str, today: NaiveDate) -> String {
    let Ok(sample_day) = SAMPLE_DAY.parse::<NaiveDate>() else { return text.to_owned() };
    let mut moved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("2099-").into_iter().chain(rest.find("2098-")).min() {
        moved.push_str(&rest[..at]);
        // ids such as CVE-2099-10001 have no date behind their year
        let date = rest.get(at..at + 10).and_then(|date| date.parse::<NaiveDate>().ok());
        let length = if date.is_some() { 10 } else { 5 };
        match date {
            Some(date) => moved.push_str(&(today + (date - sample_day)).to_string()),
            None => moved.push_str(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
    }
    moved + rest
}

/// The inventory with addresses, ports and fingerprints filled in.
fn assets(block: Block, pins: &BTreeMap<&'static str, String>) -> String {
    pins.iter().fold(block.fill(ASSETS), |text, (asset, pin)| text.replace(&format!("PIN({asset})"), pin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_move_and_ids_stay() {
        let today = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let text = "CVE-2099-10001 NHA-2099-001 2099-06-28T17:00:00Z";
        assert_eq!(dated(text, today), "CVE-2099-10001 NHA-2099-001 2025-12-31T17:00:00Z");
    }
}
