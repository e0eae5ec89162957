//! BACnet/IP: one unicast Who-Is and a few `ReadProperty` requests to the device object, and no other service.
//!
//! ANSI/ASHRAE 135, clauses 15.5, 16.10 and annex J. Nothing is ever sent to a broadcast address, and nobody registers
//! as a foreign device. A device that keeps its instance number to itself is asked under the number that means
//! "you yourself".

mod packet;

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::identity::{Identity, untold};
use crate::model::{Answer, Transport, Value};
use crate::transport::TransportError;
use crate::transport::gate::{Datagrams, Gate};
use packet::{Said, WILDCARD, read_property, who_is};

/// Properties of the device object, by number; the last one exists since protocol revision 19.
const PROPERTIES: [(u16, &str); 6] =
    [(121, "vendor"), (70, "model"), (44, "version"), (77, "name"), (12, "application_version"), (372, "serial")];
/// A datagram gets lost now and then; asking twice is enough to tell.
const TRIES: u8 = 2;
/// Answers to other questions that are passed over while waiting for ours.
const MAX_STRANGERS: u8 = 16;
/// Larger than any APDU that we say we accept (1476 bytes).
const MAX_DATAGRAM: usize = 2048;

/// Who is asked, as written under `ask: bacnet:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// UDP port.
    pub port: u16,
    /// Longest wait for each answer; at most 13 datagrams are sent.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for Question {
    fn default() -> Self {
        Self { port: 47808, timeout: Duration::from_secs(2) }
    }
}

/// Asks a device what it is: `vendor`, `model`, `version` (of the firmware), `serial`, `name`, `application_version`,
/// and `vendor_id` and `instance` where it said I-Am.
///
/// # Errors
///
/// The gate refused, there was no answer in time, or the answer was not `BACnet`.
pub async fn ask(question: &Question, gate: &Gate) -> Result<Answer, TransportError> {
    let line = Line { datagrams: gate.datagrams(Transport::Bacnet, question.port).await?, wait: question.timeout };
    let mut identity = Identity::default();
    let mut instance = WILDCARD;
    if let Some(Said::IAm { device, vendor }) = line.exchange(&who_is(), None).await? {
        instance = device;
        identity.value("instance", Value::Int(i64::from(device)));
        identity.value("vendor_id", Value::from(vendor));
    }
    let mut told = 0;
    for (invoke, (property, name)) in (1..).zip(PROPERTIES) {
        // anything else means that the device does not have this one
        if let Said::Text { text, .. } = line.read(instance, property, invoke).await? {
            identity.text(name, &text);
            told += 1;
        }
    }
    if told == 0 {
        return Ok(untold("the device refuses to tell any property of its device object".into()));
    }
    Ok(identity.told())
}

/// A conversation with one device.
struct Line {
    datagrams: Datagrams,
    wait: Duration,
}

impl Line {
    /// One property, asked again once when the answer got lost.
    async fn read(&self, instance: u32, property: u16, invoke: u8) -> Result<Said, TransportError> {
        let request = read_property(instance, property, invoke);
        for _ in 0..TRIES {
            if let Some(said) = self.exchange(&request, Some(invoke)).await? {
                return match said {
                    Said::Broken { problem, .. } => Err(self.broken(problem)),
                    Said::Text { property: told, .. } if told != property => {
                        Err(self.broken("it answered with another property"))
                    }
                    said => Ok(said),
                };
            }
        }
        Err(TransportError::Timeout {
            endpoint: self.datagrams.endpoint().clone(),
            timeout: self.wait * u32::from(TRIES),
        })
    }

    /// Sends one datagram and waits for the answer to the request of this number; `None` when none came in time.
    async fn exchange(&self, datagram: &[u8], request: Option<u8>) -> Result<Option<Said>, TransportError> {
        self.datagrams.send(datagram).await?;
        let until = Instant::now() + self.wait;
        let mut buffer = [0; MAX_DATAGRAM];
        for _ in 0..MAX_STRANGERS {
            let Some(length) = self.datagrams.receive(&mut buffer, until).await? else { return Ok(None) };
            match packet::parse(&buffer[..length]) {
                Ok(said) if said.answers(request) => return Ok(Some(said)),
                Ok(_) => {}
                Err(problem) => return Err(self.broken(problem)),
            }
        }
        Err(self.broken("it keeps sending what was not asked for"))
    }

    fn broken(&self, problem: impl Into<String>) -> TransportError {
        TransportError::Protocol { endpoint: self.datagrams.endpoint().clone(), problem: problem.into() }
    }
}
