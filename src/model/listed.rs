//! What a judgement leaves behind for lists over the whole plant: open vulnerabilities, certificates with their ends.
//!
//! It is part of the evidence, so it is exactly as old as the judgement that it stands with, and as well protected.

use serde::{Deserialize, Serialize};

use super::Time;

/// Rows that are kept with a judgement; the total tells of all.
pub const MOST_LISTED: usize = 40;

/// Rows that a check saw, bounded, without what changes from day to day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    /// Vulnerabilities that are open on the asset, or may be.
    Vulnerabilities {
        /// What the asset was taken for.
        product: String,
        /// How many there were.
        total: usize,
        /// The most urgent of them first.
        rows: Vec<Vulnerability>,
    },
    /// Certificates that services of the asset show.
    Certificates {
        /// How many there were.
        total: usize,
        /// The one that ends first comes first.
        rows: Vec<Certificate>,
    },
}

/// One vulnerability that is open on an asset by an advisory, or of which nobody can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// Its id, mostly a CVE.
    pub id: String,
    /// The document that speaks of it.
    pub advisory: String,
    /// How the product was recognised: `number`, `name+version`, `name`.
    pub confidence: String,
    /// Whether the asset has it; else its version or parts cannot be told.
    pub certain: bool,
    /// `critical`, `high` or `medium`, by base score.
    pub severity: String,
    /// Whether it stands in the catalogue of exploited vulnerabilities.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exploited: bool,
    /// Whether it is known to serve extortion.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ransomware: bool,
    /// By when that catalogue asks for it to be mended, a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
}

/// One certificate that a service shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whom it names.
    pub subject: String,
    /// The port that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// When it ends.
    pub ends: Time,
}

impl Listed {
    /// Halves the rows; the total stays. False when there is nothing left to take.
    pub fn halve(&mut self) -> bool {
        let left = match self {
            Self::Vulnerabilities { rows, .. } => {
                rows.truncate(rows.len() / 2);
                rows.len()
            }
            Self::Certificates { rows, .. } => {
                rows.truncate(rows.len() / 2);
                rows.len()
            }
        };
        left > 0
    }
}
