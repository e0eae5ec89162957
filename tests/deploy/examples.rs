//! The examples load, unit and manifests keep their hardening, and what they refer to exists.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{repository, run, text};

/// `nis2watch validate` of a configuration, with these files where systemd puts credentials.
async fn validate(config: &Path, credentials: &TempDir) {
    let mut validate = Command::new(env!("CARGO_BIN_EXE_nis2watch"));
    validate.args(["validate", "--config"]).arg(config).env("CREDENTIALS_DIRECTORY", credentials.path());
    // the folder of the store belongs to the host it is installed on
    validate.arg("--store").arg(credentials.path().join("store.db"));
    let output = validate.output().await.unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complained.is_empty(), "{}: {complained}", config.display());
}

/// The names that stand between these two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> BTreeSet<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).map(str::trim).collect()
}

/// A file for each of these names; the one called `ssh-key` is a key, because that is opened when it is loaded.
async fn secrets(names: &BTreeSet<&str>) -> TempDir {
    let dir = TempDir::new().unwrap();
    for name in names {
        let path = dir.path().join(name);
        if *name == "ssh-key" {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", &path.display().to_string()]).await;
        } else {
            std::fs::write(path, "a secret of a test\n").unwrap();
        }
    }
    dir
}

#[tokio::test]
async fn the_example_loads_with_the_credentials_of_the_unit() {
    let named = text("deploy/examples/nis2watch.yaml");
    let named = between(&named, "{ credential: ", " }").into_iter().filter(|name| *name != "NAME").collect();
    let drop_in = text("deploy/systemd/nis2watch.service.d/credentials.conf");
    assert_eq!(between(&drop_in, "\nLoadCredential=", ":"), named);
    validate(&repository("deploy/examples/nis2watch.yaml"), &secrets(&named).await).await;
}

#[tokio::test]
async fn the_example_of_notices_loads() {
    let credentials = secrets(&BTreeSet::from(["ticket-token"])).await;
    let (config, assets) = (credentials.path().join("nis2watch.yaml"), credentials.path().join("assets.yaml"));
    let notices = text("deploy/alertmanager/alertmanager-without-prometheus.yaml");
    let zones = "zones: [{ id: office, role: it }]\n";
    std::fs::write(&config, format!("inventory: [assets.yaml]\nstore: {{ path: s.db }}\n{zones}{notices}")).unwrap();
    std::fs::write(assets, "- { id: web-01, zone: office, kind: linux-host, address: 127.0.0.1 }\n").unwrap();
    validate(&config, &credentials).await;
}

#[tokio::test]
async fn the_configuration_of_the_manifests_loads() {
    let config = text("deploy/kubernetes/nis2watch.yaml");
    let credentials = secrets(&between(&config, "/run/secrets/nis2watch/", ",")).await;
    let at = credentials.path().display().to_string();
    let config = config.replace("/run/secrets/nis2watch/", &format!("{at}/"));
    let config = config.replace("/run/secrets/nis2watch-web/", &format!("{at}/"));
    std::fs::write(credentials.path().join("web.yml"), "basic_auth_users: {}\n").unwrap();
    std::fs::write(credentials.path().join("nis2watch.yaml"), config).unwrap();
    std::fs::copy(repository("deploy/kubernetes/assets.yaml"), credentials.path().join("assets.yaml")).unwrap();
    run("chmod", &["-R", "u=rwX,g=rX,o=", &at]).await;
    run("chmod", &["440", &credentials.path().join("ssh-key").display().to_string()]).await;
    validate(&credentials.path().join("nis2watch.yaml"), &credentials).await;
}

#[tokio::test]
async fn systemd_accepts_the_unit_and_finds_little_exposed() {
    // the program must exist at the path that the unit names, so a copy of the unit names one that does
    let dir = TempDir::new().unwrap();
    let unit = text("deploy/systemd/nis2watch.service");
    assert!(unit.contains("ExecStart=/usr/bin/nis2watch run "));
    let copy = dir.path().join("nis2watch.service");
    std::fs::write(&copy, unit.replace("/usr/bin/nis2watch", env!("CARGO_BIN_EXE_nis2watch"))).unwrap();
    let copy = copy.to_str().unwrap();
    let said = Command::new("systemd-analyze").args(["verify", "--man=no", copy]).output().await.unwrap();
    let complaints = String::from_utf8_lossy(&said.stderr);
    let ours: Vec<_> = complaints.lines().filter(|line| line.contains("nis2watch")).collect();
    assert!(ours.is_empty(), "{ours:?}");
    // tenths: 2.0 of 10 at most
    run("systemd-analyze", &["security", "--offline=true", "--threshold=20", copy]).await;
    run("systemd-sysusers", &["--dry-run", repository("deploy/systemd/sysusers.conf").to_str().unwrap()]).await;
}

#[test]
fn the_pod_runs_without_root_and_writes_only_to_its_volumes() {
    let set: Value = serde_saphyr::from_str(&text("deploy/kubernetes/statefulset.yaml")).unwrap();
    let pod = &set["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(set["spec"]["replicas"], 1, "two gates for one device would each keep half of the promise");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["enableServiceLinks"], false, "NIS2WATCH_SERVICE_HOST and its like must not reach the daemon");
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert!(container["resources"]["limits"]["memory"].is_string());
    for (probe, path) in
        [("startupProbe", "/-/healthy"), ("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")]
    {
        assert_eq!(container[probe]["httpGet"]["path"], path);
    }
    // the daemon takes up to 25 seconds to end in order
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > 28);
    let volumes: BTreeSet<_> =
        pod["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).map(word).collect();
    let claims =
        set["spec"]["volumeClaimTemplates"].as_array().unwrap().iter().map(|claim| word(&claim["metadata"]["name"]));
    let there: BTreeSet<_> = volumes.into_iter().chain(claims).collect();
    let mounted = container["volumeMounts"].as_array().unwrap().iter().map(|mount| word(&mount["name"]));
    assert_eq!(mounted.collect::<BTreeSet<_>>(), there);
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn the_image_has_no_root_and_starts_the_daemon() {
    let file = text("deploy/container/Dockerfile");
    assert!(file.contains("\nUSER 65532:65532\n"), "numeric, so that runAsNonRoot can be decided");
    assert!(file.contains("cargo build --release --locked"));
    assert!(file.contains(r#"ENTRYPOINT ["/usr/bin/nis2watch"]"#));
}

#[tokio::test]
async fn yamllint_has_nothing_to_say() {
    let (config, deploy) = (repository(".yamllint"), repository("deploy"));
    let dashboards = repository("dashboards");
    let arguments = [&config, &deploy, &dashboards].map(|path| path.to_str().unwrap());
    run("yamllint", &["-s", "-c", arguments[0], arguments[1], arguments[2]]).await;
}
