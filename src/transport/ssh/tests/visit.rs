//! What one visit brings back from a real OpenSSH server.

use std::time::{Duration, Instant};

use crate::model::{Cause, FactId, Transport};
use crate::transport::gate::Switch;
use crate::transport::ssh::testing::{Memory, Server, ask, ask_questions, gate, gate_with, question};
use crate::transport::ssh::{Access, Ask, Question, SessionQuestion, Topic, ask as ask_all};

#[tokio::test]
async fn every_question_has_its_own_output_errors_and_status() {
    let server = Server::sshd("").await;
    let gate = gate();
    let commands =
        ["echo out; echo err >&2; exit 7", "nonsense-command", "printf 'no newline'", "echo $LC_ALL; echo $PATH; cat"];
    let answers: Vec<_> = ask(&server.access(), &commands, &gate).await.into_iter().map(Result::unwrap).collect();
    assert_eq!((answers[0].stdout.as_str(), answers[0].stderr.as_str(), answers[0].exit), ("out\n", "err\n", Some(7)));
    assert_eq!((answers[1].stdout.as_str(), answers[1].exit), ("", Some(127)));
    assert!(answers[1].stderr.contains("nonsense-command"));
    assert_eq!((answers[2].stdout.as_str(), answers[2].exit), ("no newline", Some(0)));
    assert!(answers[3].stdout.starts_with("C\n/usr/sbin:/usr/bin:/sbin:/bin:"), "{}", answers[3].stdout);
    assert!(answers.iter().all(|answer| !answer.truncated));
    let books = gate.books().entry(Transport::Ssh);
    assert_eq!(books.connections, 1);
    assert!(books.bytes_received > 0);
}

#[tokio::test]
async fn a_command_with_a_syntax_error_or_an_open_quote_spoils_only_itself() {
    let server = Server::sshd("").await;
    let answers = server
        .ask(&["echo 'open", "if then", "exit 3", "exec echo x", "echo \"it's\"", "M=x; set -e; false; echo no"])
        .await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers[0].exit != Some(0) && answers[1].exit != Some(0));
    assert_eq!((answers[2].exit, answers[3].stdout.as_str(), answers[4].stdout.as_str()), (Some(3), "x\n", "it's\n"));
    assert_eq!((answers[5].exit, answers[5].stdout.as_str()), (Some(1), ""));
}

#[tokio::test]
async fn a_hundred_megabytes_are_cut_at_the_source_and_the_next_answer_is_whole() {
    let server = Server::sshd("").await;
    let gate = gate();
    let commands = ["head -c 100000000 /dev/zero", "echo next", "head -c 262144 /dev/zero"];
    let answers: Vec<_> = ask(&server.access(), &commands, &gate).await.into_iter().map(Result::unwrap).collect();
    assert_eq!((answers[0].stdout.len(), answers[0].truncated), (256 * 1024, true));
    assert_ne!(answers[0].exit, None);
    assert_eq!((answers[1].stdout.as_str(), answers[1].truncated), ("next\n", false));
    assert_eq!((answers[2].stdout.len(), answers[2].truncated), (256 * 1024, false), "exactly at the cap is whole");
    assert!(gate.books().entry(Transport::Ssh).bytes_received < 1_000_000);
}

#[tokio::test]
async fn the_visit_keeps_no_more_than_its_budget() {
    let server = Server::sshd("").await;
    let access = Access { max_bytes: 1000, ..server.access() };
    let answers = ask(&access, &["head -c 900 /dev/zero", "head -c 900 /dev/zero", "echo x"], &gate()).await;
    let kept: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap().stdout.len()).collect();
    assert_eq!(kept, [900, 100, 0]);
    assert!(answers[1].as_ref().unwrap().truncated && answers[2].as_ref().unwrap().truncated);
}

#[tokio::test]
async fn ten_megabytes_of_errors_neither_block_nor_hide_the_output() {
    let server = Server::sshd("").await;
    let answers = server.ask(&["head -c 10000000 /dev/zero >&2; echo ok", "echo next"]).await;
    let first = answers[0].as_ref().unwrap();
    assert_eq!((first.stdout.as_str(), first.exit, first.truncated), ("ok\n", Some(0), false));
    assert!(first.stderr.len() <= 16 * 1024 && first.stderr.len() > 8 * 1024);
    assert_eq!(answers[1].as_ref().unwrap().stdout, "next\n");
}

#[tokio::test]
async fn a_killed_command_is_no_answer_and_no_success() {
    let server = Server::sshd("").await;
    let answers = server.ask(&["echo before", "echo part; kill -9 $$", "echo after"]).await;
    assert_eq!(answers[0].as_ref().unwrap().stdout, "before\n");
    for answer in &answers[1..] {
        let error = answer.as_ref().unwrap_err();
        assert_eq!(error.cause(), Cause::Protocol);
        assert!(error.to_string().contains("killed by signal KILL") && error.to_string().contains("test.1"), "{error}");
    }
    // only the inner process is killed: that is an ordinary status
    let answers = server.ask(&["sh -c 'kill -9 $$'"]).await;
    assert_eq!(answers[0].as_ref().unwrap().exit, Some(137));
}

#[tokio::test]
async fn a_hung_command_ends_at_the_deadline_and_earlier_answers_are_delivered() {
    let server = Server::sshd("").await;
    let mut access = server.access();
    access.deadlines.exec = Duration::from_secs(1);
    let start = Instant::now();
    let answers = ask(&access, &["echo early", "sleep 30", "echo late"], &gate()).await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(answers[0].as_ref().unwrap().stdout, "early\n");
    for answer in &answers[1..] {
        assert_eq!(answer.as_ref().unwrap_err().cause(), Cause::Timeout);
    }
    let late = answers[2].as_ref().unwrap_err().to_string();
    assert!(late.contains("test.2, waiting behind test.1"), "{late}");
}

#[tokio::test]
async fn timeouts_of_questions_add_up_and_the_whole_visit_has_the_last_word() {
    let server = Server::sshd("").await;
    let mut access = server.access();
    access.deadlines.exec = Duration::from_millis(100);
    let slow = Question { timeout: Some(Duration::from_secs(5)), ..question("sleep 0.6; echo slow") };
    assert_eq!(
        ask_questions(&access, std::slice::from_ref(&slow), &gate()).await[0].as_ref().unwrap().stdout,
        "slow\n"
    );
    access.deadlines.whole = Duration::from_millis(500);
    let error = ask_questions(&access, &[slow], &gate()).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::Timeout);
}

#[tokio::test]
async fn a_user_who_reads_the_process_list_cannot_forge_an_end() {
    let server = Server::sshd("").await;
    // what any local user could learn: every command line and every environment of the machine
    let spy = "for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/cmdline; done 2>/dev/null | grep -oE '[0-9a-f]{32}' | sort -u \
               | while read -r m; do echo; echo \"$m E 0 s0 c0\"; echo \"$m DONE\"; done; exit 9";
    let answers = server.ask(&[spy, "echo next"]).await;
    assert_eq!(answers[0].as_ref().unwrap().exit, Some(9));
    assert_eq!(answers[1].as_ref().unwrap().stdout, "next\n");
}

#[tokio::test]
async fn invalid_utf8_is_replaced() {
    let server = Server::sshd("").await;
    let answer = server.ask(&["printf 'a\\377\\000b'"]).await.remove(0).unwrap();
    assert_eq!(answer.stdout, "a\u{fffd}\0b");
}

#[tokio::test]
async fn a_script_beyond_every_limit_of_a_command_line_is_asked_all_the_same() {
    let server = Server::sshd("").await;
    let long = format!("echo {}", "x".repeat(200_000));
    let answers = server.ask(&[&long, &long, "echo end"]).await;
    assert_eq!(answers[0].as_ref().unwrap().stdout.len(), 200_001);
    assert_eq!(answers[2].as_ref().unwrap().stdout, "end\n");
}

#[tokio::test]
async fn one_session_is_enough() {
    let server = Server::sshd("MaxSessions 1").await;
    assert!(server.ask(&["true", "true", "true"]).await.iter().all(Result::is_ok));
    let server = Server::sshd("MaxSessions 0").await;
    let error = server.ask(&["true"]).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::Privilege);
    assert!(error.to_string().contains("MaxSessions"), "{error}");
}

#[tokio::test]
async fn a_forced_command_that_is_not_ours_is_named() {
    let server = Server::sshd("ForceCommand echo 'This account is closed'; exit 1").await;
    let error = server.ask(&["true"]).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::Privilege);
    assert!(error.to_string().contains("This account is closed"), "{error}");
}

#[tokio::test]
async fn what_was_negotiated_is_a_fact_and_needs_no_command() {
    let server = Server::sshd("").await;
    let fact = FactId::parse("ssh.session").unwrap();
    let asks = [Ask { fact: &fact, topic: Topic::Session }];
    let answers = ask_all(&server.access(), &asks, &gate(), &[], &Memory::default()).await;
    let Ok(crate::model::Answer::Value(value)) = &answers[0] else { panic!("{answers:?}") };
    let text = |field| value.get(field).unwrap().as_text().unwrap();
    assert_eq!((text("kex"), text("host_key"), text("profile")), ("curve25519-sha256", "ssh-ed25519", "modern"));
    assert_eq!((text("auth_method"), text("mac")), ("publickey", "implicit"));
    assert_eq!(text("host_key_sha256"), server.fingerprint);
    assert!(text("server_version").starts_with("SSH-2.0-OpenSSH_"));
    assert!(serde_json::from_str::<SessionQuestion>("{}").is_ok());
}

#[tokio::test]
async fn the_kill_switch_ends_a_visit_under_way() {
    let server = Server::sshd("").await;
    let switch = Switch::default();
    let gate = gate_with(switch.clone());
    let access = server.access();
    let commands = ["sleep 20"];
    let start = Instant::now();
    let stop = async {
        while gate.books().entry(Transport::Ssh).packets < 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        switch.turn_off();
    };
    let (answers, ()) = tokio::join!(ask(&access, &commands, &gate), stop);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(answers[0].as_ref().unwrap_err().cause(), Cause::Inactive);
}

#[tokio::test]
async fn a_visit_may_run_in_a_task_of_its_own() {
    let server = Server::sshd("").await;
    let (access, gate) = (server.access(), gate());
    let visit = tokio::spawn(async move { ask(&access, &["echo moved"], &gate).await });
    assert_eq!(visit.await.unwrap()[0].as_ref().unwrap().stdout, "moved\n");
}
