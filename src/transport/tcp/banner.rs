//! What a port says by itself, made printable.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

use crate::transport::gate::Stream;
use crate::transport::printable;

/// Most bytes read.
const MAX_BYTES: usize = 512;
/// Longest wait for the first byte: servers that greet do so at once.
const WAIT: Duration = Duration::from_secs(1);
/// Once something came, the rest of a greeting follows soon or not at all.
const REST: Duration = Duration::from_millis(200);

/// "Interpret as command", the escape byte of telnet (RFC 854).
const IAC: u8 = 255;
const SUBNEGOTIATION: u8 = 250;
const SUBNEGOTIATION_END: u8 = 240;

/// Listens for a moment; sends nothing. Empty when nothing came.
pub(super) async fn read(stream: &mut Stream) -> String {
    let (mut bytes, mut chunk) = (Vec::new(), [0_u8; MAX_BYTES]);
    let mut until = Instant::now() + WAIT;
    while bytes.len() < MAX_BYTES {
        match timeout_at(until, stream.read(&mut chunk[..MAX_BYTES - bytes.len()])).await {
            Ok(Ok(n @ 1..)) => bytes.extend_from_slice(&chunk[..n]),
            _ => break,
        }
        // one more short wait at most, so that a slow drip cannot hold us
        until = until.min(Instant::now() + REST);
    }
    printable::line(&String::from_utf8_lossy(&without_telnet(&bytes)), MAX_BYTES)
}

/// Leaves out telnet's option negotiation, which is no text.
fn without_telnet(bytes: &[u8]) -> Vec<u8> {
    let (mut text, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    while let Some((first, tail)) = rest.split_first() {
        rest = match (*first, tail) {
            (IAC, [IAC, tail @ ..]) => {
                text.push(IAC);
                tail
            }
            (IAC, [SUBNEGOTIATION, tail @ ..]) => {
                let end = tail.windows(2).position(|pair| pair == [IAC, SUBNEGOTIATION_END]);
                end.map_or(&[][..], |at| &tail[at + 2..])
            }
            (IAC, [251..=254, _option, tail @ ..]) => tail,
            (IAC, [_command, tail @ ..]) => tail,
            (IAC, []) => &[],
            (other, tail) => {
                text.push(other);
                tail
            }
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telnet_negotiation_is_no_text() {
        let greeting = [&[255, 253, 1, 255, 251, 3, 255, 250, 24, 1, 255, 240][..], b"\r\nlogin: "].concat();
        assert_eq!(without_telnet(&greeting), b"\r\nlogin: ");
    }

    #[test]
    fn cut_negotiation_ends_the_text() {
        for greeting in [&[b'a', 255][..], &[b'a', 255, 253], &[b'a', 255, 250, 1, 2]] {
            assert_eq!(without_telnet(greeting)[..1], *b"a");
        }
    }
}
