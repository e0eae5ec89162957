//! Reads numbers and pieces out of a message; a message that ends too early is an error, never a panic.

/// What is wrong with a message, in words that hold no byte of it.
pub(super) type Problem = String;

/// The rest of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let Some((head, rest)) = self.0.split_at_checked(count) else {
            return Err("the message ends too early".into());
        };
        self.0 = rest;
        Ok(head)
    }

    /// The next bytes, as many as fit the array.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Problem> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// A 16-bit number, most significant byte first.
    pub(super) fn be16(&mut self) -> Result<u16, Problem> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// A 16-bit number, least significant byte first.
    pub(super) fn le16(&mut self) -> Result<u16, Problem> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// A 32-bit number, least significant byte first.
    pub(super) fn le32(&mut self) -> Result<u32, Problem> {
        Ok(u32::from_le_bytes(self.array()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_both_orders_and_never_past_the_end() {
        let mut cursor = Cursor::new(&[1, 2, 1, 2, 1, 2, 3, 4, 9]);
        assert_eq!((cursor.be16().unwrap(), cursor.le16().unwrap()), (0x0102, 0x0201));
        assert_eq!(cursor.le32().unwrap(), 0x0403_0201);
        assert!(cursor.be16().is_err());
        assert_eq!(cursor.byte().unwrap(), 9);
        assert!(cursor.is_empty());
    }
}
