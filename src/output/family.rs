//! Families of metrics: name, type and help, and how a sample is written.

use std::fmt::Display;
use std::io::Write;
use std::sync::{Arc, OnceLock};

use super::Format;
use super::text::Text;

/// What the values of a family mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// May go up and down.
    Gauge,
    /// Only grows; the name ends in `_total`.
    Counter,
    /// Always 1, the labels are what it tells; the name ends in `_info`.
    Info,
    /// Counts by size; samples are `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// One family. Its header is rendered and compressed once for the life of the process.
pub(super) struct Family {
    pub(super) name: &'static str,
    kind: Type,
    help: &'static str,
    headers: [OnceLock<Arc<Text>>; 2],
}

impl Family {
    pub(super) const fn new(kind: Type, name: &'static str, help: &'static str) -> Self {
        Self { name, kind, help, headers: [OnceLock::new(), OnceLock::new()] }
    }

    pub(super) fn header(&self, format: Format) -> &Arc<Text> {
        self.headers[format as usize].get_or_init(|| {
            let mut out = Vec::new();
            header(&mut out, format, self.kind, self.name, self.help);
            out.shrink_to_fit();
            Arc::new(Text::from(out))
        })
    }
}

/// Writes the lines that stand before the samples of a family. OpenMetrics names the family without the suffix of
/// its samples, and knows a type for information.
pub(super) fn header(out: &mut Vec<u8>, format: Format, kind: Type, name: &str, help: &str) {
    let bare = |suffix| name.strip_suffix(suffix).unwrap_or(name);
    let (name, word) = match (kind, format) {
        (Type::Counter, Format::OpenMetrics) => (bare("_total"), "counter"),
        (Type::Counter, Format::Text) => (name, "counter"),
        (Type::Info, Format::OpenMetrics) => (bare("_info"), "info"),
        (Type::Info, Format::Text) | (Type::Gauge, _) => (name, "gauge"),
        (Type::Histogram, _) => (name, "histogram"),
    };
    put(out, format_args!("# HELP {name} {help}\n# TYPE {name} {word}\n"));
}

/// Writes one line. Labels without a value are left out, which means the same to Prometheus.
pub(super) fn sample(out: &mut Vec<u8>, name: &str, labels: &[(&str, &str)], value: impl Display) {
    out.extend_from_slice(name.as_bytes());
    let mut open = b'{';
    for (label, text) in labels.iter().filter(|(_, text)| !text.is_empty()) {
        out.push(open);
        out.extend_from_slice(label.as_bytes());
        out.extend_from_slice(b"=\"");
        escape(out, text);
        out.push(b'"');
        open = b',';
    }
    if open == b',' {
        out.push(b'}');
    }
    put(out, format_args!(" {value}\n"));
}

/// Label values know three escapes, the same in both formats.
fn escape(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => out.push(byte),
        }
    }
}

/// Longest label value that is free text, in characters.
const LONGEST: usize = 64;

/// Free text made fit for a label: one line, no control or direction characters, at most 64 characters.
pub(super) fn clean(text: &str) -> String {
    let is_visible = |c: char| {
        // zero-width and direction characters make two different texts look alike
        !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let visible = text.chars().filter(|c| is_visible(*c)).map(|c| if c.is_control() { ' ' } else { c });
    // bounded before it is tidied: the text may be of any length
    let bounded: String = visible.take(4 * LONGEST).collect();
    let tidy = bounded.split_whitespace().collect::<Vec<_>>().join(" ");
    tidy.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}

pub(super) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(labels: &[(&str, &str)], value: impl Display) -> String {
        let mut out = Vec::new();
        sample(&mut out, "m", labels, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_label_cannot_end_its_quotes_or_its_line() {
        assert_eq!(line(&[("a", "x\"} 1\nm 2\\")], 3), "m{a=\"x\\\"} 1\\nm 2\\\\\"} 3\n");
        assert_eq!(line(&[("a", ""), ("b", "é")], 1.5), "m{b=\"é\"} 1.5\n");
        assert_eq!(line(&[("a", "")], 0), "m 0\n");
    }

    #[test]
    fn what_a_device_said_is_one_bounded_visible_line() {
        assert_eq!(clean("  Siemens\r\n\tS7\u{1b}[2J\u{202e} x "), "Siemens S7 [2J x");
        assert_eq!(clean(&"é".repeat(1000)).chars().count(), 64);
        assert_eq!(clean(&format!("{} tail", "x".repeat(63))), "x".repeat(63));
        assert_eq!(clean("\u{0}\u{200b}"), "");
    }

    #[test]
    fn openmetrics_names_a_family_without_the_suffix_of_its_samples() {
        let header = |format, kind, name| {
            let mut out = Vec::new();
            super::header(&mut out, format, kind, name, "Help.");
            String::from_utf8(out).unwrap()
        };
        assert_eq!(header(Format::Text, Type::Info, "a_info"), "# HELP a_info Help.\n# TYPE a_info gauge\n");
        assert_eq!(header(Format::OpenMetrics, Type::Info, "a_info"), "# HELP a Help.\n# TYPE a info\n");
        assert_eq!(header(Format::Text, Type::Counter, "a_total"), "# HELP a_total Help.\n# TYPE a_total counter\n");
        assert_eq!(header(Format::OpenMetrics, Type::Counter, "a_total"), "# HELP a Help.\n# TYPE a counter\n");
    }
}
