use proptest::prelude::*;

use super::*;

fn prefixed_u8(into: &mut Vec<u8>, bytes: &[u8]) {
    into.push(u8::try_from(bytes.len()).unwrap());
    into.extend(bytes);
}

fn prefixed_u16(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
    into.extend(bytes);
}

/// A record around a handshake message.
fn record(version: u16, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    message.extend(body);
    let mut bytes = vec![HANDSHAKE];
    bytes.extend(version.to_be_bytes());
    prefixed_u16(&mut bytes, &message);
    bytes
}

fn server_hello(legacy: u16, suite: u16, extensions: Option<&[u8]>, random: [u8; 32]) -> Vec<u8> {
    let mut body = legacy.to_be_bytes().to_vec();
    body.extend(random);
    prefixed_u8(&mut body, &[9; 32]);
    body.extend(suite.to_be_bytes());
    body.push(0);
    if let Some(extensions) = extensions {
        prefixed_u16(&mut body, extensions);
    }
    record(0x0303, SERVER_HELLO, &body)
}

#[test]
fn the_version_is_the_one_in_the_servers_hello() {
    let mut flight = Flight::default();
    assert_eq!(flight.push(&server_hello(0x0301, 0x002F, None, [1; 32])), None);
    assert_eq!(flight.choice, Some(Choice { version: Version::Tls10, suite: 0x002F, retry: false }));
}

#[test]
fn version_1_3_hides_in_an_extension_and_ends_the_clear_text() {
    let supported = [0, 43, 0, 2, 3, 4];
    for (random, retry) in [([1; 32], false), (RETRY, true)] {
        let mut flight = Flight::default();
        assert_eq!(flight.push(&server_hello(0x0303, 0x1301, Some(&supported), random)), Some(End::Complete));
        assert_eq!(flight.choice, Some(Choice { version: Version::Tls13, suite: 0x1301, retry }));
    }
}

#[test]
fn a_chain_is_read_across_records_and_single_bytes() {
    let certificates = [&[0, 0, 9][..], &[0, 0, 2], b"ab", &[0, 0, 1], b"c"].concat();
    let mut bytes = server_hello(0x0302, 0xC014, Some(&[]), [1; 32]);
    let message = record(0x0302, CERTIFICATE, &certificates);
    // the message split over two records
    let (head, tail) = message[5..].split_at(6);
    for part in [head, tail] {
        bytes.extend([HANDSHAKE, 3, 2]);
        prefixed_u16(&mut bytes, part);
    }
    bytes.extend(record(0x0302, SERVER_HELLO_DONE, &[]));
    let mut flight = Flight::default();
    let ends: Vec<_> = bytes.iter().map(|byte| flight.push(&[*byte])).collect();
    assert_eq!(ends.last(), Some(&Some(End::Complete)));
    assert!(ends[..ends.len() - 1].iter().all(Option::is_none));
    assert_eq!(flight.certificates, [b"ab".to_vec(), b"c".to_vec()]);
}

#[test]
fn an_alert_is_a_refusal_and_a_warning_is_not() {
    assert_eq!(Flight::default().push(&[21, 3, 1, 0, 2, 2, 70]), Some(End::Alert(70)));
    assert_eq!(Flight::default().push(&[21, 3, 1, 0, 2, 1, 112]), None);
}

#[test]
fn what_is_not_tls_is_told_from_what_is_broken() {
    for plain in [&b"SSH-2.0-OpenSSH"[..], b"220 ftp", b"HTTP/1.0 400", &[0xff, 0xfd, 1], &[0]] {
        let mut flight = Flight::default();
        assert_eq!(flight.push(plain), Some(End::NotTls));
        assert!(!flight.is_tls());
    }
    let mut flight = Flight::default();
    flight.push(&[21, 3, 1, 0, 2, 1, 112]);
    assert!(matches!(flight.push(b"garbage"), Some(End::Broken(_))));
}

#[test]
fn an_endless_flight_ends() {
    let mut flight = Flight::default();
    flight.push(&server_hello(0x0303, 0xC02F, None, [1; 32]));
    let filler = record(0x0303, 12, &[0; 1000]);
    let ended = (0..1000).find_map(|_| flight.push(&filler));
    assert_eq!(ended, Some(End::Broken("more than a handshake needs")));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8)) {
        let mut flight = Flight::default();
        for chunk in chunks {
            if flight.push(&chunk).is_some() {
                break;
            }
        }
    }

    #[test]
    fn random_messages_in_good_records_never_panic(
        kind in prop::sample::select(vec![2_u8, 11, 12, 14]),
        body in prop::collection::vec(any::<u8>(), 0..300),
        hello_first in any::<bool>(),
    ) {
        let mut flight = Flight::default();
        if hello_first {
            flight.push(&server_hello(0x0303, 0xC02F, None, [1; 32]));
        }
        flight.push(&record(0x0303, kind, &body));
    }

    #[test]
    fn a_mangled_flight_never_panics(at in 0_usize..200, byte in any::<u8>()) {
        let mut bytes = server_hello(0x0303, 0xC02F, Some(&[0, 43, 0, 2, 3, 4]), [1; 32]);
        let at = at % bytes.len();
        bytes[at] = byte;
        Flight::default().push(&bytes);
    }
}
