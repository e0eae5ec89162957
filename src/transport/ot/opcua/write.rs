//! The four messages that leave: Hello, open a channel without security, `GetEndpoints`, close the channel.
//!
//! [OPC 10000-6], sections 5.2 (encoding), 6.7 (channel) and 7.1 (connection).
//!
//! [OPC 10000-6]: https://reference.opcfoundation.org/Core/Part6/

/// Bytes of one chunk that we offer to take, and that we could send.
pub(super) const CHUNK: u32 = 65_536;
/// Bytes of a whole answer that we take: hundreds of endpoints with their certificates.
pub(super) const MAX_MESSAGE: u32 = 1 << 20;
/// Chunks of a whole answer.
pub(super) const MAX_CHUNKS: u32 = 128;
/// The policy of a channel that only serves discovery.
const NO_SECURITY: &str = "http://opcfoundation.org/UA/SecurityPolicy#None";
/// Milliseconds that the channel may live; it is closed long before.
const LIFETIME: u32 = 60_000;

/// Numbers of the requests that exist here (binary encoding, OPC 10000-6, annex A).
const OPEN_CHANNEL: u16 = 446;
const CLOSE_CHANNEL: u16 = 452;
const GET_ENDPOINTS: u16 = 428;

/// Says what we can take and whom we want.
pub(super) fn hello(url: &str) -> Vec<u8> {
    let mut body = Body::default();
    body.number(0).number(CHUNK).number(CHUNK).number(MAX_MESSAGE).number(MAX_CHUNKS).text(url);
    frame(*b"HELF", &body.0)
}

/// Opens a channel for discovery: unsigned, and without a session nobody is logged in.
pub(super) fn open_channel() -> Vec<u8> {
    let mut body = Body::default();
    // channel (none yet), policy, no certificates, sequence and request number
    body.number(0).text(NO_SECURITY).nothing().nothing().number(1).number(1);
    // protocol version, issue a token, mode none, no nonce, lifetime
    body.request(OPEN_CHANNEL, 1).number(0).number(0).number(1).nothing().number(LIFETIME);
    frame(*b"OPNF", &body.0)
}

/// Asks which endpoints the server has, in any language, over any transport.
pub(super) fn get_endpoints(channel: u32, token: u32, url: &str) -> Vec<u8> {
    let mut body = Body::default();
    body.number(channel).number(token).number(2).number(2);
    body.request(GET_ENDPOINTS, 2).text(url).nothing().nothing();
    frame(*b"MSGF", &body.0)
}

/// Says goodbye; there is no answer.
pub(super) fn close_channel(channel: u32, token: u32) -> Vec<u8> {
    let mut body = Body::default();
    body.number(channel).number(token).number(3).number(3);
    body.request(CLOSE_CHANNEL, 3);
    frame(*b"CLOF", &body.0)
}

fn frame(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap_or(u32::MAX).to_le_bytes();
    [&kind[..], &length, body].concat()
}

#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn number(&mut self, number: u32) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    /// An absent text, byte string or list.
    fn nothing(&mut self) -> &mut Self {
        self.number(u32::MAX)
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.number(u32::try_from(text.len()).unwrap_or(0));
        self.0.extend(text.bytes());
        self
    }

    /// The number of the request and its header: nobody's session, no time, no diagnostics, no audit entry.
    fn request(&mut self, number: u16, handle: u32) -> &mut Self {
        let [low, high] = number.to_le_bytes();
        self.0.extend([1, 0, low, high]);
        self.0.extend([0, 0]);
        self.0.extend([0; 8]);
        self.number(handle).number(0).nothing().number(LIFETIME);
        self.0.extend([0, 0, 0]);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_says_its_own_length() {
        let url = "opc.tcp://127.0.0.1:4840";
        for message in [hello(url), open_channel(), get_endpoints(7, 9, url), close_channel(7, 9)] {
            assert_eq!(message[4..8], u32::try_from(message.len()).unwrap().to_le_bytes());
            assert_eq!(message[3], b'F');
        }
        assert_eq!(open_channel()[8..12], [0; 4]);
        assert_eq!(get_endpoints(7, 9, url)[8..16], [7, 0, 0, 0, 9, 0, 0, 0]);
    }
}
