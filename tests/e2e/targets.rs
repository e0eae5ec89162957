//! Target lists that change by themselves: files, and a server of them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Daemon, Guard, Plant, never, until};

/// Files and servers are looked at every 15 seconds.
const LOOK: Duration = Duration::from_secs(40);

fn list(id: &str) -> String {
    let labels = serde_json::json!({ "id": id, "nis2_zone": "office", "nis2_kind": "web-service" });
    serde_json::json!([{ "targets": ["127.0.0.1:9100"], "labels": labels }]).to_string()
}

/// Python's own server over a folder, and its port.
fn serve(folder: &std::path::Path) -> (Guard, u16) {
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Guard::spawn(&mut command);
    let mut line = String::new();
    BufReader::new(server.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.split(" port ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    (server, port.unwrap_or_else(|| panic!("{line}")))
}

/// A daemon on a folder of target files and a server of lists, each with one asset to begin with.
struct Lists {
    daemon: Daemon,
    server: Guard,
    plant: Plant,
}

impl Lists {
    fn start() -> Self {
        let plant = Plant::new("", "");
        plant.write("files/a.json", &list("file-1"));
        plant.write("lists/targets.json", &list("list-1"));
        let (server, port) = serve(&plant.path("lists"));
        plant.configure(&format!(
            "inventory:\n  - {{ file_sd: files/*.json }}\n  - {{ http_sd: \"http://127.0.0.1:{port}/targets.json\", refresh: 1s }}\n"
        ));
        let lists = Self { daemon: Daemon::start(&plant), server, plant };
        assert!(lists.has("file-1") && lists.has("list-1"));
        lists
    }

    fn has(&self, id: &str) -> bool {
        self.daemon.metrics().sum("nis2watch_asset_info", &[("asset", id)]) > 0.0
    }

    fn failures(&self) -> f64 {
        self.daemon.metrics().value("nis2watch_inventory_refresh_failures_total", &[]).unwrap()
    }
}

pub(crate) fn lists_that_change_are_followed() {
    let lists = Lists::start();
    lists.plant.write("files/b.json", &list("file-2"));
    lists.plant.write("lists/targets.json", &list("list-2"));
    until("the new file is followed", LOOK, || lists.has("file-2").then_some(()));
    until("the new list is followed", LOOK, || lists.has("list-2").then_some(()));
    assert!(lists.has("file-1") && !lists.has("list-1"));
    assert!(lists.failures() < 0.1);
    let told = until("the ledger tells of the change", LOOK, || {
        let exported = lists.plant.run(&["ledger", "export"]).out;
        exported.lines().rfind(|line| line.contains("a target list changed")).map(str::to_owned)
    });
    assert!(told.contains("/targets.json") && told.contains("files/b.json"), "{told}");
}

pub(crate) fn lists_that_fail_leave_what_was_there() {
    let mut lists = Lists::start();
    lists.server.child().kill().unwrap();
    lists.plant.write("files/b.json", "[{");
    until("both failures are counted", LOOK, || (lists.failures() >= 2.0).then_some(()));
    never("an asset left although its list only failed", Duration::from_secs(1), || {
        !(lists.has("file-1") && lists.has("list-1"))
    });
    let is_told = || lists.daemon.metrics().value("nis2watch_inventory_last_refresh_successful", &[]) == Some(0.0);
    until("the refused file stands as refused", LOOK, || is_told().then_some(()));
    let refused = lists.daemon.said("the inventory was refused, the old one stays");
    assert!(refused[0]["mistakes"].as_str().unwrap().contains("files/b.json:1:"), "{refused:?}");
    assert_eq!(lists.daemon.get("/-/ready").status, 200);
}
