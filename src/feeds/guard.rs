//! The door for every file of a feed: how long it may be, how deep, and how much may stand in it.
//!
//! A survey of the bytes comes before any parsing, so that a hostile file costs one pass over it and no memory.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::FeedError;

/// Largest file, unpacked; a compressed one is cut off when it grows beyond.
pub(super) const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Deepest nesting of JSON; the deepest real product trees stay below 20.
const MAX_DEPTH: usize = 64;
/// Longest file of a hash beside another: a digest and a name.
const MAX_HASH: u64 = 64 * 1024;
/// Most values in one JSON document, counted by commas and brackets: the largest real documents have some 100,000.
const MAX_VALUES: usize = 2_000_000;

/// A file that was read once: whatever is said of it, and whatever is written from it, is of these bytes.
pub(super) struct Raw {
    /// As it lies there.
    pub(super) bytes: Vec<u8>,
    /// What it holds, where it is compressed.
    unpacked: Option<Vec<u8>>,
    /// Its SHA-256, hexadecimal.
    pub(super) sha256: String,
}

impl Raw {
    /// Reads a file as a whole, unpacked where its name ends in `.gz`.
    pub(super) fn read(path: &Path) -> Result<Self, FeedError> {
        let bytes = bounded(open(path)?)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let is_packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        let unpacked = is_packed.then(|| bounded(MultiGzDecoder::new(bytes.as_slice()))).transpose()?;
        Ok(Self { bytes, unpacked, sha256 })
    }

    /// What is to be parsed.
    pub(super) fn text(&self) -> &[u8] {
        self.unpacked.as_deref().unwrap_or(&self.bytes)
    }
}

/// Reads a small file that lies beside another; `None` where there is none.
pub(super) fn read_beside(path: &Path) -> Result<Option<Vec<u8>>, FeedError> {
    let file = match open(path) {
        Err(FeedError::File(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_HASH + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_HASH {
        return Err(FeedError::Shape(format!("the file of its hash is longer than {MAX_HASH} bytes")));
    }
    Ok(Some(bytes))
}

/// Opens a plain file. Anything else is not even opened: a pipe would hold us up for ever, and a device may act on it.
fn open(path: &Path) -> Result<File, FeedError> {
    let refused = || FeedError::Shape("this is not a regular file".into());
    if !std::fs::metadata(path)?.is_file() {
        return Err(refused());
    }
    // by now another may stand in its place, which must not hold us up either
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refused()) }
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
        assert!(matches!(Raw::read(&path), Err(FeedError::TooLarge(_))));
    }

    #[test]
    fn a_pipe_a_device_and_a_link_to_either_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, link) = (folder.path().join("pipe.json"), folder.path().join("link.json"));
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for path in [&pipe, &link, Path::new("/dev/zero"), folder.path()] {
            let Err(error) = Raw::read(path) else { panic!("{}", path.display()) };
            assert!(error.to_string().contains("not a regular file"), "{error}");
            assert!(read_beside(path).is_err());
        }
        assert!(read_beside(&folder.path().join("none")).unwrap().is_none());
    }

    #[test]
    fn a_cve_id_has_a_year_and_at_least_four_digits() {
        assert!(is_cve("CVE-2099-10001") && is_cve("CVE-2099-0001"));
        assert!(!is_cve("CVE-99-10001") && !is_cve("CVE-2099-001") && !is_cve("cve-2099-10001"));
    }
}
