//! What comes back: headers, answers, and the types inside them. Pure and bounded.

use crate::transport::ot::cursor::{Cursor, Problem};

/// Deepest nesting of diagnostics; nobody asked for any.
const MAX_DEPTH: u8 = 4;
/// Longest list that is gone through.
const MAX_LIST: usize = 1024;

/// Numbers of the answers (binary encoding).
pub(super) const CHANNEL_OPENED: u32 = 449;
pub(super) const ENDPOINTS: u32 = 431;
const FAULT: u32 = 397;

/// The channel that the server opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) id: u32,
    pub(super) token: u32,
}

/// One way into the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint<'a> {
    pub(super) url: &'a [u8],
    pub(super) application: Application<'a>,
    pub(super) certificate: &'a [u8],
    pub(super) mode: u32,
    pub(super) policy: &'a [u8],
    pub(super) tokens: Vec<Token<'a>>,
    pub(super) transport: &'a [u8],
    pub(super) level: u8,
}

/// Who the server says it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Application<'a> {
    pub(super) uri: &'a [u8],
    pub(super) product: &'a [u8],
    pub(super) name: &'a [u8],
}

/// One way to say who one is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: u32,
    pub(super) policy: &'a [u8],
}

/// An error that the server reports in place of a message.
pub(super) fn error(body: &[u8]) -> Result<u32, Problem> {
    Cursor::new(body).le32()
}

/// The body of the answer to the request for a channel, from the policy on.
pub(super) fn channel(body: &[u8]) -> Result<Result<Channel, u32>, Problem> {
    let mut body = Cursor::new(body);
    for _policy_and_certificates in 0..3 {
        bytes(&mut body)?;
    }
    let _sequence_and_request = body.take(8)?;
    if let Err(status) = answer(&mut body, CHANNEL_OPENED)? {
        return Ok(Err(status));
    }
    let _protocol = body.le32()?;
    Ok(Ok(Channel { id: body.le32()?, token: body.le32()? }))
}

/// The body of the answer to `GetEndpoints`, all its chunks put together.
pub(super) fn endpoints(body: &[u8]) -> Result<Result<Vec<Endpoint<'_>>, u32>, Problem> {
    let mut body = Cursor::new(body);
    if let Err(status) = answer(&mut body, ENDPOINTS)? {
        return Ok(Err(status));
    }
    list(&mut body, endpoint).map(Ok)
}

/// The number of the answer and its header; the status when it is none of success.
fn answer(body: &mut Cursor<'_>, wanted: u32) -> Result<Result<(), u32>, Problem> {
    let number = node_number(body)?;
    let _time_and_handle = body.take(12)?;
    let status = body.le32()?;
    diagnostics(body, 0)?;
    list(body, bytes)?;
    let _type = node_number(body)?;
    if body.byte()? != 0 {
        bytes(body)?;
    }
    // the two highest bits of a status tell whether it is bad
    match number {
        _ if status >> 30 != 0 => Ok(Err(status)),
        number if number == wanted => Ok(Ok(())),
        FAULT => Err("a fault without a status".into()),
        _ => Err("it answered with another message".into()),
    }
}

fn endpoint<'a>(body: &mut Cursor<'a>) -> Result<Endpoint<'a>, Problem> {
    Ok(Endpoint {
        url: bytes(body)?,
        application: application(body)?,
        certificate: bytes(body)?,
        mode: body.le32()?,
        policy: bytes(body)?,
        tokens: list(body, token)?,
        transport: bytes(body)?,
        level: body.byte()?,
    })
}

fn application<'a>(body: &mut Cursor<'a>) -> Result<Application<'a>, Problem> {
    let (uri, product) = (bytes(body)?, bytes(body)?);
    let name = localized(body)?;
    let _kind = body.le32()?;
    let (_gateway, _profile) = (bytes(body)?, bytes(body)?);
    list(body, bytes)?;
    Ok(Application { uri, product, name })
}

fn token<'a>(body: &mut Cursor<'a>) -> Result<Token<'a>, Problem> {
    let _id = bytes(body)?;
    let kind = body.le32()?;
    let (_issued, _issuer) = (bytes(body)?, bytes(body)?);
    Ok(Token { kind, policy: bytes(body)? })
}

/// The text of a localized text, in whatever language it is.
fn localized<'a>(body: &mut Cursor<'a>) -> Result<&'a [u8], Problem> {
    let mask = body.byte()?;
    if mask & 1 != 0 {
        bytes(body)?;
    }
    if mask & 2 != 0 { bytes(body) } else { Ok(&[]) }
}

/// A text or byte string; an absent one is empty.
fn bytes<'a>(body: &mut Cursor<'a>) -> Result<&'a [u8], Problem> {
    match body.le32()? {
        u32::MAX => Ok(&[]),
        length => body.take(usize::try_from(length).unwrap_or(usize::MAX)),
    }
}

/// A list; an absent one is empty.
fn list<'a, T>(body: &mut Cursor<'a>, item: impl Fn(&mut Cursor<'a>) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    let count = match body.le32()? {
        u32::MAX => 0,
        count => usize::try_from(count).unwrap_or(usize::MAX),
    };
    if count > MAX_LIST {
        return Err(format!("a list of more than {MAX_LIST}"));
    }
    (0..count).map(|_| item(body)).collect()
}

/// The number of a node of the standard's own namespace.
fn node_number(body: &mut Cursor<'_>) -> Result<u32, Problem> {
    match body.byte()? {
        0 => body.byte().map(u32::from),
        1 => {
            let _namespace = body.byte()?;
            body.le16().map(u32::from)
        }
        2 => {
            let _namespace = body.le16()?;
            body.le32()
        }
        _ => Err("a message with an unknown number".into()),
    }
}

/// Passes over diagnostics that nobody asked for.
fn diagnostics(body: &mut Cursor<'_>, depth: u8) -> Result<(), Problem> {
    if depth > MAX_DEPTH {
        return Err("diagnostics without an end".into());
    }
    let mask = body.byte()?;
    for _number in 0..(mask & 0x0F).count_ones() {
        body.le32()?;
    }
    if mask & 0x10 != 0 {
        bytes(body)?;
    }
    if mask & 0x20 != 0 {
        body.le32()?;
    }
    if mask & 0x40 != 0 { diagnostics(body, depth + 1) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_is_empty_and_a_length_may_not_lie() {
        assert_eq!(bytes(&mut Cursor::new(&[255; 4])).unwrap(), b"");
        assert_eq!(bytes(&mut Cursor::new(&[2, 0, 0, 0, b'a', b'b'])).unwrap(), b"ab");
        assert!(bytes(&mut Cursor::new(&[9, 0, 0, 0, b'a'])).is_err());
        assert!(list(&mut Cursor::new(&[255, 255, 255, 127]), bytes).is_err());
    }

    #[test]
    fn nested_diagnostics_come_to_an_end() {
        assert!(diagnostics(&mut Cursor::new(&[0x40; 100]), 0).is_err());
        assert!(diagnostics(&mut Cursor::new(&[0x41, 1, 0, 0, 0, 0]), 0).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(body: Vec<u8>) {
            channel(&body).ok();
            endpoints(&body).ok();
            error(&body).ok();
        }
    }
}
