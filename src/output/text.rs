//! A stretch of the body: plain bytes, and what they are compressed to when a scraper first asks for it.
//!
//! A compressed body is one gzip member (RFC 1952): a header, the blocks of all stretches, an empty last block, and a
//! trailer with the checksum put together from theirs. Each stretch begins with an empty window and ends on a whole
//! byte, so that it can stand anywhere. A member for each stretch would be simpler, but curl and browsers read only
//! the first one.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Magic number, deflate, no flags, no time, fastest algorithm, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// An empty last block with fixed codes (RFC 1951, section 3.2.6).
const LAST_BLOCK: [u8; 2] = [3, 0];

/// A part of the body, shared with the scrapes that are sending it. A change makes a copy while a scrape still
/// holds it, so what a scrape has begun to send stays as it was.
#[derive(Debug, Default)]
pub(super) struct Text {
    plain: Vec<u8>,
    packed: OnceLock<Packed>,
}

/// Deflate blocks, none of them the last, and the checksum of what they hold.
#[derive(Debug)]
struct Packed {
    blocks: Vec<u8>,
    checksum: Crc,
}

impl From<Vec<u8>> for Text {
    fn from(plain: Vec<u8>) -> Self {
        Self { plain, packed: OnceLock::new() }
    }
}

impl Clone for Text {
    /// Copied only in order to be changed, so the compressed form stays behind.
    fn clone(&self) -> Self {
        Self::from(self.plain.clone())
    }
}

impl Text {
    /// The plain bytes.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// The plain bytes, to be changed; forgets the compressed form.
    pub(super) fn edit(text: &mut Arc<Self>) -> &mut Vec<u8> {
        let own = Arc::make_mut(text);
        own.packed.take();
        &mut own.plain
    }

    /// Hands the plain bytes out without copying them.
    pub(super) fn share(self: &Arc<Self>) -> Bytes {
        Bytes::from_owner(Plain(Arc::clone(self)))
    }

    fn packed(&self) -> &Packed {
        self.packed.get_or_init(|| {
            // level 1: a fifth of the time of level 6 for 1.6 times its size, and the cold first scrape waits for it
            let mut encoder = DeflateEncoder::new(Vec::with_capacity(self.plain.len() / 8 + 64), Compression::fast());
            encoder.write_all(&self.plain).and_then(|()| encoder.flush()).expect("writing to memory cannot fail");
            let mut blocks = std::mem::take(encoder.get_mut());
            blocks.shrink_to_fit();
            let mut checksum = Crc::new();
            checksum.update(&self.plain);
            Packed { blocks, checksum }
        })
    }
}

/// The stretches as one gzip member, without copying them.
pub(super) fn gzip(texts: &[Arc<Text>]) -> Vec<Bytes> {
    let mut checksum = Crc::new();
    let mut chunks = vec![Bytes::from_static(&HEADER)];
    for text in texts {
        checksum.combine(&text.packed().checksum);
        chunks.push(Bytes::from_owner(Blocks(Arc::clone(text))));
    }
    let trailer = [&LAST_BLOCK[..], &checksum.sum().to_le_bytes(), &checksum.amount().to_le_bytes()].concat();
    chunks.push(Bytes::from(trailer));
    chunks
}

struct Plain(Arc<Text>);

impl AsRef<[u8]> for Plain {
    fn as_ref(&self) -> &[u8] {
        self.0.plain()
    }
}

struct Blocks(Arc<Text>);

impl AsRef<[u8]> for Blocks {
    fn as_ref(&self) -> &[u8] {
        &self.0.packed().blocks
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn unpacked(chunks: &[Bytes]) -> String {
        let mut text = String::new();
        // the decoder for one member: it refuses what follows
        flate2::read::GzDecoder::new(&*chunks.concat()).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_change_does_not_reach_what_a_scrape_already_holds() {
        let mut text = Arc::new(Text::from(b"up 0\n".to_vec()));
        let (held, packed) = (text.share(), gzip(&[Arc::clone(&text)]));
        Text::edit(&mut text)[3] = b'1';
        assert_eq!((&held[..], unpacked(&packed).as_str()), (&b"up 0\n"[..], "up 0\n"));
        assert_eq!(text.share(), "up 1\n");
        assert_eq!(unpacked(&gzip(&[text])), "up 1\n");
    }

    #[test]
    fn many_stretches_are_one_member_for_readers_that_know_only_one() {
        let pages: Vec<_> = (0..50).map(|n| format!("page {n} {}\n", "x".repeat(n * 97))).collect();
        let texts: Vec<_> = pages.iter().map(|page| Arc::new(Text::from(page.clone().into_bytes()))).collect();
        assert_eq!(unpacked(&gzip(&texts)), pages.concat());
        assert_eq!(unpacked(&gzip(&[])), "");
    }
}
