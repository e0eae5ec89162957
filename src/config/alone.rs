//! The few settings that a proof needs, read without the rest.
//!
//! Whoever examines a store may sit far from the plant: without its secrets, its inventory and its checks. So mistakes
//! elsewhere in the file are not looked for here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::load::{anchored, read};
use super::{Flags, Ledger, layers};
use crate::inventory::Surroundings;
use crate::model::document::{Document, Step};
use crate::model::{Problem, Problems};
use crate::store::{self, SigningKey};

/// Where the store of a configuration is.
#[derive(Debug)]
pub struct Alone {
    /// The store; its path is relative to the working directory or absolute.
    pub store: store::Config,
    /// The file of bearer tokens, where there is one.
    pub tokens: Option<PathBuf>,
    ledger: Ledger,
    document: Document,
    base: PathBuf,
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
        let base = file.parent().map_or_else(PathBuf::new, Path::to_owned);
        let mut store: store::Config = section(&document, "store", &mut problems);
        let ledger = section(&document, "ledger", &mut problems);
        let api: super::Api = section(&document, "api", &mut problems);
        let tokens = api.tokens.map(|path| base.join(path));
        anchored(&mut store.path, &base);
        problems.or(Self { store, tokens, ledger, document, base })
    }

    /// The key that signs heads, read now; `None` when the file names none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no such key.
    pub fn key(&self, surroundings: &Surroundings) -> Result<Option<Arc<SigningKey>>, Problems> {
        let mut problems = Problems::new();
        let key = self.ledger.key(&self.document, &self.base, surroundings, &mut problems);
        problems.or(key)
    }
}

fn section<T: DeserializeOwned + Default>(document: &Document, name: &'static str, problems: &mut Problems) -> T {
    let path: [Step; 1] = [name.into()];
    let read = document.root.at(&path).and_then(|node| document.read(&path, node, problems));
    read.unwrap_or_default()
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
