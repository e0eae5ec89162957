//! A folder with a configuration and an inventory, and the program run on it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use super::Guard;

/// Longest run of a command.
const LONGEST: Duration = Duration::from_secs(90);
/// The daemon spreads first visits over this span, by a hash of the asset.
const FIRST_ROUND_MILLIS: u64 = 20_000;

/// What every configuration here begins with.
const HEAD: &str = r#"
site: lab
store: { path: store.db }
api: { listen: "127.0.0.1:0" }
telemetry: { format: json }
zones:
  - { id: office, role: it }
  - { id: dmz, role: dmz }
  - { id: cell-1, role: control }
"#;

/// A configuration and all that belongs to it.
pub(crate) struct Plant {
    folder: TempDir,
}

impl Plant {
    /// A plant with the usual head, these further keys, and these assets in `assets.yaml`.
    pub(crate) fn new(settings: &str, assets: &str) -> Self {
        let plant = Self { folder: TempDir::new().unwrap() };
        plant.configure(&format!("inventory: [assets.yaml]\n{settings}"));
        plant.write("assets.yaml", assets);
        plant
    }

    /// The same with these checks (`pack/check-id`) of the catalogue alone, so that a visit is short.
    pub(crate) fn of_checks(checks: &[&str], settings: &str, assets: &str) -> Self {
        let plant = Self::new(&format!("catalog: {{ builtin: false, extra: [checks] }}\n{settings}"), assets);
        let copy =
            |name: &str| plant.write(&format!("checks/{name}"), &std::fs::read_to_string(catalogue(name)).unwrap());
        for check in checks {
            let (pack, _) = check.split_once('/').unwrap();
            copy(&format!("{pack}/pack.yaml"));
            copy(&format!("{check}.yaml"));
        }
        for folder in ["controls", "facts/http", "facts/linux", "facts/snmp", "facts/ssh", "facts/tcp", "facts/tls"] {
            let entries = std::fs::read_dir(catalogue(folder)).unwrap();
            for entry in entries.filter(|entry| entry.as_ref().unwrap().path().is_file()) {
                copy(&format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()));
            }
        }
        plant
    }

    /// Writes the configuration anew: the usual head and these keys.
    pub(crate) fn configure(&self, settings: &str) {
        self.write("nis2watch.yaml", &format!("{HEAD}{settings}"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        self.write(name, text);
        self.allow(name, 0o600);
    }

    /// Sets the permissions of a file.
    pub(crate) fn allow(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The program, in this folder, without anything of our own environment that it would listen to.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nis2watch"));
        let strangers = std::env::vars_os().map(|(name, _)| name);
        strangers.filter(|name| name.to_string_lossy().starts_with("NIS2WATCH")).for_each(|name| {
            command.env_remove(name);
        });
        command.args(words).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Runs a command on this configuration and waits for its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.run_plain(&[words, &["--config", "nis2watch.yaml"]].concat())
    }

    /// Runs a command that takes no configuration.
    pub(crate) fn run_plain(&self, words: &[&str]) -> Ran {
        self.begin(words).end()
    }

    /// Starts a command.
    pub(crate) fn begin(&self, words: &[&str]) -> Running {
        // files, not pipes: nobody has to read while it runs
        let files = TempDir::new().unwrap();
        let create = |name: &str| std::fs::File::create(files.path().join(name)).unwrap();
        let child = Guard::spawn(self.command(words).stdout(create("out")).stderr(create("err")));
        Running { child, files }
    }

    /// Runs `check --format json` with these further words.
    pub(crate) fn check(&self, words: &[&str]) -> Ran {
        self.run(&[&["check", "--format", "json"], words].concat())
    }

    /// What `facts` says about an asset.
    pub(crate) fn facts(&self, asset: &str, words: &[&str]) -> Value {
        let ran = self.run(&[&["facts", "--format", "json", "--asset", asset], words].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.json()
    }
}

/// A file or folder of the catalogue that the program carries.
fn catalogue(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("checks").join(name)
}

/// A command that was started.
pub(crate) struct Running {
    pub(crate) child: Guard,
    files: TempDir,
}

impl Running {
    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let code = self.child.ended(LONGEST).code().unwrap_or(-1);
        let read = |name: &str| std::fs::read_to_string(self.files.path().join(name)).unwrap();
        Ran { code, out: read("out"), err: read("err") }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The result of one pair in the JSON of `check`.
    pub(crate) fn result(&self, asset: &str, check: &str) -> Value {
        let report = self.json();
        let results = report["results"].as_array().unwrap().iter();
        let mut found = results.filter(|one| one["asset"] == asset && one["check"] == check);
        found.next().unwrap_or_else(|| panic!("no {asset} {check} in {}", self.out)).clone()
    }

    /// The state of one pair, with the cause behind it where there is one: `unknown timeout`.
    pub(crate) fn state(&self, asset: &str, check: &str) -> String {
        let result = self.result(asset, check);
        let word = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("state"), word("cause")).trim_end().to_owned()
    }

    pub(crate) fn reason(&self, asset: &str, check: &str) -> String {
        self.result(asset, check)["reason"].as_str().unwrap().to_owned()
    }
}

/// A name for an asset whose first visit by a daemon that starts now comes soon. The daemon spreads first visits over
/// twenty seconds; with any other name a test would only take longer.
pub(crate) fn early(stem: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    let wait = |name: &str| {
        (fnv(name) % FIRST_ROUND_MILLIS + FIRST_ROUND_MILLIS - now % FIRST_ROUND_MILLIS) % FIRST_ROUND_MILLIS
    };
    (0..10_000).map(|number| format!("{stem}-{number}")).find(|name| (1_500..3_000).contains(&wait(name))).unwrap()
}

/// FNV-1a, as the daemon uses it for this.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
