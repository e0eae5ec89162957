//! S7: connection set-up and two reads of the system status list, which say what a controller is. No other function.
//!
//! ISO 8073 over TCP (RFC 1006), then the maker's protocol as documented for its own libraries: lists 0x0011 (modules
//! and firmware) and 0x001C (names and serial number). No variable, block, clock, password, run or stop exists here.

mod list;
mod packet;

use std::time::Duration;

use serde::Deserialize;

use super::identity::{Identity, untold};
use super::talk::{Bounds, Talk};
use crate::model::{Answer, Transport, Value};
use crate::transport::gate::Gate;
use crate::transport::{Endpoint, TransportError};
use packet::{Connected, Piece};

/// Modules and firmware.
const MODULES: u16 = 0x0011;
/// Names and serial number of the components.
const COMPONENTS: u16 = 0x001C;
/// Places of the CPU that are tried at most, a connection each.
const MAX_SLOTS: usize = 4;
/// Pieces of one list; the longest has ten records of 34 bytes, and a piece holds 200 bytes.
const MAX_PIECES: usize = 8;
/// Largest packet: the longest message that we offer to take, with its headers.
const MAX_PACKET: usize = 1024;
const MAX_BYTES: usize = MAX_PACKET * (2 * MAX_PIECES + 2);

/// Who is asked, as written under `ask: s7:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// TCP port.
    pub port: u16,
    /// Rack of the CPU, 0 to 7.
    pub rack: u8,
    /// Slots that the CPU may stand in, 0 to 31, tried in order until one accepts.
    pub slots: Vec<u8>,
    /// Longest wait for one connect, and for everything said over it.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for Question {
    fn default() -> Self {
        Self { port: 102, rack: 0, slots: vec![2, 1, 0], timeout: Duration::from_secs(5) }
    }
}

/// Asks a controller what it is: `model` (its type), `order_number`, `version` (of the firmware), `serial`, `name`,
/// `module_name`, `plant`, and `vendor` where the copyright names it.
///
/// # Errors
///
/// The gate refused, there was no answer in time, or the answer was not S7.
pub async fn ask(question: &Question, gate: &Gate) -> Result<Answer, TransportError> {
    let fits = question.rack < 8 && question.slots.iter().all(|slot| *slot < 32);
    if !fits || !(1..=MAX_SLOTS).contains(&question.slots.len()) {
        return Err(TransportError::Internal {
            endpoint: Endpoint::named(format!("s7://{}", gate.address())),
            problem: format!("a rack is below 8, a slot below 32, and 1 to {MAX_SLOTS} slots are tried"),
        });
    }
    for slot in &question.slots {
        let bounds = Bounds { timeout: question.timeout, bytes: MAX_BYTES };
        let mut talk = Talk::open(gate, Transport::S7, question.port, bounds).await?;
        let answer = identify(&mut talk, question.rack, *slot).await;
        talk.close().await;
        if let Some(answer) = answer? {
            return Ok(answer);
        }
    }
    Ok(untold("the controller refuses connections to all slots that were tried".into()))
}

/// `None` when there is nobody at this slot.
async fn identify(talk: &mut Talk, rack: u8, slot: u8) -> Result<Option<Answer>, TransportError> {
    talk.send(&packet::connect(rack, slot)).await?;
    match packet::connected(&receive(talk).await?).map_err(|problem| talk.broken(problem))? {
        Connected::Refused => return Ok(None),
        Connected::Accepted => {}
    }
    talk.send(&packet::set_up()).await?;
    packet::is_set_up(&receive(talk).await?).map_err(|problem| talk.broken(problem))?;
    let mut identity = Identity::default();
    let mut told = false;
    for (number, list) in [(1, MODULES), (2, COMPONENTS)] {
        if let Some(bytes) = read(talk, list, number).await? {
            let records = list::records(&bytes).map_err(|problem| talk.broken(problem))?;
            told |=
                if list == MODULES { modules(&mut identity, &records) } else { components(&mut identity, &records) };
        }
    }
    identity.first_of("model", &["type", "order_number"]);
    Ok(Some(if told { identity.told() } else { untold("the controller tells nothing of itself".into()) }))
}

/// One list, put together from its pieces; `None` when the controller does not have it.
async fn read(talk: &mut Talk, list: u16, number: u16) -> Result<Option<Vec<u8>>, TransportError> {
    let mut bytes = Vec::new();
    let mut request = packet::read_list(list, number);
    for _ in 0..MAX_PIECES {
        talk.send(&request).await?;
        let answer = receive(talk).await?;
        match packet::piece(&answer, number).map_err(|problem| talk.broken(problem))? {
            Piece::None => return Ok(None),
            Piece::Last(piece) => {
                bytes.extend_from_slice(piece);
                return Ok(Some(bytes));
            }
            Piece::More { piece, sequence } => {
                bytes.extend_from_slice(piece);
                request = packet::read_on(sequence, number);
            }
        }
    }
    Err(talk.broken("a status list has no end"))
}

/// One packet without its length.
async fn receive(talk: &mut Talk) -> Result<Vec<u8>, TransportError> {
    let [version, _reserved, high, low] = talk.array().await?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if version != packet::TPKT_VERSION || !(7..=MAX_PACKET).contains(&length) {
        return Err(talk.broken("the answer is no ISO transport packet"));
    }
    talk.take(length - 4).await
}

/// Order number and firmware. The record of the firmware counts only with its mark `V`: records of other kinds hold
/// versions of the hardware or of the boot loader at the same place.
fn modules(identity: &mut Identity, records: &[list::Record<'_>]) -> bool {
    let mut told = false;
    for record in records {
        match (record.index, record.bytes) {
            (1, bytes) if bytes.len() >= 20 => {
                identity.text("order_number", &bytes[..20]);
                told = true;
            }
            (7, [.., b'V', major, minor, patch]) => {
                identity.value("version", Value::from(format!("{major}.{minor}.{patch}")));
                told = true;
            }
            _ => {}
        }
    }
    told
}

fn components(identity: &mut Identity, records: &[list::Record<'_>]) -> bool {
    let mut told = false;
    for record in records {
        let name = match record.index {
            1 => "name",
            2 => "module_name",
            3 => "plant",
            4 => {
                if record.bytes.starts_with(b"Original Siemens") {
                    identity.value("vendor", Value::from("Siemens"));
                }
                continue;
            }
            5 => "serial",
            7 => "type",
            _ => continue,
        };
        identity.text(name, record.bytes);
        told = true;
    }
    told
}
