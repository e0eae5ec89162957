//! The two datagrams that leave, and what may come back.

use crate::transport::ot::cursor::{Cursor, Problem};

/// The instance number that every device takes for its own (clause 15.5).
pub(super) const WILDCARD: u32 = 0x003F_FFFF;
/// Object type of the device object.
const DEVICE: u32 = 8;
/// BACnet/IP (annex J.2).
const BVLC: u8 = 0x81;
const ORIGINAL_UNICAST: u8 = 0x0A;
const ORIGINAL_BROADCAST: u8 = 0x0B;
const FORWARDED: u8 = 0x04;
/// The unconfirmed service that is sent, and the one that answers it.
const WHO_IS: u8 = 8;
const I_AM: u8 = 0;
/// The one confirmed service that exists here.
const READ_PROPERTY: u8 = 12;
/// We take one unsegmented APDU of up to 1476 bytes.
const MAX_APDU: u8 = 5;

/// Who are you? To one device, of any instance number.
pub(super) fn who_is() -> Vec<u8> {
    frame(&[1, 0, 0x10, WHO_IS])
}

/// What is this property of your device object?
pub(super) fn read_property(instance: u32, property: u16, invoke: u8) -> Vec<u8> {
    let object = (DEVICE << 22 | instance & WILDCARD).to_be_bytes();
    let [high, low] = property.to_be_bytes();
    // NPDU: version 1, an answer is expected; then a confirmed request
    let mut npdu = vec![1, 4, 0, MAX_APDU, invoke, READ_PROPERTY, 0x0C];
    npdu.extend(object);
    if high == 0 {
        npdu.extend([0x19, low]);
    } else {
        npdu.extend([0x1A, high, low]);
    }
    frame(&npdu)
}

fn frame(npdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(npdu.len() + 4).unwrap_or(u16::MAX).to_be_bytes();
    [&[BVLC, ORIGINAL_UNICAST, length[0], length[1]], npdu].concat()
}

/// What a datagram says, as far as it can concern us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It answered Who-Is.
    IAm { device: u32, vendor: u16 },
    /// It told a property; the text in UTF-8.
    Text { invoke: u8, property: u16, text: Vec<u8> },
    /// It refused a request.
    Refused { invoke: u8 },
    /// It answered a request with something that cannot be.
    Broken { invoke: u8, problem: &'static str },
    /// Anything else.
    Other,
}

impl Said {
    /// Whether it answers the request of this number, or Who-Is, which has none.
    pub(super) const fn answers(&self, request: Option<u8>) -> bool {
        match (self, request) {
            (Self::IAm { .. }, None) => true,
            (Self::Text { invoke, .. } | Self::Refused { invoke } | Self::Broken { invoke, .. }, Some(request)) => {
                *invoke == request
            }
            _ => false,
        }
    }
}

pub(super) fn parse(datagram: &[u8]) -> Result<Said, Problem> {
    let length = datagram.len();
    let mut cursor = Cursor::new(datagram);
    let [kind, function] = cursor.array()?;
    if kind != BVLC || usize::from(cursor.be16()?) != length {
        return Err("the answer is no BACnet/IP".into());
    }
    match function {
        ORIGINAL_UNICAST | ORIGINAL_BROADCAST => {}
        FORWARDED => drop(cursor.take(6)?),
        _ => return Ok(Said::Other),
    }
    network(&mut cursor)?.map_or(Ok(Said::Other), application)
}

/// Passes over the network header; `None` for a message of the network layer itself.
fn network<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cursor<'a>>, Problem> {
    let [version, control] = cursor.array()?;
    if version != 1 {
        return Err("the answer has an unknown network version".into());
    }
    let (has_destination, has_source) = (control & 0x20 != 0, control & 0x08 != 0);
    for _ in 0..usize::from(has_destination) + usize::from(has_source) {
        let _network = cursor.be16()?;
        let length = usize::from(cursor.byte()?);
        cursor.take(length)?;
    }
    if has_destination {
        let _hops = cursor.byte()?;
    }
    Ok((control & 0x80 == 0).then_some(*cursor))
}

fn application(mut apdu: Cursor<'_>) -> Result<Said, Problem> {
    let head = apdu.byte()?;
    match head >> 4 {
        1 if apdu.byte()? == I_AM => i_am(&mut apdu),
        3 => {
            let [invoke, service] = apdu.array()?;
            if head & 0x08 != 0 || service != READ_PROPERTY {
                return Ok(Said::Broken { invoke, problem: "it answered in pieces or about another service" });
            }
            property(invoke, &mut apdu)
        }
        // error, reject and abort
        5..=7 => Ok(Said::Refused { invoke: apdu.byte()? }),
        _ => Ok(Said::Other),
    }
}

fn i_am(apdu: &mut Cursor<'_>) -> Result<Said, Problem> {
    let object = tagged(apdu, 12)?;
    let _max_apdu = tagged(apdu, 2)?;
    let _segmentation = tagged(apdu, 9)?;
    let vendor = tagged(apdu, 2)?;
    let object = object.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    let vendor = vendor.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    if object >> 22 != DEVICE {
        return Err("it says I-Am about an object that is no device".into());
    }
    Ok(Said::IAm { device: object & WILDCARD, vendor: u16::try_from(vendor).unwrap_or(0) })
}

fn property(invoke: u8, apdu: &mut Cursor<'_>) -> Result<Said, Problem> {
    if apdu.byte()? != 0x0C {
        return Err("it answered about something that is no object".into());
    }
    let _object = apdu.take(4)?;
    let property = match apdu.byte()? {
        0x19 => u16::from(apdu.byte()?),
        0x1A => apdu.be16()?,
        _ => return Err("it answered about something that is no property".into()),
    };
    if apdu.byte()? != 0x3E {
        return Err("it answered with an element of a list".into());
    }
    let text = tagged(apdu, 7)?;
    if apdu.byte()? != 0x3F {
        return Err("it answered with more than one value".into());
    }
    let (encoding, text) = text.split_first().ok_or("a text without its encoding")?;
    Ok(Said::Text { invoke, property, text: decode(*encoding, text) })
}

/// The bytes of one application value of this type (clause 20.2.1).
fn tagged<'a>(apdu: &mut Cursor<'a>, wanted: u8) -> Result<&'a [u8], Problem> {
    let tag = apdu.byte()?;
    if tag >> 4 != wanted || tag & 0x08 != 0 {
        return Err("a value has another type than the standard says".into());
    }
    let mut length = usize::from(tag & 0x07);
    if length == 5 {
        length = usize::from(apdu.byte()?);
        if length == 254 {
            length = usize::from(apdu.be16()?);
        }
    }
    if length > 1476 {
        return Err("a value is longer than its datagram".into());
    }
    apdu.take(length)
}

/// A text in UTF-8. Encodings: 0 UTF-8, 4 UTF-16, 5 ISO 8859-1; others are shown as far as they are ASCII.
fn decode(encoding: u8, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        4 => {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units).into_bytes()
        }
        5 => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes(),
        _ => bytes.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &[u8] = &[
        0x81, 0x0A, 0, 27, 1, 0, 0x30, 3, 12, 0x0C, 0x02, 0, 0x12, 0x67, 0x19, 70, 0x3E, 0x75, 8, 0, b'A', b'H', b'U',
        b'-', b'L', b'A', b'B', 0x3F,
    ];

    fn model() -> Vec<u8> {
        let mut datagram = MODEL.to_vec();
        datagram[3] = u8::try_from(datagram.len()).unwrap();
        datagram
    }

    #[test]
    fn a_property_is_read_with_the_request_that_it_answers() {
        let said = parse(&model()).unwrap();
        assert_eq!(said, Said::Text { invoke: 3, property: 70, text: b"AHU-LAB".to_vec() });
    }

    #[test]
    fn an_i_am_tells_instance_and_vendor_even_from_behind_a_router() {
        let apdu = [0x10, 0, 0xC4, 2, 0, 0x12, 0x67, 0x22, 5, 0xC4, 0x91, 3, 0x22, 3, 0xE7];
        let said = Said::IAm { device: 4711, vendor: 999 };
        assert_eq!(parse(&frame(&[&[1, 0][..], &apdu].concat())).unwrap(), said);
        let routed = [1, 0x28, 0xFF, 0xFF, 0, 0, 5, 1, 9, 0xFF];
        assert_eq!(parse(&frame(&[&routed[..], &apdu].concat())).unwrap(), said);
    }

    #[test]
    fn refusals_and_strangers_are_told_apart() {
        assert_eq!(parse(&frame(&[1, 0, 0x50, 7, 12, 0x91, 2, 0x91, 32])).unwrap(), Said::Refused { invoke: 7 });
        assert_eq!(parse(&frame(&[1, 0x80, 1])).unwrap(), Said::Other);
        assert!(parse(b"\x16\xfe\xfd\x00").is_err());
    }

    #[test]
    fn a_cut_or_lying_answer_is_none() {
        let whole = model();
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_err(), "{end}");
        }
        let mut lying = whole;
        lying[18] = 200;
        assert!(parse(&lying).is_err());
    }

    #[test]
    fn texts_of_every_encoding_become_utf_8() {
        assert_eq!(decode(4, &[0, b'L', 0, 0xFC]), "Lü".as_bytes());
        assert_eq!(decode(5, &[b'L', 0xFC]), "Lü".as_bytes());
        assert_eq!(decode(0, "Lü".as_bytes()), "Lü".as_bytes());
    }

    proptest::proptest! {
        #[test]
        fn no_datagram_makes_it_panic(npdu in proptest::collection::vec(0_u8.., 0..64), raw: Vec<u8>) {
            parse(&frame(&npdu)).ok();
            parse(&raw).ok();
        }
    }
}
