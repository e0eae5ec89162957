//! A device that still answers TLS 1.0 and 1.1, which no library here can serve.
//!
//! Hellos of version 1.2 and newer go to a real server. Older ones get a flight of our own: `ServerHello`,
//! `Certificate`, `ServerHelloDone` ([RFC 2246]). It is whole and well-formed, and it ends there: nobody can log in
//! over it, and nobody needs to in order to see that the version is accepted.
//!
//! [RFC 2246]: https://www.rfc-editor.org/rfc/rfc2246

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::web;

/// Longest wait for a hello, and for the goodbye.
const WAIT: Duration = Duration::from_secs(5);
/// Time between two looks at a hello that comes in pieces.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Longest record (RFC 2246 section 6.2.1).
const LONGEST_RECORD: usize = 1 << 14;
/// Where the version stands in a hello: behind the heads of record and message.
const VERSION_AT: usize = 9;
const TLS10: u16 = 0x0301;
const TLS12: u16 = 0x0303;
const HANDSHAKE: u8 = 22;
/// `TLS_RSA_WITH_AES_128_CBC_SHA`: needs no message between certificate and done.
const SUITE: [u8; 2] = [0x00, 0x2f];
/// Fatal, `handshake_failure`.
const REFUSAL: [u8; 2] = [2, 40];
/// Fatal, `protocol_version`.
const TOO_OLD: [u8; 2] = [2, 70];

/// A device of mixed age.
#[derive(Clone)]
pub(super) struct OldServer {
    /// Serves what is modern enough.
    pub(super) acceptor: TlsAcceptor,
    /// What is shown to the others, in DER.
    pub(super) certificate: Arc<[u8]>,
    /// The page inside.
    pub(super) page: Arc<[u8]>,
}

impl OldServer {
    /// Serves one connection.
    pub(super) async fn serve(self, mut stream: TcpStream) {
        let Ok(Some(version)) = timeout(WAIT, version(&stream)).await else { return };
        if version >= TLS12 {
            return web::answer_over_tls(stream, self.acceptor, self.page).await;
        }
        let Ok(Some(hello)) = timeout(WAIT, record(&mut stream)).await else { return };
        let answer = answer(version, &hello, &self.certificate);
        if stream.write_all(&answer).await.is_ok() && stream.shutdown().await.is_ok() {
            // the peer's goodbye, so that nothing is reset under it
            timeout(WAIT, stream.read(&mut [0; 64])).await.ok();
        }
    }
}

/// The version that a hello offers, without taking it off the connection.
async fn version(stream: &TcpStream) -> Option<u16> {
    let mut head = [0; VERSION_AT + 2];
    loop {
        match stream.peek(&mut head).await {
            Ok(seen) if seen == head.len() => {
                return Some(u16::from_be_bytes([head[VERSION_AT], head[VERSION_AT + 1]]));
            }
            Ok(1..) if head[0] == HANDSHAKE => tokio::time::sleep(LOOK_AGAIN).await,
            _ => return None,
        }
    }
}

/// The body of one record.
async fn record(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).await.ok()?;
    let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
    let mut body = vec![0; (length <= LONGEST_RECORD).then_some(length)?];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// What a server of TLS 1.0 and 1.1 says to a hello.
fn answer(version: u16, hello: &[u8], certificate: &[u8]) -> Vec<u8> {
    if version < TLS10 {
        return framed(21, version, &TOO_OLD);
    }
    if !suites(hello).is_some_and(|suites| suites.chunks_exact(2).any(|suite| suite == SUITE)) {
        return framed(21, version, &REFUSAL);
    }
    let mut body = version.to_be_bytes().to_vec();
    body.extend(rand::random::<[u8; 32]>());
    body.push(0);
    body.extend(SUITE);
    body.push(0);
    let chain = [&u24(certificate.len() + 3)[..], &u24(certificate.len()), certificate].concat();
    let messages = [message(2, &body), message(11, &chain), message(14, &[])].concat();
    framed(HANDSHAKE, version, &messages)
}

/// The list of suites in a hello: behind version, random and session.
fn suites(hello: &[u8]) -> Option<&[u8]> {
    let (session, rest) = hello.get(4 + 2 + 32..)?.split_first()?;
    let rest = rest.get(usize::from(*session)..)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &u24(body.len()), body].concat()
}

fn framed(kind: u8, version: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    [&[kind][..], &version.to_be_bytes(), &length.to_be_bytes(), body].concat()
}

fn u24(number: usize) -> [u8; 3] {
    let [.., a, b, c] = number.to_be_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(suites: &[u8]) -> Vec<u8> {
        let length = u8::try_from(suites.len()).unwrap();
        [&[1, 0, 0, 40][..], &[3, 1], &[7; 32], &[0], &[0, length], suites, &[1, 0]].concat()
    }

    #[test]
    fn an_old_hello_gets_a_whole_flight_and_a_strange_one_an_alert() {
        let flight = answer(0x0301, &hello(&[0, 5, 0, 0x2f]), b"certificate");
        assert_eq!(flight[..6], [22, 3, 1, 0, u8::try_from(flight.len() - 5).unwrap(), 2]);
        assert_eq!(flight[flight.len() - 4..], [14, 0, 0, 0]);
        assert_eq!(answer(0x0301, &hello(&[0, 5]), b"certificate")[5..], REFUSAL);
        assert_eq!(answer(0x0300, &hello(&[0, 0x2f]), b"certificate")[5..], TOO_OLD);
        assert_eq!(answer(0x0302, &[1, 0, 0], b"certificate")[5..], REFUSAL);
    }
}
