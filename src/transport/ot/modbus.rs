//! Modbus/TCP: Read Device Identification, function 43 with MEI type 14, and no other function.
//!
//! [Modbus Application Protocol V1.1b3], section 6.21. The basic objects are asked first, the regular ones only of a
//! device that says it has them. An answer may say that more follows; so many requests and no more are sent.
//!
//! [Modbus Application Protocol V1.1b3]: https://modbus.org/specs.php

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::cursor::{Cursor, Problem};
use super::identity::{Identity, untold};
use super::talk::{Bounds, Talk};
use crate::model::{Answer, Transport, Value};
use crate::transport::TransportError;
use crate::transport::gate::Gate;

/// The one function code that exists here: Encapsulated Interface Transport.
const FUNCTION: u8 = 0x2B;
/// The one interface that is used through it: Read Device Identification.
const MEI_TYPE: u8 = 0x0E;
/// An answer with this bit set is an exception.
const EXCEPTION: u8 = 0x80;
/// Vendor, product code and revision.
const BASIC: u8 = 1;
/// Addresses and names besides.
const REGULAR: u8 = 2;
/// Seven objects of up to 245 bytes need seven answers at most.
const MAX_REQUESTS: u16 = 8;
/// Longest answer: 253 bytes of PDU and the unit (specification, section 4.1).
const MAX_FRAME: usize = 254;
const BOUNDS_BYTES: usize = MAX_REQUESTS as usize * (MAX_FRAME + 6);

/// Objects of categories basic and regular, by number.
const OBJECTS: [&str; 7] =
    ["vendor", "product_code", "version", "vendor_url", "product_name", "model_name", "application_name"];

/// Who is asked, as written under `ask: modbus:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// TCP port.
    pub port: u16,
    /// Unit identifier: 255 means the device itself, others a device behind a gateway.
    pub unit: u8,
    /// Longest wait for the connect, and for all answers together.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for Question {
    fn default() -> Self {
        Self { port: 502, unit: 255, timeout: Duration::from_secs(5) }
    }
}

/// Asks a device what it is: `vendor`, `model`, `version`, `product_code` and what else it tells.
///
/// # Errors
///
/// The gate refused, there was no answer in time, or the answer was not Modbus.
pub async fn ask(question: &Question, gate: &Gate) -> Result<Answer, TransportError> {
    let bounds = Bounds { timeout: question.timeout, bytes: BOUNDS_BYTES };
    let mut talk = Talk::open(gate, Transport::Modbus, question.port, bounds).await?;
    let answer = identify(&mut talk, question.unit).await;
    talk.close().await;
    answer
}

async fn identify(talk: &mut Talk, unit: u8) -> Result<Answer, TransportError> {
    let mut objects = BTreeMap::new();
    let (mut category, mut from) = (BASIC, 0);
    for number in 1..=MAX_REQUESTS {
        let part = match exchange(talk, number, unit, category, from).await? {
            Said::Part(part) => part,
            // a device may well have the basic objects only, whatever it claimed
            Said::Exception(code) if objects.is_empty() => return Ok(untold(in_words(code))),
            Said::Exception(_) => return Ok(identity(&objects)),
        };
        objects.extend(part.objects);
        (category, from) = match part.more_from {
            Some(next) if next > from => (category, next),
            Some(_) => return Err(talk.broken("it promises more objects but does not go on")),
            None if category == BASIC && part.has_regular => (REGULAR, 3),
            None => return Ok(identity(&objects)),
        };
    }
    Err(talk.broken("it promises more objects without an end"))
}

/// One request and its answer.
async fn exchange(talk: &mut Talk, number: u16, unit: u8, category: u8, from: u8) -> Result<Said, TransportError> {
    talk.send(&request(number, unit, category, from)).await?;
    let header = talk.array::<7>().await?;
    let length = frame_length(header, number).map_err(|problem| talk.broken(problem))?;
    let pdu = talk.take(length).await?;
    parse(&pdu).map_err(|problem| talk.broken(problem))
}

/// The only message that leaves.
fn request(number: u16, unit: u8, category: u8, from: u8) -> Vec<u8> {
    let pdu = [FUNCTION, MEI_TYPE, category, from];
    let [high, low] = number.to_be_bytes();
    [&[high, low, 0, 0, 0, 5, unit][..], &pdu].concat()
}

/// How many bytes follow the header, the unit not counted.
fn frame_length(header: [u8; 7], number: u16) -> Result<usize, Problem> {
    let mut header = Cursor::new(&header);
    let (transaction, protocol, length) = (header.be16()?, header.be16()?, usize::from(header.be16()?));
    if protocol != 0 || !(3..=MAX_FRAME).contains(&length) {
        return Err("the answer is no Modbus/TCP".into());
    }
    if transaction != number {
        return Err("it answered a question that was not asked".into());
    }
    Ok(length - 1)
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Part(Part),
    Exception(u8),
}

/// Some objects, and whether there are more.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    objects: Vec<(u8, Vec<u8>)>,
    more_from: Option<u8>,
    has_regular: bool,
}

fn parse(pdu: &[u8]) -> Result<Said, Problem> {
    let mut pdu = Cursor::new(pdu);
    match pdu.byte()? {
        FUNCTION => {}
        code if code == FUNCTION | EXCEPTION => return Ok(Said::Exception(pdu.byte()?)),
        _ => return Err("it answered with another function".into()),
    }
    let [mei, _category, conformity, more, next, count] = pdu.array()?;
    if mei != MEI_TYPE {
        return Err("it answered with another interface".into());
    }
    let mut objects = Vec::new();
    for _ in 0..count {
        let [id, length] = pdu.array()?;
        objects.push((id, pdu.take(usize::from(length))?.to_vec()));
    }
    // bit 7 says that single objects can be asked too; the rest is the highest category
    Ok(Said::Part(Part { objects, more_from: (more == 0xFF).then_some(next), has_regular: conformity & 0x7F >= 2 }))
}

fn identity(objects: &BTreeMap<u8, Vec<u8>>) -> Answer {
    let mut identity = Identity::default();
    for (id, name) in (0..).zip(OBJECTS) {
        if let Some(bytes) = objects.get(&id) {
            identity.text(name, bytes);
        }
    }
    identity.first_of("model", &["model_name", "product_name", "product_code"]);
    identity.value("regular", Value::Bool(objects.keys().any(|id| *id > 2)));
    identity.told()
}

fn in_words(exception: u8) -> String {
    let meaning = match exception {
        1 => "the device does not know this function",
        2 | 3 => "the device has no identification",
        4 => "the device failed",
        6 => "the device is busy",
        10 | 11 => "the gateway does not reach this unit",
        _ => "the device refused",
    };
    format!("{meaning} (exception {exception})")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"\x2b\x0e\x01\x82\x00\x00\x03\x00\x03Lab\x01\x03PLC\x02\x04V2.1";

    #[test]
    fn objects_are_read_with_their_numbers() {
        let Said::Part(part) = parse(ANSWER).unwrap() else { panic!() };
        let expected = [(0, b"Lab".to_vec()), (1, b"PLC".to_vec()), (2, b"V2.1".to_vec())];
        assert_eq!(part, Part { objects: expected.to_vec(), more_from: None, has_regular: true });
    }

    #[test]
    fn a_cut_answer_is_no_answer() {
        for end in 0..ANSWER.len() {
            assert!(parse(&ANSWER[..end]).is_err(), "{end}");
        }
        assert_eq!(parse(&[0xAB, 2]).unwrap(), Said::Exception(2));
        assert!(parse(&[0x03, 2, 0, 0]).is_err());
    }

    #[test]
    fn an_answer_to_another_question_is_refused() {
        assert_eq!(frame_length([0, 1, 0, 0, 0, 5, 255], 1), Ok(4));
        for header in [[0, 2, 0, 0, 0, 5, 255], [0, 1, 0, 1, 0, 5, 255], [0, 1, 0, 0, 255, 5, 255], *b"HTTP/1."] {
            assert!(frame_length(header, 1).is_err(), "{header:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(pdu: Vec<u8>) {
            parse(&pdu).ok();
        }
    }
}
