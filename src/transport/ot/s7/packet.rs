//! The four messages that leave, and their answers.

use crate::transport::ot::cursor::{Cursor, Problem};

/// RFC 1006, section 6.
pub(super) const TPKT_VERSION: u8 = 3;
/// COTP: connection request, its two answers, data.
const CONNECT: u8 = 0xE0;
const CONFIRM: u8 = 0xD0;
const DISCONNECT: u8 = 0x80;
const DATA: u8 = 0xF0;
/// A COTP packet that ends its message.
const LAST: u8 = 0x80;
/// S7: the mark, and the three kinds of messages.
const MARK: u8 = 0x32;
const JOB: u8 = 1;
const JOB_DONE: u8 = 3;
const USER_DATA: u8 = 7;
/// The one job that exists here.
const SET_UP: u8 = 0xF0;
/// The one group of user data functions that exists here, CPU functions as a request, and its one function.
const CPU_REQUEST: u8 = 0x44;
const CPU_ANSWER: u8 = 0x84;
const READ_LIST: u8 = 1;
/// Length of messages that we offer to take.
const PDU: [u8; 2] = [0x01, 0xE0];
/// A data item that holds something.
const SUCCESS: u8 = 0xFF;

/// Asks for a connection to the CPU at this place, as an operator panel (0x02), which has fewer rights than the
/// engineering station (0x01).
pub(super) fn connect(rack: u8, slot: u8) -> Vec<u8> {
    let place = rack << 5 | slot;
    let parameters = [0xC0, 1, 0x0A, 0xC1, 2, 0x01, 0x00, 0xC2, 2, 0x02, place];
    packet(&[&[17, CONNECT, 0, 0, 0, 1, 0][..], &parameters].concat())
}

/// Agrees on the length of messages; nothing else works without it.
pub(super) fn set_up() -> Vec<u8> {
    message(JOB, 0, &[SET_UP, 0, 0, 1, 0, 1, PDU[0], PDU[1]], &[])
}

/// Reads a status list from its beginning.
pub(super) fn read_list(list: u16, number: u16) -> Vec<u8> {
    let [high, low] = list.to_be_bytes();
    let parameters = [0, 1, 0x12, 4, 0x11, CPU_REQUEST, READ_LIST, 0];
    message(USER_DATA, number, &parameters, &[SUCCESS, 9, 0, 4, high, low, 0, 0])
}

/// Reads the next piece of it.
pub(super) fn read_on(sequence: u8, number: u16) -> Vec<u8> {
    let parameters = [0, 1, 0x12, 8, 0x12, CPU_REQUEST, READ_LIST, sequence, 0, 0, 0, 0];
    message(USER_DATA, number, &parameters, &[0x0A, 0, 0, 0])
}

fn message(kind: u8, number: u16, parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes();
    let header = [&[MARK, kind, 0, 0], &number.to_be_bytes()[..], &length(parameters), &length(data)].concat();
    packet(&[&[2, DATA, LAST][..], &header, parameters, data].concat())
}

fn packet(cotp: &[u8]) -> Vec<u8> {
    let length = u16::try_from(cotp.len() + 4).unwrap_or(u16::MAX).to_be_bytes();
    [&[TPKT_VERSION, 0, length[0], length[1]], cotp].concat()
}

/// What became of a connection request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Connected {
    Accepted,
    Refused,
}

pub(super) fn connected(packet: &[u8]) -> Result<Connected, Problem> {
    // the low half holds the credit
    match packet.get(1).map(|kind| kind & 0xF0) {
        Some(CONFIRM) => Ok(Connected::Accepted),
        Some(DISCONNECT) => Ok(Connected::Refused),
        _ => Err("the answer to the connection request is none".into()),
    }
}

pub(super) fn is_set_up(packet: &[u8]) -> Result<(), Problem> {
    let Said { parameters, error, .. } = said(packet, JOB_DONE, 0)?;
    match parameters.first() {
        Some(&SET_UP) if error == 0 => Ok(()),
        Some(&SET_UP) => Err(format!("the controller refused the set-up (error {error:#06x})")),
        _ => Err("the answer to the set-up is none".into()),
    }
}

/// One piece of a status list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The controller does not have this list.
    None,
    /// There is nothing behind it.
    Last(&'a [u8]),
    /// The rest is asked for with this sequence number.
    More { piece: &'a [u8], sequence: u8 },
}

pub(super) fn piece(packet: &[u8], number: u16) -> Result<Piece<'_>, Problem> {
    let Said { parameters, data, .. } = said(packet, USER_DATA, number)?;
    let mut parameters = Cursor::new(parameters);
    let [_, _, _, _, _, group, function, sequence] = parameters.array()?;
    if (group, function) != (CPU_ANSWER, READ_LIST) {
        return Err("it answered with another function".into());
    }
    // a short form without these three is an answer in one piece
    let (more, error) = match parameters.array::<4>() {
        Ok([_, more, high, low]) => (more != 0, u16::from_be_bytes([high, low])),
        Err(_) => (false, 0),
    };
    let mut data = Cursor::new(data);
    if error != 0 || data.is_empty() {
        return Ok(Piece::None);
    }
    let [result, _kind] = data.array()?;
    let length = usize::from(data.be16()?);
    if result != SUCCESS {
        return Ok(Piece::None);
    }
    let piece = data.take(length)?;
    Ok(if more { Piece::More { piece, sequence } } else { Piece::Last(piece) })
}

/// The parts of an S7 message.
struct Said<'a> {
    parameters: &'a [u8],
    data: &'a [u8],
    error: u16,
}

fn said(packet: &[u8], kind: u8, number: u16) -> Result<Said<'_>, Problem> {
    let mut packet = Cursor::new(packet);
    let [_, DATA, LAST] = packet.array()? else { return Err("the answer is not one whole data packet".into()) };
    let [mark, said_kind, _, _] = packet.array()?;
    if (mark, said_kind) != (MARK, kind) || packet.be16()? != number {
        return Err("the answer is no S7 message, or answers something else".into());
    }
    let (parameters, data) = (usize::from(packet.be16()?), usize::from(packet.be16()?));
    let error = if kind == JOB_DONE { packet.be16()? } else { 0 };
    Ok(Said { parameters: packet.take(parameters)?, data: packet.take(data)?, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_up_and_the_list_request_are_those_of_the_makers_library() {
        assert_eq!(
            set_up(),
            [3, 0, 0, 25, 2, 0xF0, 0x80, 0x32, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0xF0, 0, 0, 1, 0, 1, 1, 0xE0]
        );
        let request = read_list(0x001C, 2);
        assert_eq!(request[..4], [3, 0, 0, 33]);
        assert_eq!(request[17..], [0, 1, 0x12, 4, 0x11, 0x44, 1, 0, 0xFF, 9, 0, 4, 0, 0x1C, 0, 0]);
        assert_eq!(connect(0, 2).len(), 22);
        assert_eq!(connect(1, 3)[20..], [2, 0x23]);
    }

    #[test]
    fn an_error_is_no_list_and_a_cut_list_is_no_answer() {
        let answer = |error: u8, data: &[u8]| {
            message(USER_DATA, 1, &[0, 1, 0x12, 8, 0x12, CPU_ANSWER, READ_LIST, 7, 0, 0, error, 4], data)[4..].to_vec()
        };
        assert_eq!(piece(&answer(0x81, &[0x0A, 0, 0, 0]), 1), Ok(Piece::None));
        let mut whole = answer(0, &[0xFF, 9, 0, 2, 1, 2]);
        assert_eq!(piece(&whole, 1), Ok(Piece::None), "an error code of 4");
        whole[25] = 0;
        whole[24] = 0;
        assert!(piece(&whole, 2).is_err(), "another number");
        for end in 0..whole.len() {
            assert!(piece(&whole[..end], 1).is_err(), "{end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_packet_makes_it_panic(packet: Vec<u8>, parameters in proptest::collection::vec(0_u8.., 0..16), data: Vec<u8>) {
            connected(&packet).ok();
            is_set_up(&packet).ok();
            piece(&message(USER_DATA, 1, &parameters, &data)[4..], 1).ok();
        }
    }
}
