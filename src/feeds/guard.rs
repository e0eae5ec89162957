//! The door for every file of a feed: how long it may be, how deep, and how much may stand in it.
//!
//! A survey of the bytes comes before any parsing, so that a hostile file costs one pass over it and no memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::FeedError;

/// Largest file, unpacked; a compressed one is cut off when it grows beyond.
pub(super) const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Deepest nesting of JSON; the deepest real product trees stay below 20.
const MAX_DEPTH: usize = 64;
/// Most values in one JSON document, counted by commas and brackets: the largest real documents have some 100,000.
const MAX_VALUES: usize = 2_000_000;

/// Reads a file as a whole, unpacked where its name ends in `.gz`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FeedError> {
    Ok(read_with_digest(path)?.0)
}

/// The same, with the SHA-256 of the file as it lies there, hexadecimal.
pub(super) fn read_with_digest(path: &Path) -> Result<(Vec<u8>, String), FeedError> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(FeedError::Shape("this is not a regular file".into()));
    }
    let bytes = bounded(file)?;
    let digest = hex(&Sha256::digest(&bytes));
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        return Ok((bounded(MultiGzDecoder::new(bytes.as_slice()))?, digest));
    }
    Ok((bytes, digest))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn bounded(reader: impl Read) -> Result<Vec<u8>, FeedError> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(FeedError::TooLarge(bytes.len()));
    }
    Ok(bytes)
}

/// Refuses JSON that is nested too deeply or holds too much, in one pass.
pub(super) fn survey(bytes: &[u8]) -> Result<(), FeedError> {
    let (mut depth, mut values, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in bytes {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(FeedError::Shape(format!("it is nested deeper than {MAX_DEPTH} levels")));
        }
        if values > MAX_VALUES {
            return Err(FeedError::Shape(format!("it holds more than {MAX_VALUES} values")));
        }
    }
    Ok(())
}

/// A short text of a file, for people: one line without control characters.
pub(super) fn line(text: &str) -> String {
    const LONGEST: usize = 200;
    text.trim().chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether a text is a CVE id.
pub(super) fn is_cve(text: &str) -> bool {
    let digits =
        |part: &str, most: usize| (4..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(year, number)| digits(year, 4) && digits(number, 19))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_is_too_deep_or_too_full_is_refused_before_it_is_parsed() {
        assert!(survey("[".repeat(65).as_bytes()).unwrap_err().to_string().contains("64 levels"));
        let full = format!("[{}1]", "1,".repeat(MAX_VALUES + 1));
        assert!(survey(full.as_bytes()).unwrap_err().to_string().contains("values"));
        assert!(survey(br#"{"text":"[[[[\"[[[["}"#).is_ok());
    }

    #[test]
    fn a_file_that_unpacks_to_far_more_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.csv.gz");
        let mut writer = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        let zeros = vec![0_u8; 1024 * 1024];
        (0..65).for_each(|_| writer.write_all(&zeros).unwrap());
        writer.finish().unwrap();
        assert!(matches!(read(&path), Err(FeedError::TooLarge(_))));
    }

    #[test]
    fn a_cve_id_has_a_year_and_at_least_four_digits() {
        assert!(is_cve("CVE-2099-10001") && is_cve("CVE-2099-0001"));
        assert!(!is_cve("CVE-99-10001") && !is_cve("CVE-2099-001") && !is_cve("cve-2099-10001"));
    }
}
