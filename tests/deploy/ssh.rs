//! The files of `deploy/ssh/` on a host, asked by the program itself.

use nis2watch::catalog::Catalog;
use nis2watch::model::{Answer, Cause, FactId, Reading};
use nis2watch::transport::TransportError;
use nis2watch::transport::ssh::{Elevation, Privilege, Question};

use crate::host::{Host, Key};

/// What became of a fact, whichever way it was asked.
fn outcome(catalog: &Catalog, fact: &FactId, answer: &Result<Answer, TransportError>) -> Reading {
    match answer {
        Ok(answer) => catalog.fact(fact).unwrap().reading(answer),
        Err(error) => Reading::missing(error.cause(), error.to_string()),
    }
}

/// A reading without its digits: free space and times move while the test runs.
fn shape(reading: &Reading) -> String {
    format!("{reading:?}").chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[tokio::test]
async fn the_collector_gives_the_same_facts_as_sudo_and_doas() {
    let catalog = Catalog::load(true, &[]).unwrap();
    let questions = catalog.commands();
    let host = Host::start().await;
    let collected = host.ask(Key::Forced, Elevation::Collector, &questions).await;
    let by_sudo = host.ask(Key::Free, Elevation::Sudo, &questions).await;
    let by_doas = host.ask(Key::Free, Elevation::Doas, &questions).await;
    for (at, (fact, question)) in questions.iter().enumerate() {
        let [first, sudo, doas] = [&collected, &by_sudo, &by_doas].map(|answers| outcome(&catalog, fact, &answers[at]));
        // a command of several lines cannot be allowed exactly, so only the collector may run it
        let only_collected = question.privilege == Privilege::Sudo && question.run.contains('\n');
        // doas reads words of so many bytes and no longer
        let too_long_for_doas = question.privilege == Privilege::Sudo && question.run.len() > 1_000;
        // sudo does not tell a tool that is not there from one that it does not allow
        let is_there = !matches!(first, Reading::Missing(_));
        if !only_collected && is_there {
            assert_eq!(shape(&first), shape(&sudo), "{fact} by sudo");
        }
        if !only_collected && is_there && !too_long_for_doas {
            assert_eq!(shape(&first), shape(&doas), "{fact} by doas");
        }
        // a tool that this machine lacks is no lack of rights
        let refused = matches!(&first, Reading::Missing(missing) if missing.cause == Cause::Privilege);
        assert!(question.privilege != Privilege::Sudo || !refused, "{fact}: {first:?}");
    }
}

#[tokio::test]
async fn the_forced_command_runs_nothing_but_the_questions_of_the_catalogue() {
    let host = Host::start().await;
    let good = "nis2watch-collect v1 0123456789abcdef0123456789abcdef linux.os_release";
    let (status, said, _) = host.client(&[], good).await;
    assert!(status == Some(0) && said.contains("VERSION_ID="), "{status:?} {said}");
    let refused = [
        "id",
        "cat /etc/shadow",
        &format!("{good}; id"),
        &format!("{good} $(id)"),
        &format!("{good}\nid"),
        "sudo -n sh",
        "/usr/local/libexec/nis2watch-collect",
    ];
    for command in refused {
        let (status, said, complained) = host.client(&[], command).await;
        assert_eq!((status, said.as_str()), (Some(126), ""), "{command:?}: {complained}");
    }
    let (status, said, _) = host.client(&["-s"], "sftp").await;
    assert!(status != Some(0) && said.is_empty(), "a subsystem: {status:?} {said}");
    let (_, said, _) = host.client(&["-tt"], "id").await;
    assert!(!said.contains("uid="), "a terminal: {said}");
    let unknown = "nis2watch-collect v1 0123456789abcdef0123456789abcdef ../../bin/sh";
    assert_eq!(host.client(&[], unknown).await.1, "", "a name that is no fact");
}

#[tokio::test]
async fn a_question_that_the_host_was_not_given_is_unknown_and_does_not_run() {
    let host = Host::start().await;
    let proof = std::env::temp_dir().join(format!("nis2watch-proof-{}", host.port));
    let fact = FactId::parse("linux.sshd").unwrap();
    let question = Question {
        run: format!("touch {}", proof.display()),
        privilege: Privilege::Sudo,
        max_bytes: 100,
        timeout: None,
    };
    for (key, privilege, cause) in [
        (Key::Forced, Elevation::Collector, Cause::NoData),
        (Key::Free, Elevation::Sudo, Cause::Privilege),
        (Key::Free, Elevation::Doas, Cause::Privilege),
    ] {
        let answer = host.ask(key, privilege, &[(fact.clone(), &question)]).await.remove(0);
        assert_eq!(answer.unwrap_err().cause(), cause, "{privilege:?}");
        assert!(!proof.exists(), "{privilege:?}");
    }
}
