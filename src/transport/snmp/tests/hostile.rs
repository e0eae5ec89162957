use std::time::Instant;

use async_snmp::{Oid, Value as Wire, VarBind};

use super::agent::{bind, hear};
use super::*;

const NAME: &str = "1.3.6.1.2.1.1.5.0";
const TABLE: &str = "1.3.6.1.2.1.2.2";

fn table(rows: &[u32]) -> Oid {
    let mut oid = Oid::parse(TABLE).unwrap();
    for arc in rows {
        oid = oid.child(*arc);
    }
    oid
}

/// A well-behaved agent with `rows` rows under the table.
fn honest(rows: u32) -> impl FnMut(&[u8]) -> Vec<Vec<u8>> {
    move |datagram| {
        let heard = hear(datagram);
        if heard.is_get() {
            return vec![heard.reply(heard.oids.iter().map(|oid| bind(oid, 1)).collect())];
        }
        let last = heard.oids[0].strip_prefix(&table(&[])).and_then(|rest| rest.arcs().last().copied()).unwrap_or(0);
        let binds = (last + 1..=last + heard.repetitions())
            .map(|row| match row {
                row if row <= rows => bind(&table(&[1, 1, row]), 7),
                _ => VarBind::new(table(&[1, 1, last]), Wire::EndOfMibView),
            })
            .collect();
        vec![heard.reply(binds)]
    }
}

#[tokio::test]
async fn silence_is_a_timeout_after_the_configured_tries_and_no_more() {
    let agent = Agent::start(|_| vec![]).await;
    let gate = gate(Limits::STANDARD);
    let start = Instant::now();
    let error = ask_through(&gate, &v2c(agent.port), &[NAME], &[TABLE]).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Timeout);
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    assert_eq!(agent.received(), 2);
    assert_eq!(gate.books().entry(Transport::Snmp).packets, 2);
}

#[tokio::test]
async fn garbage_truncated_huge_and_empty_answers_are_told_apart_from_silence() {
    type Noise = fn(&[u8]) -> Vec<u8>;
    let kinds: [Noise; 4] = [
        |_| b"\xff\x00 not ber".to_vec(),
        |datagram| {
            let heard = hear(datagram);
            let whole = heard.reply(vec![bind(&heard.oids[0], 1)]);
            whole[..whole.len() - 3].to_vec()
        },
        |_| vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02, 0x01, 0x01],
        |_| vec![],
    ];
    for kind in kinds {
        let agent = Agent::start(move |datagram| vec![kind(datagram)]).await;
        let error = ask_one(&v2c(agent.port), &[NAME], &[]).await.unwrap_err();
        assert_eq!(error.cause(), Cause::Protocol, "{error}");
    }
}

#[tokio::test]
async fn noise_of_one_agent_does_not_make_a_silent_one_look_alive() {
    let (noisy, silent) = (Agent::start(|_| vec![b"noise".to_vec()]).await, Agent::start(|_| vec![]).await);
    let engine = Engine::new();
    let fact = FactId::parse("snmp.test").unwrap();
    let question = Question::parse(&[NAME], &[""; 0]).unwrap();
    let cause = async |port: u16| {
        let asks = [Ask { fact: &fact, question: &question }];
        ask(&v2c(port), &asks, &gate(Limits::STANDARD), &engine).await.remove(0).unwrap_err().cause()
    };
    let (one, other) = tokio::join!(cause(noisy.port), cause(silent.port));
    assert_eq!((one, other), (Cause::Protocol, Cause::Timeout));
}

#[tokio::test]
async fn an_answer_with_another_request_id_is_not_ours() {
    let agent = Agent::start(|datagram| {
        let heard = hear(datagram);
        vec![heard.reply_as(heard.id ^ 1, 0, 0, vec![bind(&heard.oids[0], 1)])]
    })
    .await;
    assert_eq!(ask_one(&v2c(agent.port), &[NAME], &[]).await.unwrap_err().cause(), Cause::Protocol);
}

#[tokio::test]
async fn late_and_double_answers_never_become_the_answer_to_another_question() {
    let mut withheld: Option<Vec<u8>> = None;
    let agent = Agent::start(move |datagram| {
        let heard = hear(datagram);
        let answer = heard.reply(heard.oids.iter().map(|oid| bind(oid, heard.id)).collect());
        let mut out: Vec<Vec<u8>> = withheld.replace(answer.clone()).into_iter().collect();
        out.extend([answer.clone(), answer]);
        out
    })
    .await;
    let oids: Vec<String> = (1..=35).map(|n| format!("1.3.6.1.4.1.99.{n}.0")).collect();
    let wanted: Vec<&str> = oids.iter().map(String::as_str).collect();
    let binds = ask_one(&v2c(agent.port), &wanted, &[]).await.unwrap();
    assert_eq!(agent.received(), 4);
    assert_eq!(binds.iter().map(|bind| bind.oid.as_str()).collect::<Vec<_>>(), wanted);
    assert!(binds[..10].iter().all(|bind| bind.value == binds[0].value));
    assert_ne!(binds[9].value, binds[10].value);
}

#[tokio::test]
async fn an_answer_about_another_object_is_a_broken_protocol() {
    let agent = Agent::start(|datagram| {
        let heard = hear(datagram);
        vec![heard.reply(vec![bind(&Oid::parse("1.3.6.1.2.1.1.6.0").unwrap(), 1)])]
    })
    .await;
    let error = ask_one(&v2c(agent.port), &[NAME], &[]).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Protocol);
    assert!(error.to_string().contains("other objects"), "{error}");
}

#[tokio::test]
async fn a_walk_that_goes_back_or_stands_still_is_a_broken_protocol() {
    for bulk in [true, false] {
        let agent = Agent::start(|datagram| vec![hear(datagram).reply(vec![bind(&table(&[1, 1, 5]), 1)])]).await;
        let access = Access { bulk, ..v2c(agent.port) };
        let error = ask_one(&access, &[], &[TABLE]).await.unwrap_err();
        assert_eq!(error.cause(), Cause::Protocol);
        assert!(error.to_string().contains("does not increase"), "{error}");
        assert_eq!(agent.received(), 2);
    }
}

#[tokio::test]
async fn a_walk_that_jumps_back_out_of_its_subtree_does_not_pass_for_complete() {
    let agent = Agent::start(|datagram| {
        let before = Oid::parse("1.3.6.1.2.1.1.1.0").unwrap();
        vec![hear(datagram).reply(vec![bind(&table(&[1, 1, 5]), 1), bind(&before, 1)])]
    })
    .await;
    assert_eq!(ask_one(&v2c(agent.port), &[], &[TABLE]).await.unwrap_err().cause(), Cause::Protocol);
}

#[tokio::test]
async fn an_endless_walk_meets_the_row_limit_and_is_an_error_not_a_cut_table() {
    let agent = Agent::start(honest(u32::MAX)).await;
    let access = Access { max_repetitions: Some(100), ..v2c(agent.port) };
    let error = ask_one(&access, &[], &[TABLE]).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Protocol);
    assert!(error.to_string().contains("more than 10000 rows"), "{error}");
    assert_eq!(agent.received(), 101);
}

#[tokio::test]
async fn a_fragile_asset_is_asked_for_ten_rows_at_once_and_two_hundred_in_all() {
    let mut most = 0;
    let mut table = honest(1_000);
    let agent = Agent::start(move |datagram| {
        most = most.max(hear(datagram).repetitions());
        assert!(most <= 10);
        table(datagram)
    })
    .await;
    let gate = gate(Limits::FRAGILE);
    let access = Access { max_repetitions: Some(100), ..v2c(agent.port) };
    let error = ask_through(&gate, &access, &[], &[TABLE]).await.unwrap_err();
    assert!(error.to_string().contains("more than 200 rows"), "{error}");
    assert_eq!(agent.received(), 20);
}

#[tokio::test]
async fn a_row_limit_of_one_question_does_not_take_the_others_with_it() {
    let agent = Agent::start(honest(u32::MAX)).await;
    let fact = FactId::parse("snmp.test").unwrap();
    let questions = [
        Question::parse(&[NAME], &[""; 0]).unwrap(),
        Question::parse(&[NAME], &[TABLE]).unwrap(),
        Question::parse(&["1.3.6.1.2.1.1.1.0", NAME], &[""; 0]).unwrap(),
    ];
    let asks: Vec<_> = questions.iter().map(|question| Ask { fact: &fact, question }).collect();
    let access = Access { max_repetitions: Some(100), ..v2c(agent.port) };
    let answers = ask(&access, &asks, &gate(Limits::STANDARD), &Engine::new()).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(answers[1].is_err());
    assert_eq!(agent.received(), 102, "the objects of all questions in one request, then the walk");
}

#[tokio::test]
async fn an_agent_without_getbulk_is_walked_with_getnext() {
    for silent in [false, true] {
        let mut walk = honest(5);
        let agent = Agent::start(move |datagram| {
            let heard = hear(datagram);
            match heard.is_bulk() {
                true if silent => vec![],
                true => vec![heard.fail(5, 1)],
                false => walk(datagram),
            }
        })
        .await;
        let binds = ask_one(&v2c(agent.port), &[NAME], &[TABLE]).await.unwrap();
        assert_eq!(binds.len(), 6);
    }
}

#[tokio::test]
async fn too_big_answers_are_asked_for_in_smaller_pieces() {
    let mut walk = honest(40);
    let agent = Agent::start(move |datagram| {
        let heard = hear(datagram);
        if heard.oids.len() > 3 || heard.repetitions() > 3 {
            return vec![heard.reply_as(heard.id, 1, 0, vec![])];
        }
        walk(datagram)
    })
    .await;
    let oids: Vec<String> = (1..=10).map(|n| format!("1.3.6.1.4.1.99.{n}.0")).collect();
    let wanted: Vec<&str> = oids.iter().map(String::as_str).collect();
    assert_eq!(ask_one(&v2c(agent.port), &wanted, &[TABLE]).await.unwrap().len(), 50);
}

#[tokio::test]
async fn version_one_names_the_missing_object_and_the_others_are_still_read() {
    let missing = Oid::parse("1.3.6.1.2.1.1.5.0").unwrap();
    let agent = Agent::start(move |datagram| {
        let heard = hear(datagram);
        match heard.oids.iter().position(|oid| *oid == missing) {
            Some(at) => vec![heard.fail(2, i32::try_from(at).unwrap() + 1)],
            None => vec![heard.reply(heard.oids.iter().map(|oid| bind(oid, 3)).collect())],
        }
    })
    .await;
    let access = Access { version: Version::V1, ..v2c(agent.port) };
    let binds = ask_one(&access, &["1.3.6.1.2.1.1.1.0", NAME, "1.3.6.1.2.1.1.6.0"], &[]).await.unwrap();
    let values: Vec<_> = binds.into_iter().map(|bind| bind.value).collect();
    assert_eq!(values, [Value::Int(3), Value::Null, Value::Int(3)]);
}

#[tokio::test]
async fn a_denied_object_is_a_missing_privilege_and_a_general_error_a_broken_protocol() {
    for (status, index, cause) in [(16, 0, Cause::Privilege), (6, 1, Cause::Privilege), (5, 1, Cause::Protocol)] {
        let agent = Agent::start(move |datagram| vec![hear(datagram).fail(status, index)]).await;
        let error = ask_one(&v2c(agent.port), &[NAME], &[]).await.unwrap_err();
        assert_eq!(error.cause(), cause, "{error}");
    }
}

#[tokio::test]
async fn the_kill_switch_ends_a_walk_at_once() {
    let switch = Switch::default();
    let gate = switched_gate(Limits::STANDARD, switch.clone());
    let mut walk = honest(u32::MAX);
    let mut asked = 0;
    let agent = Agent::start(move |datagram| {
        asked += 1;
        if asked == 3 {
            switch.turn_off();
        }
        walk(datagram)
    })
    .await;
    let error = ask_through(&gate, &v2c(agent.port), &[], &[TABLE]).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Inactive);
    assert_eq!(agent.received(), 3);
    let refused = ask_through(&gate, &v2c(agent.port), &[NAME], &[]).await.unwrap_err();
    assert_eq!(refused.cause(), Cause::Inactive);
    assert_eq!(agent.received(), 3);
}

#[tokio::test]
async fn answers_from_another_address_count_only_when_the_asset_may_send_them() {
    let agent = Agent::multihomed(honest(3)).await;
    assert_eq!(ask_one(&v2c(agent.port), &[NAME], &[]).await.unwrap_err().cause(), Cause::Protocol);
    let loose = Access { strict_source: false, ..v2c(agent.port) };
    assert_eq!(ask_one(&loose, &[NAME], &[]).await.unwrap()[0].value, Value::Int(1));
}

#[tokio::test]
async fn an_asset_with_an_ipv6_address_is_asked_over_ipv6() {
    let Some(agent) = Agent::over_ipv6(honest(3)).await else { return };
    let gate = gate_to("::1", Limits::STANDARD, Switch::default());
    assert_eq!(ask_through(&gate, &v2c(agent.port), &[NAME], &[TABLE]).await.unwrap().len(), 4);
}

#[test]
fn a_visit_can_run_on_any_runtime() {
    fn can_be_spawned<T: Send>(_: &T) {}
    let (access, gate, engine) = (v2c(1), gate(Limits::STANDARD), Engine::new());
    can_be_spawned(&ask(&access, &[], &gate, &engine));
    let probe = VersionProbe { communities: vec!["public".into()] };
    can_be_spawned(&probe_versions(&access, &probe, &gate, &engine));
}

#[tokio::test]
async fn nothing_is_sent_without_a_credential_or_with_one_that_cannot_work() {
    let agent = Agent::start(|_| vec![]).await;
    let nobody = Access { credential: Credential::None, ..v2c(agent.port) };
    assert_eq!(ask_one(&nobody, &[NAME], &[]).await.unwrap_err().cause(), Cause::Auth);
    let mixed = Access { version: Version::V3, ..v2c(agent.port) };
    assert_eq!(ask_one(&mixed, &[NAME], &[]).await.unwrap_err().cause(), Cause::Internal);
    assert_eq!(agent.received(), 0);
}
