//! Questions whose answer says what else to ask.

use async_snmp::{Value as Wire, VarBind};

use super::agent::{Heard, bind, hear};
use super::*;

const OBJECT_ID: &str = "1.3.6.1.2.1.1.2.0";
const UPTIME: &str = "1.3.6.1.2.1.1.3.0";
const FIRMWARE: &str = "1.3.6.1.4.1.99.1.0";
const SERIAL: &str = "1.3.6.1.4.1.99.2.0";

/// Asks for one object, then for the maker's two and, once more, the first.
async fn ask_twice(agent: &Agent, gate: &Gate) -> Result<Vec<Varbind>, TransportError> {
    let (fact, other) = (FactId::parse("snmp.test").unwrap(), FactId::parse("snmp.other").unwrap());
    let first = Question::parse(&[OBJECT_ID], &[""; 0]).unwrap();
    let beside = Question::parse(&[UPTIME, OBJECT_ID], &[""; 0]).unwrap();
    let asks = [Ask { fact: &fact, question: &first }, Ask { fact: &other, question: &beside }];
    let sequel = |place: usize, binds: &[Varbind]| {
        (place == 0 && binds[0].value != Value::Null)
            .then(|| Question::parse(&[FIRMWARE, SERIAL, OBJECT_ID], &[""; 0]).unwrap())
    };
    let mut answers = ask_on(&v2c(agent.port), &asks, &sequel, gate, &Engine::new()).await;
    assert_eq!(answers.len(), 2);
    match answers.remove(0)? {
        Answer::Varbinds(binds) => Ok(binds),
        other => panic!("{other:?}"),
    }
}

fn all_seven(heard: &Heard) -> Vec<u8> {
    heard.reply(heard.oids.iter().map(|oid| bind(oid, 7)).collect())
}

#[tokio::test]
async fn what_follows_from_an_answer_is_read_in_the_same_conversation_and_nothing_twice() {
    let agent = Agent::start(|datagram| vec![all_seven(&hear(datagram))]).await;
    // a second conversation would be refused
    let gate = gate(Limits { per_hour: 1, ..Limits::STANDARD });
    let binds = ask_twice(&agent, &gate).await.unwrap();
    let oids: Vec<&str> = binds.iter().map(|bind| bind.oid.as_str()).collect();
    assert_eq!(oids, [OBJECT_ID, FIRMWARE, SERIAL, OBJECT_ID]);
    assert!(binds.iter().all(|bind| bind.value == Value::Int(7)));
    assert_eq!(agent.received(), 2);
    assert_eq!(gate.books().entry(Transport::Snmp).packets, 2);
}

#[tokio::test]
async fn a_refused_object_of_the_maker_counts_as_not_there_and_the_others_are_kept() {
    let agent = Agent::start(|datagram| {
        let heard = hear(datagram);
        let at = heard.oids.iter().position(|oid| oid.to_string() == FIRMWARE);
        // genErr about this one
        vec![at.map_or_else(|| all_seven(&heard), |at| heard.fail(5, i32::try_from(at).unwrap() + 1))]
    })
    .await;
    let binds = ask_twice(&agent, &gate(Limits::STANDARD)).await.unwrap();
    assert_eq!(binds[1].value, Value::Null);
    assert_eq!(binds[2].value, Value::Int(7));
}

#[tokio::test]
async fn an_agent_that_falls_silent_in_between_takes_the_whole_answer_with_it() {
    let agent = Agent::start(|datagram| {
        let heard = hear(datagram);
        let is_first = heard.oids.iter().any(|oid| oid.to_string() == OBJECT_ID);
        if is_first { vec![all_seven(&heard)] } else { vec![] }
    })
    .await;
    let error = ask_twice(&agent, &gate(Limits::STANDARD)).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Timeout);
}

#[tokio::test]
async fn a_first_answer_that_leads_nowhere_costs_no_second_question() {
    let agent = Agent::start(|datagram| {
        let heard = hear(datagram);
        let none = |oid: &async_snmp::Oid| VarBind::new(oid.clone(), Wire::NoSuchObject);
        vec![heard.reply(heard.oids.iter().map(none).collect())]
    })
    .await;
    let binds = ask_twice(&agent, &gate(Limits::STANDARD)).await.unwrap();
    assert_eq!(binds.len(), 1);
    assert_eq!(agent.received(), 1);
}
