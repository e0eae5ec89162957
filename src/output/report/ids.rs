//! Identifiers that are the same in every report of a plant, so that a reader of two reports finds the same thing again.

use uuid::Uuid;

use super::{Report, Row};

/// The namespace of our names, in the sense of RFC 9562 section 5.5; chosen once, and never changed.
const SPACE: Uuid = Uuid::from_u128(0x8c55_7a0f_9a68_5d5b_9c3e_3f1d_6e69_7332);

impl Report {
    /// The identifier of something of this plant, by its name.
    pub(super) fn uuid(&self, name: &[&str]) -> String {
        let parts: Vec<&str> = std::iter::once(self.subject()).chain(name.iter().copied()).collect();
        // no part holds the sign between them
        Uuid::new_v5(&SPACE, parts.join("\0").as_bytes()).to_string()
    }

    /// The identifier of a pair, or of something about it.
    pub(super) fn pair_uuid(&self, what: &str, row: &Row) -> String {
        self.uuid(&[what, row.asset.as_str(), row.check.as_str()])
    }

    /// The identifier of this one report.
    pub(super) fn own_uuid(&self, what: &str) -> String {
        let head = self.made.head.as_ref().map_or("", |head| &head.digest);
        self.uuid(&[
            what,
            &self.made.at.to_rfc3339(),
            &self.period.from.to_rfc3339(),
            &self.period.until.to_rfc3339(),
            head,
        ])
    }
}
