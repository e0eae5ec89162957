//! Why the store did not do it.

use std::io;
use std::path::PathBuf;

/// Why a store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file could not be created, opened or protected.
    #[error("store {}: {source}; the directory must exist and be writable by this user", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process writes it.
    #[error("store {} is in use by {holder}; two daemons must not share a store", path.display())]
    InUse {
        /// Which store.
        path: PathBuf,
        /// Who holds it, as far as known.
        holder: String,
    },
    /// A newer program wrote it.
    #[error(
        "store {} has format {found}, this program knows up to {known}: use the newer program, or restore a backup", path.display()
    )]
    Newer {
        /// Which store.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// The file is not a store, or is damaged.
    #[error("store {} is damaged or not a nis2watch store: {problem}; move it away or restore a backup", path.display())]
    Damaged {
        /// Which store.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A record holds words that this program does not know.
    #[error("the store holds a {column} that cannot be read: {value:?}")]
    Unreadable {
        /// Which column.
        column: &'static str,
        /// Its text, bounded.
        value: String,
    },
    /// An act with more text than a record takes.
    #[error("an act has at most {most} bytes of text, this one has {found}")]
    TooLong {
        /// Its bytes.
        found: usize,
        /// Most bytes.
        most: usize,
    },
    /// A baseline is not what it was when somebody decided about it.
    #[error("the baseline of {check} on {asset} is not what it was a moment ago; look at it again")]
    Moved {
        /// The asset.
        asset: String,
        /// The check.
        check: String,
    },
    /// It was opened for reading only.
    #[error("the store was opened for reading only")]
    ReadOnly,
    /// It lives for one round, so it knows no ages.
    #[error("there is no store that lasts, so nobody knows since when; give --store or store.path")]
    Fleeting,
    /// The transaction did not reach the disk; nothing of it was kept.
    #[error("the store could not commit: {0}")]
    Commit(String),
    /// The writer has ended; the process should, too.
    #[error("the store has stopped")]
    Stopped,
    /// The database refused.
    #[error("store: {0}")]
    Database(#[from] rusqlite::Error),
}
