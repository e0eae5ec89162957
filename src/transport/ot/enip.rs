//! EtherNet/IP: the encapsulation command List Identity over TCP, and no other command.
//!
//! The CIP Networks Library, volume 2, section 2-4.2. No session is registered: List Identity needs none, and without
//! one no request can reach an object of the device.

use std::time::Duration;

use serde::Deserialize;

use super::cursor::{Cursor, Problem};
use super::identity::{Identity, untold};
use super::talk::{Bounds, Talk};
use crate::model::{Answer, Transport, Value};
use crate::transport::TransportError;
use crate::transport::gate::Gate;

/// The one command that exists here.
const LIST_IDENTITY: u16 = 0x0063;
/// Length of an encapsulation header.
const HEADER: usize = 24;
/// Item type of an identity.
const IDENTITY_ITEM: u16 = 0x000C;
/// Most bytes of the answer's data; one identity has less than 100.
const MAX_DATA: usize = 2048;

/// Vendor numbers of ODVA that plants meet often; a number that is not here stays a number.
const VENDORS: [(u16, &str); 30] = [
    (1, "Rockwell Automation/Allen-Bradley"),
    (3, "Honeywell"),
    (7, "SMC"),
    (26, "Festo"),
    (40, "WAGO"),
    (43, "Balluff"),
    (44, "Yaskawa"),
    (46, "ABB"),
    (47, "Omron"),
    (48, "Turck"),
    (57, "Pepperl+Fuchs"),
    (97, "Danfoss"),
    (108, "Beckhoff"),
    (121, "KUKA"),
    (161, "Mitsubishi Electric"),
    (243, "Schneider Electric"),
    (250, "Yokogawa"),
    (283, "Hilscher"),
    (287, "Bosch Rexroth"),
    (309, "ProSoft Technology"),
    (315, "SEW-Eurodrive"),
    (322, "ifm electronic"),
    (345, "Endress+Hauser"),
    (367, "Keyence"),
    (562, "Phoenix Contact"),
    (591, "FANUC"),
    (634, "Hirschmann"),
    (678, "Cognex"),
    (808, "SICK"),
    (991, "Moxa"),
];

/// Who is asked, as written under `ask: enip:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// TCP port.
    pub port: u16,
    /// Longest wait for the connect, and for the answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for Question {
    fn default() -> Self {
        Self { port: 44818, timeout: Duration::from_secs(5) }
    }
}

/// Asks a device what it is: `vendor_id`, `vendor` where its number is known, `model`, `version`, `serial`,
/// `product_code`, `device_type`.
///
/// # Errors
///
/// The gate refused, there was no answer in time, or the answer was not EtherNet/IP.
pub async fn ask(question: &Question, gate: &Gate) -> Result<Answer, TransportError> {
    let bounds = Bounds { timeout: question.timeout, bytes: HEADER + MAX_DATA };
    let mut talk = Talk::open(gate, Transport::Enip, question.port, bounds).await?;
    let answer = identify(&mut talk).await;
    talk.close().await;
    answer
}

async fn identify(talk: &mut Talk) -> Result<Answer, TransportError> {
    talk.send(&request()).await?;
    let header = talk.array::<HEADER>().await?;
    match head(&header).map_err(|problem| talk.broken(problem))? {
        Head::Refused(status) => Ok(untold(format!("the device refused List Identity (status {status})"))),
        Head::Data(length) => {
            let data = talk.take(length).await?;
            match parse(&data).map_err(|problem| talk.broken(problem))? {
                Some(identity) => Ok(identity.told()),
                None => Ok(untold("the device listed no identity".into())),
            }
        }
    }
}

/// The only message that leaves: a header with nothing in it but the command.
fn request() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..2].copy_from_slice(&LIST_IDENTITY.to_le_bytes());
    header
}

enum Head {
    Data(usize),
    Refused(u32),
}

fn head(header: &[u8]) -> Result<Head, Problem> {
    let mut header = Cursor::new(header);
    let (command, length) = (header.le16()?, usize::from(header.le16()?));
    let (_session, status) = (header.le32()?, header.le32()?);
    if command != LIST_IDENTITY || length > MAX_DATA {
        return Err("the answer is no EtherNet/IP identity".into());
    }
    Ok(if status == 0 { Head::Data(length) } else { Head::Refused(status) })
}

/// The first identity of the list; a device behind one address has one.
fn parse(data: &[u8]) -> Result<Option<Identity>, Problem> {
    let mut data = Cursor::new(data);
    for _ in 0..data.le16()? {
        let (kind, length) = (data.le16()?, usize::from(data.le16()?));
        let item = data.take(length)?;
        if kind == IDENTITY_ITEM {
            return read(Cursor::new(item)).map(Some);
        }
    }
    Ok(None)
}

fn read(mut item: Cursor<'_>) -> Result<Identity, Problem> {
    let _protocol_version = item.le16()?;
    let _socket_address = item.take(16)?;
    let (vendor, device_type, product_code) = (item.le16()?, item.le16()?, item.le16()?);
    let [major, minor] = item.array()?;
    let (_status, serial) = (item.le16()?, item.le32()?);
    let name_length = usize::from(item.byte()?);
    let name = item.take(name_length)?;
    let mut identity = Identity::default();
    if let Some((_, name)) = VENDORS.iter().find(|(id, _)| *id == vendor) {
        identity.value("vendor", Value::from(*name));
    }
    identity.value("vendor_id", Value::from(vendor));
    identity.text("model", name);
    identity.value("version", Value::from(format!("{major}.{minor:03}")));
    // makers print it in hexadecimal
    identity.value("serial", Value::from(format!("{serial:08X}")));
    identity.value("product_code", Value::from(product_code));
    identity.value("device_type", Value::from(device_type));
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &[u8]) -> Vec<u8> {
        let mut item = vec![1, 0];
        item.extend([0; 16]);
        item.extend([1, 0, 14, 0, 54, 0, 20, 11, 0x60, 0x31, 0xEF, 0xBE, 0xAD, 0xDE]);
        item.push(u8::try_from(name.len()).unwrap());
        item.extend(name);
        item.push(3);
        let length = u16::try_from(item.len()).unwrap().to_le_bytes();
        [&[1, 0, 0x0C, 0, length[0], length[1]][..], &item].concat()
    }

    #[test]
    fn an_identity_names_vendor_model_revision_and_serial_number() {
        let Answer::Value(value) = parse(&answer(b"1756-L61/B LOGIX5561")).unwrap().unwrap().told() else { panic!() };
        assert_eq!(value.get("vendor"), Some(&Value::text("Rockwell Automation/Allen-Bradley")));
        assert_eq!(value.get("model"), Some(&Value::text("1756-L61/B LOGIX5561")));
        assert_eq!(value.get("version"), Some(&Value::text("20.011")));
        assert_eq!(value.get("serial"), Some(&Value::text("DEADBEEF")));
    }

    #[test]
    fn a_cut_or_empty_list_is_no_identity() {
        let whole = answer(b"PLC");
        for end in 0..whole.len() - 1 {
            assert!(parse(&whole[..end]).is_err(), "{end}");
        }
        assert!(parse(&[0, 0]).unwrap().is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(data: Vec<u8>) {
            parse(&data).ok();
            head(&data).ok();
        }
    }
}
