//! The few settings that a proof needs, read without the rest.
//!
//! Whoever examines a store may sit far from the plant: without its secrets, its inventory and its checks. So mistakes
//! elsewhere in the file are not looked for here.

use std::path::Path;

use super::load::{anchored, read};
use super::{Flags, layers};
use crate::inventory::Surroundings;
use crate::model::document::Step;
use crate::model::{Problem, Problems};
use crate::store;

/// Where the store of a configuration is.
#[derive(Debug, Clone)]
pub struct Alone {
    /// The store; its path is relative to the working directory or absolute.
    pub store: store::Config,
}

impl Alone {
    /// Reads the file, lays environment and flags over it, and takes nothing but these settings.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no YAML, or these settings are wrong.
    pub fn load(file: &Path, flags: &Flags, surroundings: &Surroundings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let Some(mut document) = read(file, &mut problems) else { return Err(problems) };
        match layers::merge(&document.root, &surroundings.variables, flags) {
            Ok(root) => document.root = root,
            Err(message) => problems.push(Problem::new("environment", message)),
        }
        let path: [Step; 1] = ["store".into()];
        let store = document.root.at(&path).map_or_else(
            || Some(store::Config::default()),
            |node| document.read::<store::Config>(&path, node, &mut problems),
        );
        let mut store = store.unwrap_or_default();
        anchored(&mut store.path, file.parent().unwrap_or_else(|| Path::new("")));
        problems.or(Self { store })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_found_although_secrets_inventory_and_other_keys_are_missing_or_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nis2watch.yaml");
        let text = "inventory: [gone.yaml]\nzones: 7\nsuch_key: {}\nstore: { path: s.db }\n\
            credentials: { key: { ssh: { user: root, key: { file: gone } } } }\n";
        std::fs::write(&file, text).unwrap();
        let alone = Alone::load(&file, &Flags::default(), &Surroundings::default()).unwrap();
        assert_eq!(alone.store.path, folder.path().join("s.db"));
    }

    #[test]
    fn a_mistake_in_the_stores_own_settings_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nis2watch.yaml");
        std::fs::write(&file, "store: { pth: s.db }\n").unwrap();
        let problems = Alone::load(&file, &Flags::default(), &Surroundings::default()).unwrap_err();
        assert!(problems.to_string().contains("pth"), "{problems}");
    }
}
