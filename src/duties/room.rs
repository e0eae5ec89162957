//! Rooms: what stands where, who may enter, and whether production and administration share a door.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::page::Page;
use crate::model::{AssetId, EntryId, Problems};

/// The key of the list.
const KEY: &str = "rooms";

/// One room; assets name it under `room`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// The name that assets use.
    pub id: EntryId,
    /// Who may enter.
    pub class: RoomClass,
    /// How it is locked.
    #[serde(default)]
    pub lock: Option<String>,
    /// How entering is noted.
    #[serde(default)]
    pub log: Option<String>,
    /// Whether somebody accepted that production and administrative servers share it, in cabinets that are locked apart.
    #[serde(default)]
    pub shared_approved: bool,
    /// `file:line:column`.
    #[serde(skip)]
    pub declared: Arc<str>,
}

/// Who may enter a room, from nobody in particular to few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomClass {
    /// Everybody in the building.
    Open,
    /// Those with a key or a card.
    Controlled,
    /// Named persons, and it is noted.
    Restricted,
}

impl RoomClass {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Controlled => "controlled",
            Self::Restricted => "restricted",
        }
    }

    /// The word and those above it, for rules that want at least so much.
    #[must_use]
    pub const fn rank(self) -> i64 {
        match self {
            Self::Open => 0,
            Self::Controlled => 1,
            Self::Restricted => 2,
        }
    }
}

/// The subject of statements about a room.
pub(super) fn subject(room: &str) -> Option<AssetId> {
    let name: String =
        room.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.:".contains(c) { c } else { '-' }).collect();
    AssetId::parse(&format!("room:{name}")).ok()
}

/// Reads the files.
pub(super) fn load(files: &[PathBuf], problems: &mut Problems) -> Vec<Room> {
    let (mut all, mut seen) = (Vec::new(), BTreeMap::new());
    for file in files {
        let Some(mut page) = Page::load(file, KEY, problems) else { continue };
        let entries = page.entries::<Room>(KEY);
        for found in page.once(entries, &mut seen, |room| &room.id) {
            all.push(Room { declared: found.declared, ..found.value });
        }
    }
    all
}
