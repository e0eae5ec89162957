//! Files that are rendered from the catalogue equal what it renders today. `just render` brings them up to date.

use nis2watch::catalog::{ACCOUNT, Catalog, Handout};

use crate::{repository, run, text};

/// Set to write the files in place of comparing them.
const UPDATE: &str = "NIS2WATCH_RENDER";

fn catalog() -> Catalog {
    Catalog::load(true, &[]).unwrap()
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
