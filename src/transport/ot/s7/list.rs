//! System status lists: records of one length, each with an index that says what it is.

use crate::transport::ot::cursor::{Cursor, Problem};

/// One record without its index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) index: u16,
    pub(super) bytes: &'a [u8],
}

/// The records of a list; it may have none.
pub(super) fn records(list: &[u8]) -> Result<Vec<Record<'_>>, Problem> {
    let mut list = Cursor::new(list);
    let (_id, _index) = (list.be16()?, list.be16()?);
    let (length, count) = (usize::from(list.be16()?), usize::from(list.be16()?));
    if count > 0 && length < 2 {
        return Err("a status list with records of no length".into());
    }
    let mut records = Vec::new();
    for _ in 0..count {
        let mut record = Cursor::new(list.take(length)?);
        records.push(Record { index: record.be16()?, bytes: record.rest() });
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_cut_by_their_length_and_a_missing_one_is_an_error() {
        let list = [0, 0x1C, 0, 0, 0, 4, 0, 2, 0, 1, b'a', b'b', 0, 5, b'c', b'd'];
        let expected = [Record { index: 1, bytes: b"ab" }, Record { index: 5, bytes: b"cd" }];
        assert_eq!(records(&list).unwrap(), expected);
        for end in 0..list.len() {
            assert!(records(&list[..end]).is_err(), "{end}");
        }
        assert!(records(&[0, 0x1C, 0, 0, 0, 0, 255, 255]).is_err());
        assert_eq!(records(&[0, 0x1C, 0, 0, 0, 0, 0, 0]), Ok(vec![]));
    }
}
