//! Files that are rendered from the catalogue equal what it renders today. `just render` brings them up to date.

use nis2watch::catalog::{ACCOUNT, Catalog, Handout};

use crate::{repository, run, text};

/// Set to write the files in place of comparing them.
const UPDATE: &str = "NIS2WATCH_RENDER";
/// Marks in `docs/checks.md`.
const BEGIN: &str = "<!-- catalogue: rendered by `just render`, do not edit between the marks -->";
const END: &str = "<!-- catalogue: end -->";

fn catalog() -> Catalog {
    Catalog::load(true, &[]).unwrap()
}

/// The same with the text between two marks taken out and put in anew.
fn is_current_between(path: &str, begin: &str, end: &str, rendered: &str) {
    let page = text(path);
    let (before, rest) = page.split_once(begin).expect("the mark where it begins");
    let (_, after) = rest.split_once(end).expect("the mark where it ends");
    is_current(path, &format!("{before}{begin}\n\n{rendered}\n{end}{after}"));
}

/// Compares a committed file with its rendering, or writes it.
fn is_current(path: &str, rendered: &str) {
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(repository(path), rendered).unwrap();
    }
    assert!(text(path) == rendered, "{path} is not what the catalogue renders; run `just render` and commit it");
}

#[test]
fn the_files_for_hosts_are_those_of_the_catalogue() {
    let catalog = catalog();
    for which in Handout::ALL {
        is_current(&format!("deploy/ssh/{}", which.file_name()), &catalog.handout(which, ACCOUNT));
    }
}

#[test]
fn the_rules_for_the_prometheus_operator_are_those_of_prometheus() {
    let rules = text("deploy/prometheus/nis2watch-rules.yml");
    let groups = &rules[rules.find("groups:").unwrap()..];
    let lines = groups.lines().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") });
    let head = "# deploy/prometheus/nis2watch-rules.yml for the Prometheus operator. Rendered; do not edit.\n\
                apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: nis2watch\nspec:\n";
    let body = lines.collect::<Vec<_>>().join("\n");
    is_current("deploy/kubernetes/prometheus-operator/rules.yaml", &format!("{head}{body}\n"));
}

#[test]
fn the_lists_of_checks_and_facts_in_the_docs_are_current() {
    is_current_between("docs/checks.md", BEGIN, END, &catalog().reference());
}

#[test]
fn the_coverage_in_the_readme_is_that_of_the_catalogue() {
    let begin = "<!-- coverage: rendered by `just render`, do not edit between the marks -->";
    is_current_between("README.md", begin, "<!-- coverage: end -->", &catalog().coverage().markdown());
}

#[tokio::test]
async fn visudo_and_doas_accept_their_files() {
    for file in ["sudoers", "sudoers-collector"] {
        run("visudo", &["-c", "-q", "-f", repository("deploy/ssh").join(file).to_str().unwrap()]).await;
    }
    run("doas", &["-C", repository("deploy/ssh/doas.conf").to_str().unwrap()]).await;
}

#[tokio::test]
async fn shellcheck_has_nothing_to_say_about_what_hosts_run() {
    for file in ["nis2watch-collect", "install-host.sh"] {
        run("shellcheck", &[repository("deploy/ssh").join(file).to_str().unwrap()]).await;
    }
}

#[test]
fn the_walk_through_shows_the_files_of_the_example() {
    let page = text("docs/checks.md");
    let fixtures = "own/fixtures/kernel-hides-addresses";
    let vendor = "facts/snmp/products/examplenet-ex.yaml";
    for file in ["facts/mine/kernel.yaml", "own/pack.yaml", "own/kernel-hides-addresses.yaml", vendor] {
        assert!(page.contains(&text(&format!("deploy/examples/my-checks/{file}"))), "{file}");
    }
    for file in ["debian.pass.yaml", "silent.unknown.yaml"] {
        assert!(page.contains(&text(&format!("deploy/examples/my-checks/{fixtures}/{file}"))), "{file}");
    }
}

#[test]
fn the_example_of_own_checks_keeps_the_house_rules_and_its_fixtures_hold() {
    let catalog = Catalog::load(true, &[repository("deploy/examples/my-checks")]).unwrap();
    assert!(catalog.lint().is_empty(), "{}", catalog.lint());
    let check = nis2watch::model::CheckId::parse("kernel-hides-addresses").unwrap();
    let reports = catalog.test(Some(&check));
    assert_eq!(reports.iter().filter(|report| report.is_right()).count(), 3, "{reports:?}");
}
