//! Pages of the gates' books: what was sent to each asset. They are read when a scrape comes, because packets are
//! also sent through an asset that is a jump host for another.

use super::family::{Family, Type, sample};
use super::lines::Lines;
use super::parts::Parts;
use crate::model::AssetId;
use crate::transport::gate::{Books, Entry};

static PACKETS: Family = Family::new(
    Type::Counter,
    "nis2watch_gate_packets_total",
    "Datagrams sent to an asset, and writes to its TCP connections.",
);
static CONNECTIONS: Family =
    Family::new(Type::Counter, "nis2watch_gate_connections_total", "Connections to an asset that were attempted.");
static REFUSED: Family =
    Family::new(Type::Counter, "nis2watch_gate_refused_total", "Requests to an asset that its gate refused.");
static SENT: Family =
    Family::new(Type::Counter, "nis2watch_gate_sent_bytes_total", "Payload bytes that were sent to an asset.");
static RECEIVED: Family =
    Family::new(Type::Counter, "nis2watch_gate_received_bytes_total", "Payload bytes that an asset sent back.");

type Column = (&'static Family, fn(&Entry) -> u64);

static COLUMNS: [Column; 5] = [
    (&PACKETS, |entry| entry.packets),
    (&CONNECTIONS, |entry| entry.connections),
    (&REFUSED, |entry| entry.refused),
    (&SENT, |entry| entry.bytes_sent),
    (&RECEIVED, |entry| entry.bytes_received),
];

/// The books of all assets.
#[derive(Debug, Default)]
pub(super) struct Gates(Vec<GatePage>);

#[derive(Debug)]
struct GatePage {
    columns: [Lines; COLUMNS.len()],
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    asset: AssetId,
    books: Books,
    /// Sum of all counts that are rendered. Counts only grow: while the sum is the same, so are they.
    shown: u64,
}

impl Gates {
    /// Pages of `per_page` assets each.
    pub(super) fn new(books: impl Iterator<Item = (AssetId, Books)>, per_page: usize) -> Self {
        let mut pages: Vec<GatePage> = Vec::new();
        for (at, (asset, books)) in books.enumerate() {
            if at % per_page == 0 {
                pages.push(GatePage { columns: std::array::from_fn(|_| Lines::default()), rows: Vec::new() });
            }
            if let Some(page) = pages.last_mut() {
                page.rows.push(Row { asset, books, shown: 0 });
            }
        }
        for page in &mut pages {
            page.columns = std::array::from_fn(|_| Lines::build(page.rows.len(), |_, _| ()));
        }
        Self(pages)
    }

    /// Renders again the assets whose counts have grown.
    pub(super) fn refresh(&mut self) {
        for page in &mut self.0 {
            for (at, row) in page.rows.iter_mut().enumerate() {
                let sum = row.books.entries().map(|(_, entry)| sum(&entry)).fold(0, u64::wrapping_add);
                if sum != row.shown {
                    row.shown = sum;
                    row.render(at, &mut page.columns);
                }
            }
        }
    }

    pub(super) fn collect(&self, parts: &mut Parts) {
        for (at, (family, _)) in COLUMNS.iter().enumerate() {
            parts.pages(family, self.0.iter().map(|page| &page.columns[at]));
        }
    }
}

impl Row {
    fn render(&self, at: usize, columns: &mut [Lines; COLUMNS.len()]) {
        let entries: Vec<_> = self.books.entries().collect();
        let mut text = Vec::new();
        for (lines, (family, count)) in columns.iter_mut().zip(&COLUMNS) {
            text.clear();
            for (transport, entry) in &entries {
                let labels = [("asset", self.asset.as_str()), ("transport", transport.word())];
                sample(&mut text, family.name, &labels, count(entry));
            }
            lines.set(at, &text);
        }
    }
}

fn sum(entry: &Entry) -> u64 {
    COLUMNS.iter().map(|(_, count)| count(entry)).fold(0, u64::wrapping_add)
}
