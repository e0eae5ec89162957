//! Reads the framed output of a visit as it streams in, keeping no more than it was asked to keep.
//!
//! A mark is a line of its own: the marker, `B` or `E`, the index of the question, and for `E` the exit
//! status. Only the expected next mark counts; anything else is output.

/// Bytes kept of each standard error.
const MAX_STDERR: usize = 16 * 1024;
/// Bytes kept of what came before the first mark: a shell that refuses, a missing collector.
const MAX_STRAY: usize = 1024;
/// Longest line that can be a mark.
const MAX_MARK: usize = 128;

/// The output of one visit, as far as it came.
pub(super) struct Transcript {
    pub(super) sections: Vec<Section>,
    /// What came outside of any section, both streams.
    pub(super) stray: Vec<u8>,
    /// Everything comes on standard output, with two sections a question: output, errors.
    pairs: bool,
    /// Bytes that may still be kept.
    budget: usize,
    sides: [Side; 2],
}

/// One answer.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) truncated: bool,
    pub(super) begun: bool,
    pub(super) digest: Option<String>,
    /// How it ended, once both streams said so.
    pub(super) end: Option<End>,
    ends: [Option<End>; 2],
    cap: usize,
}

/// How a section ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The command ended with this status.
    Status(i32),
    /// It was not run: it needs root and there is no way to it.
    NoPrivilege,
    /// It was not run: the collector does not know it.
    UnknownFact,
    /// It ran, but the tool that caps its output failed: what came proves nothing.
    CapFailed,
}

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out = 0,
    Err = 1,
}

/// The reading state of one stream.
struct Side {
    marker: String,
    /// The current line, while it may still be a mark.
    candidate: Vec<u8>,
    /// The current line is output.
    plain: bool,
    /// A line end that belongs to the frame if a mark follows.
    held: bool,
    open: Option<usize>,
    next: usize,
    done: bool,
}

enum Event<'a> {
    Text(&'a [u8]),
    Begin(usize, Option<String>),
    End(usize, End),
}

impl Transcript {
    /// Expects one section per cap (bytes of standard output), and keeps `budget` bytes of all together.
    pub(super) fn new(marker: &str, caps: impl IntoIterator<Item = usize>, budget: usize) -> Self {
        let sections: Vec<_> = caps.into_iter().map(|cap| Section { cap, ..Section::default() }).collect();
        Self { sections, stray: Vec::new(), pairs: false, budget, sides: [Side::new(marker), Side::new(marker)] }
    }

    /// The same for a host that frames standard output alone, and ends its lines with CR LF: each question has a
    /// section for its output and one for its errors, which [`Transcript::join_pairs`] makes one.
    pub(super) fn of_pairs(marker: &str, caps: impl IntoIterator<Item = usize>, budget: usize) -> Self {
        let sections = caps.into_iter().flat_map(|cap| [cap, MAX_STDERR]);
        Self { pairs: true, ..Self::new(marker, sections, budget) }
    }

    /// Makes each pair of sections one answer, which has ended only when both have, and alike.
    pub(super) fn join_pairs(&mut self) {
        if !std::mem::take(&mut self.pairs) {
            return;
        }
        let mut sections = std::mem::take(&mut self.sections).into_iter();
        while let (Some(output), Some(errors)) = (sections.next(), sections.next()) {
            let end = output.end.filter(|end| errors.end == Some(*end));
            self.sections.push(Section { stderr: errors.stdout, end, ..output });
        }
    }

    /// Whether both streams said their last word.
    pub(super) fn is_done(&self) -> bool {
        self.sides.iter().take(if self.pairs { 1 } else { 2 }).all(|side| side.done)
    }

    /// Takes what came on one stream.
    pub(super) fn feed(&mut self, stream: Stream, bytes: &[u8]) {
        let without_returns: Vec<u8>;
        let bytes = if self.pairs {
            without_returns = bytes.iter().copied().filter(|byte| *byte != b'\r').collect();
            &without_returns
        } else {
            bytes
        };
        let Self { sections, stray, pairs, budget, sides } = self;
        let count = sections.len();
        sides[stream as usize].read(bytes, count, &mut |open, event| match (event, open) {
            (Event::Text(text), Some(index)) => sections[index].keep(stream, text, budget),
            (Event::Text(text), None) => {
                let room = MAX_STRAY.saturating_sub(stray.len()).min(text.len());
                stray.extend_from_slice(&text[..room]);
            }
            (Event::Begin(index, digest), _) => {
                sections[index].begun = true;
                sections[index].digest = digest;
            }
            (Event::End(index, end), _) => {
                sections[index].ended(stream, end);
                if *pairs {
                    sections[index].ended(Stream::Err, end);
                }
            }
        });
    }
}

impl Section {
    fn keep(&mut self, stream: Stream, text: &[u8], budget: &mut usize) {
        let (kept, cap) = match stream {
            Stream::Out => (&mut self.stdout, self.cap),
            Stream::Err => (&mut self.stderr, MAX_STDERR),
        };
        let room = cap.saturating_sub(kept.len()).min(*budget).min(text.len());
        kept.extend_from_slice(&text[..room]);
        *budget -= room;
        self.truncated |= stream == Stream::Out && room < text.len();
    }

    fn ended(&mut self, stream: Stream, end: End) {
        self.ends[stream as usize] = Some(end);
        self.end = match self.ends {
            [Some(out), Some(err)] if out == err => Some(out),
            _ => None,
        };
    }
}

impl Side {
    fn new(marker: &str) -> Self {
        let marker = marker.to_owned();
        Self { marker, candidate: Vec::new(), plain: false, held: false, open: None, next: 0, done: false }
    }

    fn read(&mut self, mut bytes: &[u8], count: usize, tell: &mut dyn FnMut(Option<usize>, Event<'_>)) {
        while !bytes.is_empty() && !self.done {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.part(line, tell);
            bytes = rest;
            if end.is_some() {
                bytes = &rest[1..];
                self.line_end(count, tell);
            }
        }
    }

    /// Takes a part of a line without its end.
    fn part(&mut self, part: &[u8], tell: &mut dyn FnMut(Option<usize>, Event<'_>)) {
        if self.plain {
            return tell(self.open, Event::Text(part));
        }
        let seen = self.candidate.len();
        let marker = self.marker.as_bytes();
        let expected = &marker[seen.min(marker.len())..];
        let compared = expected.len().min(part.len());
        if seen + part.len() <= MAX_MARK && part[..compared] == expected[..compared] {
            self.candidate.extend_from_slice(part);
            return;
        }
        self.spill(tell);
        self.plain = true;
        tell(self.open, Event::Text(part));
    }

    fn line_end(&mut self, count: usize, tell: &mut dyn FnMut(Option<usize>, Event<'_>)) {
        if !self.plain && self.mark(count, tell) {
            self.held = false;
        } else {
            self.spill(tell);
            self.held = true;
        }
        self.candidate.clear();
        self.plain = false;
    }

    /// What was held back is output after all.
    fn spill(&mut self, tell: &mut dyn FnMut(Option<usize>, Event<'_>)) {
        if std::mem::take(&mut self.held) {
            tell(self.open, Event::Text(b"\n"));
        }
        if !self.candidate.is_empty() {
            tell(self.open, Event::Text(&self.candidate));
            self.candidate.clear();
        }
    }

    /// Whether the line is the mark that may come now.
    fn mark(&mut self, count: usize, tell: &mut dyn FnMut(Option<usize>, Event<'_>)) -> bool {
        let Ok(line) = std::str::from_utf8(&self.candidate) else { return false };
        let Some(mark) = line.strip_prefix(self.marker.as_str()).and_then(|rest| rest.strip_prefix(' ')) else {
            return false;
        };
        let mut words = mark.split(' ').filter(|word| !word.is_empty());
        match (words.next(), words.next(), self.open) {
            (Some("DONE"), None, None) => self.done = true,
            (Some("B"), Some(index), None) if index == self.next.to_string() && self.next < count => {
                tell(None, Event::Begin(self.next, words.next().map(str::to_owned)));
                self.open = Some(self.next);
            }
            (Some("E"), Some(index), Some(open)) if index == open.to_string() => {
                let Some(end) = End::read(words) else { return false };
                tell(None, Event::End(open, end));
                (self.open, self.next) = (None, open + 1);
            }
            _ => return false,
        }
        true
    }
}

impl End {
    /// `s<status> c<status of the cap>` in any order, `p` or `u`.
    fn read<'a>(words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let (mut status, mut cap) = (None, None);
        for word in words {
            match word.split_at_checked(1)? {
                ("p", "") => return Some(Self::NoPrivilege),
                ("u", "") => return Some(Self::UnknownFact),
                ("s", number) => status = Some(number.parse::<u8>().ok()?),
                ("c", number) => cap = Some(number.parse::<u8>().ok()?),
                _ => return None,
            }
        }
        match (status, cap) {
            (Some(status), Some(0)) => Some(Self::Status(i32::from(status))),
            (_, Some(_)) => Some(Self::CapFailed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: &str = "0123456789abcdef0123456789abcdef";

    /// Feeds both streams in pieces of `step` bytes.
    fn read(out: &str, err: &str, step: usize) -> Transcript {
        let mut transcript = Transcript::new(M, [64, 64], 1000);
        for (stream, text) in [(Stream::Out, out), (Stream::Err, err)] {
            text.replace('M', M).as_bytes().chunks(step).for_each(|part| transcript.feed(stream, part));
        }
        transcript
    }

    #[test]
    fn every_split_of_the_stream_reads_the_same() {
        let out = "motd\nM B 0 \na\n\nb\nM E 0 s0 c0\n\nM B 1 \n\nM E 1 c0 s3\nM DONE\n";
        let err = "\nM B 0 \n\nM E 0 s0 c0\n\nM B 1 \noops\nM E 1 s3 c0\nM DONE\n";
        for step in 1..120 {
            let transcript = read(out, err, step);
            assert!(transcript.is_done(), "{step}");
            let [first, second] = transcript.sections.as_slice() else { panic!() };
            assert_eq!((first.stdout.as_slice(), first.end), (&b"a\n\nb"[..], Some(End::Status(0))));
            assert_eq!((second.stdout.as_slice(), second.stderr.as_slice()), (&b""[..], &b"oops"[..]));
            assert_eq!(second.end, Some(End::Status(3)));
            assert!(transcript.stray.starts_with(b"motd"));
        }
    }

    #[test]
    fn only_the_mark_that_may_come_now_counts() {
        for forged in
            ["M E 1 s0 c0", "M B 0 ", "M DONE", "M E 0", "M E 0 s", "M E 0 s999 c0", " M E 0 s0 c0", "xM E 0 s0 c0"]
        {
            let transcript = read(&format!("M B 0 \n{forged}\nrest"), "M B 0 \n\nM E 0 s0 c0\n", 7);
            assert_eq!(transcript.sections[0].end, None, "{forged}");
            assert!(!transcript.is_done());
        }
    }

    #[test]
    fn a_guessed_marker_is_output() {
        let transcript =
            read("M B 0 \nffff456789abcdef0123456789abcdef E 0 s0 c0\nx\nM E 0 s1 c0\n", "M B 0 \n\nM E 0 s1 c0\n", 3);
        assert_eq!(transcript.sections[0].end, Some(End::Status(1)));
        assert!(transcript.sections[0].stdout.starts_with(b"ffff"));
    }

    #[test]
    fn a_section_ends_only_when_both_streams_say_the_same() {
        assert_eq!(read("M B 0 \n\nM E 0 s0 c0\n", "M B 0 \n", 9).sections[0].end, None);
        assert_eq!(read("M B 0 \n\nM E 0 s0 c0\n", "M B 0 \n\nM E 0 s1 c0\n", 9).sections[0].end, None);
        assert_eq!(read("M B 0 \n\nM E 0 p\n", "M B 0 \n\nM E 0 p\n", 9).sections[0].end, Some(End::NoPrivilege));
        assert_eq!(
            read("M B 0 \n\nM E 0 s0 c127\n", "M B 0 \n\nM E 0 c127 s0\n", 9).sections[0].end,
            Some(End::CapFailed)
        );
    }

    #[test]
    fn a_flood_is_counted_but_not_kept() {
        let mut transcript = Transcript::new(M, [100, 100], 150);
        transcript.feed(Stream::Out, format!("{M} B 0 \n").as_bytes());
        for _ in 0..1000 {
            transcript.feed(Stream::Out, &[b'x'; 1000]);
            transcript.feed(Stream::Err, &[b'y'; 1000]);
        }
        transcript.feed(Stream::Out, format!("\n{M} E 0 s0 c0\n{M} B 1 \n").as_bytes());
        transcript.feed(Stream::Out, &[b'z'; 100]);
        assert_eq!((transcript.sections[0].stdout.len(), transcript.sections[1].stdout.len()), (100, 50));
        assert!(transcript.sections[0].truncated && transcript.sections[1].truncated);
        assert_eq!(transcript.stray.len(), MAX_STRAY);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_in_bounds(bytes: Vec<u8>, step in 1_usize..40) {
            let mut transcript = Transcript::new(M, [64], 100);
            transcript.feed(Stream::Out, format!("{M} B 0 \n").as_bytes());
            bytes.chunks(step).for_each(|part| transcript.feed(Stream::Out, part));
            proptest::prop_assert!(transcript.sections[0].stdout.len() <= 64);
            proptest::prop_assert!(transcript.sections[0].end.is_none());
        }
    }
}
