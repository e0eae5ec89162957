//! Command lines of network devices: well-behaved ones, odd ones, hostile ones.

use std::time::{Duration, Instant};

use super::console::{Io, Typed, access, console, without_terminal};
use crate::model::{Cause, TextAnswer};
use crate::transport::TransportError;
use crate::transport::ssh::testing::{Memory, Server, facts, gate, question, text};
use crate::transport::ssh::{Access, Ask, Speaks, Topic, ask, cli};

type Answers = Vec<Result<TextAnswer, TransportError>>;

async fn asked(access: &Access, commands: &[&str]) -> Answers {
    let questions: Vec<cli::Question> =
        commands.iter().map(|run| serde_json::from_value(serde_json::json!({ "run": run })).unwrap()).collect();
    asked_questions(access, &questions).await
}

async fn asked_questions(access: &Access, questions: &[cli::Question]) -> Answers {
    let facts = facts(questions.len());
    let asks: Vec<_> =
        questions.iter().zip(&facts).map(|(question, fact)| Ask { fact, topic: Topic::Cli(question) }).collect();
    let answers = ask(access, &asks, &gate(), &[], &Memory::default()).await;
    answers.into_iter().map(|answer| answer.map(text)).collect()
}

async fn ask_cisco(server: &Server, commands: &[&str]) -> Answers {
    asked(&access(server, Speaks::CiscoIos), commands).await
}

/// What a switch says to a command.
fn switch(command: &str) -> &'static str {
    match command {
        "" | "terminal length 0" => "",
        "show version" => "Cisco IOS Software, Version 15.2(7)E\r\nsw1 uptime is 2 weeks\r\n",
        "show running-config" => {
            "Building configuration...\r\n\r\nhostname sw1\r\nbanner motd ^C\r\nsw1#\r\n^C\r\nend\r\n"
        }
        "show secret" => "Command authorization failed.\r\n\r\n",
        _ => "            ^\r\n% Invalid input detected at '^' marker.\r\n\r\n",
    }
}

/// Greets, and answers until the monitor is gone.
async fn serve_switch(mut io: Io) -> Option<()> {
    io.say("\r\nAuthorised access only\r\n\r\nsw1#").await?;
    loop {
        let command = io.line().await?;
        let output = switch(&command);
        io.say(&format!("{output}sw1#")).await?;
    }
}

fn body(answer: &Result<TextAnswer, TransportError>) -> &str {
    answer.as_ref().unwrap().stdout.strip_prefix("== cisco_ios\n").unwrap()
}

#[tokio::test]
async fn a_switch_is_asked_one_command_at_a_time_and_nothing_else_is_typed() {
    let (server, typed) = console(serve_switch).await;
    let answers = ask_cisco(&server, &["show version", "show running-config", "show version"]).await;
    assert_eq!(body(&answers[0]), "Cisco IOS Software, Version 15.2(7)E\nsw1 uptime is 2 weeks\n");
    assert_eq!(body(&answers[1]), "Building configuration...\n\nhostname sw1\nbanner motd ^C\nsw1#\n^C\nend\n");
    assert_eq!(answers[0].as_ref().unwrap(), answers[2].as_ref().unwrap(), "equal commands are typed once");
    assert_eq!((answers[0].as_ref().unwrap().exit, answers[0].as_ref().unwrap().truncated), (Some(0), false));
    let lines: Vec<_> = typed.all().into_iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["login ro", "terminal length 0", "show version", "show running-config"]);
}

#[tokio::test]
async fn a_refused_command_is_missing_privilege_and_the_next_is_asked() {
    let (server, _) = console(serve_switch).await;
    let answers = ask_cisco(&server, &["show nothing", "show secret", "show version"]).await;
    for (answer, said) in [(&answers[0], "Invalid input"), (&answers[1], "authorization failed")] {
        let error = answer.as_ref().unwrap_err();
        assert_eq!(error.cause(), Cause::Privilege);
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(answers[2].is_ok());
}

#[tokio::test]
async fn a_device_that_drips_byte_by_byte_is_read_whole() {
    let (server, _) = console(|mut io| async move {
        io.drip("hello\r\nsw1#").await?;
        loop {
            let command = io.line().await?;
            io.drip(&format!("{}sw1#", switch(&command))).await?;
        }
    })
    .await;
    let answers = ask_cisco(&server, &["show running-config"]).await;
    assert!(body(&answers[0]).ends_with("sw1#\n^C\nend\n"), "{answers:?}");
}

#[tokio::test]
async fn a_prompt_inside_the_output_does_not_end_it_even_where_the_device_pauses() {
    let (server, _) = console(|mut io| async move {
        io.say("sw1#").await?;
        loop {
            let command = io.line().await?;
            if command == "show running-config" {
                io.say("hostname sw1\r\nbanner motd ^C\r\nsw1#").await?;
                io.wait(900).await?;
                io.say("\r\nsw1#").await?;
                io.wait(900).await?;
                io.say("\r\n^C\r\nusername eve\r\nend\r\n").await?;
            }
            io.say("sw1#").await?;
        }
    })
    .await;
    let answers = ask_cisco(&server, &["show running-config", "show version"]).await;
    // never a part of it that passes for the whole
    match &answers[0] {
        Ok(answer) => assert!(answer.stdout.contains("username eve"), "{answer:?}"),
        Err(error) => assert_eq!(error.cause(), Cause::Protocol),
    }
}

#[tokio::test]
async fn without_an_echo_the_answers_are_the_same() {
    for newline in ["\r\n", ""] {
        let (server, _) = console(move |mut io| async move {
            io.echo = false;
            io.say("sw1#").await?;
            loop {
                let command = io.line().await?;
                io.say(&format!("{newline}{}sw1#", switch(&command))).await?;
            }
        })
        .await;
        let answers = ask_cisco(&server, &["show version", "show running-config"]).await;
        assert_eq!(body(&answers[0]).trim_start(), "Cisco IOS Software, Version 15.2(7)E\nsw1 uptime is 2 weeks\n");
        assert!(body(&answers[1]).ends_with("^C\nend\n"), "{answers:?}");
    }
}

/// A pager that cannot be turned off, in the ways of several makers.
async fn paged(mut io: Io, words: &'static str, wipe: &'static str) -> Option<()> {
    io.say("sw1#").await?;
    loop {
        let command = io.line().await?;
        if command == "show long" {
            for page in 0..3 {
                io.say(&format!("page {page}\r\nmore of it\r\n{words}")).await?;
                if io.key().await? == b'q' {
                    break;
                }
                io.say(wipe).await?;
            }
            io.say("the end\r\n").await?;
        }
        io.say("sw1#").await?;
    }
}

#[tokio::test]
async fn pagers_are_paged_through_and_leave_no_trace() {
    for (words, wipe) in [
        (" --More-- ", "\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08          \x08\x08\x08\x08\x08\x08\x08\x08\x08\x08"),
        ("--More--", "\r        \r"),
        ("<--- More --->", "\r              \r"),
        ("\x1b[7m---- More ----\x1b[m", "\x1b[2K\r"),
    ] {
        let (server, typed) = console(move |io| paged(io, words, wipe)).await;
        let answers = ask_cisco(&server, &["show long"]).await;
        let wanted = "page 0\nmore of it\npage 1\nmore of it\npage 2\nmore of it\nthe end\n";
        assert_eq!(body(&answers[0]), wanted, "{words:?}");
        assert_eq!(typed.all().iter().filter(|line| *line == "key ' '").count(), 3);
    }
}

#[tokio::test]
async fn colours_and_redrawn_lines_are_stripped_and_the_account_says_so_at_login() {
    let (server, typed) = console(|mut io| async move {
        io.echo = false;
        let prompt = "\x1b[1m[ro@gw 1] > \x1b[m";
        io.say(prompt).await?;
        loop {
            let command = io.line().await?;
            // the line is drawn once more with what was typed
            io.say(&format!("\r{prompt}\x1b[32m{command}\x1b[m\x1b[K\r\n")).await?;
            if command.contains("print") {
                io.say(" 0   name=telnet port=23\r\n").await?;
            }
            io.say(prompt).await?;
        }
    })
    .await;
    let answers = asked(&access(&server, Speaks::Mikrotik), &["/ip service print terse"]).await;
    assert_eq!(answers[0].as_ref().unwrap().stdout, "== mikrotik\n 0   name=telnet port=23\n");
    assert_eq!(typed.all()[0], "login ro+ct511w1000h");
}

#[tokio::test]
async fn lines_that_come_with_every_prompt_are_no_output() {
    let (server, typed) = console(|mut io| async move {
        io.say("\r\n{master:0}\r\nro@ex1> ").await?;
        loop {
            let command = io.line().await?;
            let output = if command.starts_with("show") { "Hostname: ex1\r\nJunos: 21.4R3\r\n" } else { "" };
            io.say(&format!("{output}\r\n{{master:0}}\r\nro@ex1> ")).await?;
        }
    })
    .await;
    let answers = asked(&access(&server, Speaks::Junos), &["show version"]).await;
    assert_eq!(answers[0].as_ref().unwrap().stdout, "== junos\nHostname: ex1\nJunos: 21.4R3\n");
    assert!(typed.all().contains(&"show version | no-more".to_owned()));
}

#[tokio::test]
async fn a_line_that_looks_like_the_heading_stays_output() {
    let (server, _) = console(|mut io| async move {
        io.say("sw1#").await?;
        loop {
            let command = io.line().await?;
            io.say(if command == "show x" { "== junos\r\nx\r\nsw1#" } else { "sw1#" }).await?;
        }
    })
    .await;
    assert_eq!(body(&ask_cisco(&server, &["show x"]).await[0]), " == junos\nx\n");
}

/// The failure of one question to such a device, with short deadlines.
async fn failure<F, Fut>(speaks: Speaks, act: F) -> (Cause, String, Typed)
where
    F: Fn(Io) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Option<()>> + Send + 'static,
{
    let (server, typed) = console(act).await;
    let mut access = access(&server, speaks);
    access.deadlines.auth = Duration::from_secs(2);
    let run = if speaks == Speaks::Mikrotik { "/user print" } else { "show x" };
    let question: cli::Question = serde_json::from_value(serde_json::json!({ "run": run, "timeout": "2s" })).unwrap();
    let start = Instant::now();
    let error = asked_questions(&access, &[question]).await.remove(0).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}: {error}", start.elapsed());
    assert!(!error.to_string().contains(['\n', '\x1b']), "{error}");
    (error.cause(), error.to_string(), typed)
}

#[tokio::test]
async fn no_prompt_at_all_is_a_timeout_and_nothing_is_typed() {
    let (cause, text, typed) = failure(Speaks::CiscoIos, |mut io| async move {
        io.say("please wait while the\x1b[5m device starts ").await?;
        io.line().await.map(drop)
    })
    .await;
    assert_eq!(cause, Cause::Timeout, "{text}");
    assert!(text.contains("waiting for a prompt") && text.contains("device starts"), "{text}");
    assert_eq!(typed.all(), ["login ro"]);
}

#[tokio::test]
async fn a_second_login_inside_the_terminal_gets_no_answer() {
    let (cause, text, typed) = failure(Speaks::Generic, |mut io| async move {
        io.say("\r\nUser Access Verification\r\n\r\nUsername: ").await?;
        io.line().await.map(drop)
    })
    .await;
    assert_eq!(cause, Cause::Auth, "{text}");
    assert!(text.contains("asks once more"), "{text}");
    assert_eq!(typed.all(), ["login ro"]);
}

#[tokio::test]
async fn endless_output_is_cut_by_the_deadline_or_the_bound() {
    let (cause, text, _) = failure(Speaks::CiscoIos, |mut io| async move {
        io.say("sw1#").await?;
        while io.line().await? != "show x" {
            io.say("sw1#").await?;
        }
        loop {
            io.say(&"all work and no play\r\n".repeat(1000)).await?;
        }
    })
    .await;
    assert!(matches!(cause, Cause::Timeout | Cause::Protocol), "{text}");
    assert!(text.contains("show x"), "{text}");
}

#[tokio::test]
async fn an_endless_greeting_is_cut_too() {
    let (cause, text, _) = failure(Speaks::CiscoIos, |mut io| async move {
        loop {
            io.say("sw1#\r\n").await?;
            io.wait(5).await?;
        }
    })
    .await;
    assert_eq!(cause, Cause::Timeout, "{text}");
}

#[tokio::test]
async fn a_pager_that_never_ends_is_left_alone() {
    let (cause, text, _) = failure(Speaks::CiscoIos, |mut io| async move {
        io.say("sw1#").await?;
        while io.line().await? != "show x" {
            io.say("sw1#").await?;
        }
        loop {
            io.say("line\r\n --More-- ").await?;
            io.key().await?;
        }
    })
    .await;
    assert_eq!(cause, Cause::Timeout, "{text}");
}

#[tokio::test]
async fn a_session_that_ends_in_the_middle_breaks_the_protocol() {
    let (cause, text, _) = failure(Speaks::CiscoIos, |mut io| async move {
        io.say("sw1#").await?;
        while io.line().await? != "show x" {
            io.say("sw1#").await?;
        }
        io.say("half of\r\n").await?;
        io.hang_up().await
    })
    .await;
    assert_eq!(cause, Cause::Protocol, "{text}");
    assert!(text.contains("ended the session"), "{text}");
}

#[tokio::test]
async fn a_configuration_that_breaks_off_in_a_secret_is_not_quoted() {
    for ends in [false, true] {
        let (_, text, _) = failure(Speaks::CiscoIos, move |mut io| async move {
            io.say("sw1#").await?;
            while io.line().await? != "show x" {
                io.say("sw1#").await?;
            }
            io.say("hostname sw1\r\nenable secret 5 hunter2").await?;
            if ends { io.hang_up().await } else { std::future::pending().await }
        })
        .await;
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn a_device_that_opens_in_configuration_mode_is_told_nothing() {
    for (speaks, prompt) in
        [(Speaks::CiscoIos, "sw1(config)#"), (Speaks::Junos, "ro@ex1# "), (Speaks::Junos, "root@ex1:RE:0% ")]
    {
        let (cause, text, typed) = failure(speaks, move |mut io| async move {
            io.say(prompt).await?;
            io.line().await.map(drop)
        })
        .await;
        assert_eq!(cause, Cause::Protocol, "{text}");
        assert_eq!(typed.all(), ["login ro"], "{text}");
    }
}

#[tokio::test]
async fn an_answer_whose_end_was_a_fake_does_not_count() {
    // prompts by the dozen, each with a pause behind it, before the rest of the output comes
    let (server, _) = console(|mut io| async move {
        io.say("sw1#").await?;
        loop {
            let command = io.line().await?;
            if command == "show running-config" {
                for _ in 0..4 {
                    io.say("sw1#").await?;
                    io.wait(400).await?;
                    io.say("\r\n").await?;
                }
                io.say("username eve\r\n").await?;
            }
            io.say("sw1#").await?;
        }
    })
    .await;
    let answers = ask_cisco(&server, &["show running-config", "show version"]).await;
    match &answers[0] {
        Ok(answer) => assert!(answer.stdout.contains("username eve"), "{answer:?}"),
        Err(error) => assert_eq!(error.cause(), Cause::Protocol, "{error}"),
    }
}

#[tokio::test]
async fn a_long_answer_is_cut_at_its_bound_and_the_next_one_is_whole() {
    let (server, _) = console(|mut io| async move {
        io.say("sw1#").await?;
        loop {
            let command = io.line().await?;
            if command == "show long" {
                io.say(&"0123456789\r\n".repeat(1000)).await?;
            }
            io.say(&format!("{}sw1#", if command == "show version" { "15.2\r\n" } else { "" })).await?;
        }
    })
    .await;
    let questions: Vec<cli::Question> = [r#"{"run": "show long", "max_bytes": 100}"#, r#"{"run": "show version"}"#]
        .map(|text| serde_json::from_str(text).unwrap())
        .into();
    let answers = asked_questions(&access(&server, Speaks::CiscoIos), &questions).await;
    let long = answers[0].as_ref().unwrap();
    assert!(long.truncated && long.stdout.len() <= 100 + "== cisco_ios\n".len(), "{long:?}");
    assert_eq!((body(&answers[1]), answers[1].as_ref().unwrap().truncated), ("15.2\n", false));
}

#[tokio::test]
async fn a_hung_command_is_a_timeout_and_what_came_before_is_delivered() {
    let (server, _) = console(|mut io| async move {
        io.say("sw1#").await?;
        loop {
            let command = io.line().await?;
            if command == "show hung" {
                std::future::pending::<()>().await;
            }
            io.say(&format!("{}sw1#", switch(&command))).await?;
        }
    })
    .await;
    let questions: Vec<cli::Question> =
        [r#"{"run": "show version"}"#, r#"{"run": "show hung", "timeout": "1s"}"#, r#"{"run": "show running-config"}"#]
            .map(|text| serde_json::from_str(text).unwrap())
            .into();
    let answers = asked_questions(&access(&server, Speaks::CiscoIos), &questions).await;
    assert!(answers[0].is_ok(), "{answers:?}");
    for answer in &answers[1..] {
        assert_eq!(answer.as_ref().unwrap_err().cause(), Cause::Timeout);
    }
}

#[tokio::test]
async fn an_account_without_a_terminal_lacks_privilege() {
    let (server, _) = without_terminal().await;
    let error = ask_cisco(&server, &["show version"]).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::Privilege);
    assert!(error.to_string().contains("terminal"), "{error}");
}

#[tokio::test]
async fn a_question_in_another_language_is_not_asked() {
    let (server, typed) = console(serve_switch).await;
    let access = access(&server, Speaks::CiscoIos);
    let (facts, posix) = (facts(1), question("id"));
    let asks = [Ask { fact: &facts[0], topic: Topic::Run(&posix) }];
    let error = ask(&access, &asks, &gate(), &[], &Memory::default()).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::NoData);
    assert!(error.to_string().contains("speaks cisco_ios"), "{error}");
    assert_eq!(typed.all(), ["login ro"], "no terminal was opened for it");
    let only_mikrotik: cli::Question = serde_json::from_str(r#"{"run": {"mikrotik": "/user print"}}"#).unwrap();
    let error = asked_questions(&access, &[only_mikrotik]).await.remove(0).unwrap_err();
    assert!(error.cause() == Cause::NoData && error.to_string().contains("knows no command"), "{error}");
}
