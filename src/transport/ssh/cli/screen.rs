//! What a terminal would show: lines, after backspaces, carriage returns and escape sequences did their work.

use std::collections::VecDeque;

/// Longest line; a longer one is cut and makes the answer truncated.
const MAX_LINE: usize = 16 * 1024;
/// Lines that are remembered of the end, whatever is kept of the rest.
const TAIL: usize = 12;

/// The output of one command, as it comes.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// Complete lines, as far as the bound allows.
    pub(super) kept: Vec<String>,
    /// More came than is kept.
    pub(super) truncated: bool,
    /// The last complete lines.
    pub(super) tail: VecDeque<String>,
    bytes: usize,
    most: usize,
    line: Vec<u8>,
    cursor: usize,
    escape: Escape,
}

/// Where in an escape sequence we are.
#[derive(Debug, Default)]
enum Escape {
    #[default]
    None,
    /// After ESC.
    Start,
    /// After ESC [: parameters so far.
    Control(Vec<u8>),
    /// After ESC ] and its like, up to BEL or ESC \.
    Text,
}

impl Screen {
    /// An empty screen that keeps so many bytes. An escape sequence that has begun goes on.
    pub(super) fn clear(&mut self, most: usize) {
        let escape = std::mem::take(&mut self.escape);
        *self = Self { most, escape, ..Self::default() };
    }

    /// Wipes the line that the cursor stands in: the words of a pager.
    pub(super) fn wipe_line(&mut self) {
        self.line.clear();
        self.cursor = 0;
    }

    /// The line that has no end yet, without blanks behind it.
    pub(super) fn current(&self) -> String {
        text(&self.line)
    }

    /// Takes what came.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.take(*byte);
        }
    }

    fn take(&mut self, byte: u8) {
        match std::mem::take(&mut self.escape) {
            Escape::None => self.plain(byte),
            Escape::Start => match byte {
                b'[' => self.escape = Escape::Control(Vec::new()),
                b']' | b'P' | b'^' | b'_' => self.escape = Escape::Text,
                // intermediate bytes: the final one is still to come
                b' '..=b'/' => self.escape = Escape::Start,
                _ => {}
            },
            Escape::Control(mut parameters) => match byte {
                b'@'..=b'~' => self.control(byte, &parameters),
                0x1b => self.escape = Escape::Start,
                _ => {
                    if parameters.len() < 16 {
                        parameters.push(byte);
                    }
                    self.escape = Escape::Control(parameters);
                }
            },
            Escape::Text => match byte {
                0x07 | 0x9c => {}
                0x1b => self.escape = Escape::Start,
                // a text without an end must not swallow the line ends
                b'\n' => self.plain(byte),
                _ => self.escape = Escape::Text,
            },
        }
    }

    fn plain(&mut self, byte: u8) {
        match byte {
            b'\n' => self.end_line(),
            b'\r' => self.cursor = 0,
            0x08 => self.cursor = self.cursor.saturating_sub(1),
            0x1b => self.escape = Escape::Start,
            b'\t' => (0..8 - self.cursor % 8).for_each(|_| self.put(b' ')),
            0x00..=0x1f | 0x7f => {}
            other => self.put(other),
        }
    }

    fn put(&mut self, byte: u8) {
        if self.cursor >= MAX_LINE {
            self.truncated = true;
            return;
        }
        if self.line.len() <= self.cursor {
            self.line.resize(self.cursor + 1, b' ');
        }
        self.line[self.cursor] = byte;
        self.cursor += 1;
    }

    fn control(&mut self, action: u8, parameters: &[u8]) {
        let number = std::str::from_utf8(parameters).ok().and_then(|text| text.parse::<usize>().ok());
        let count = number.unwrap_or(1).clamp(1, MAX_LINE);
        match action {
            b'D' => self.cursor = self.cursor.saturating_sub(count),
            b'C' => self.cursor = (self.cursor + count).min(MAX_LINE),
            b'G' => self.cursor = count - 1,
            b'H' | b'f' => self.cursor = 0,
            b'K' | b'J' => match number.unwrap_or(0) {
                0 => self.line.truncate(self.cursor),
                1 => self.line.iter_mut().take(self.cursor).for_each(|cell| *cell = b' '),
                _ => self.line.clear(),
            },
            b'P' if self.cursor < self.line.len() => {
                let end = (self.cursor + count).min(self.line.len());
                self.line.drain(self.cursor..end);
            }
            _ => {}
        }
    }

    fn end_line(&mut self) {
        let line = text(&self.line);
        self.wipe_line();
        self.bytes = self.bytes.saturating_add(line.len() + 1);
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.truncated |= self.bytes > self.most;
        if !self.truncated {
            self.kept.push(line.clone());
        }
        self.tail.push_back(line);
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> (Vec<String>, String) {
        let mut screen = Screen::default();
        screen.clear(10_000);
        screen.feed(bytes);
        (screen.kept.clone(), screen.current())
    }

    #[test]
    fn lines_are_what_a_terminal_would_show() {
        for (bytes, line) in [
            (&b"plain\r\n"[..], "plain"),
            (b"ab\x08c\n", "ac"),
            (b" --More-- \x08\x08\x08\x08\x08\x08\x08\x08\x08\x08          \x08\x08\x08\x08\x08\x08\x08\x08\x08\x08real\n", "real"),
            (b"--More--\r        \rreal\r\n", "real"),
            (b"--More--\r\x1b[Kreal\r\n", "real"),
            (b"\x1b[1;31mred\x1b[0m\n", "red"),
            (b"\x1b]0;title\x07x\n", "x"),
            (b"\x1b(Bx\x1b=\n", "x"),
            (b"abc\x1b[2Dx\n", "axc"),
            (b"x\x07\x00y\n", "xy"),
            (b"a\tb\n", "a       b"),
            (b"abc\x1b[3D\x1b[1Pz\n", "zc"),
        ] {
            assert_eq!(shown(bytes).0, [line], "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(shown(b"x\nsw1# ").1, "sw1#");
    }

    #[test]
    fn a_sequence_may_come_byte_by_byte() {
        let mut screen = Screen::default();
        screen.clear(100);
        b"a\x1b[31mb\r\nc".chunks(1).for_each(|byte| screen.feed(byte));
        assert_eq!((screen.kept.as_slice(), screen.current().as_str()), (&["ab".to_owned()][..], "c"));
    }

    #[test]
    fn more_than_the_bound_is_not_kept_but_the_end_is_seen() {
        let mut screen = Screen::default();
        screen.clear(100);
        for n in 0..1000 {
            screen.feed(format!("line {n}\n").as_bytes());
        }
        screen.feed(&vec![b'x'; 2 * MAX_LINE]);
        assert!(screen.truncated && screen.kept.len() < 20);
        assert_eq!(screen.tail.back().unwrap(), "line 999");
        assert_eq!(screen.current().len(), MAX_LINE);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_stay_in_bounds(bytes: Vec<u8>) {
            let mut screen = Screen::default();
            screen.clear(64);
            screen.feed(&bytes);
            proptest::prop_assert!(screen.kept.iter().map(String::len).sum::<usize>() <= 3 * 64);
            proptest::prop_assert!(screen.tail.len() <= TAIL);
        }
    }
}
