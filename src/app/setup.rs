//! Everything that can be known before anything is started.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::config::{Config, Flags, Loaded};
use crate::inventory::Surroundings;
use crate::model::Problems;

/// A configuration, its inventory and its checks, valid as a whole and together.
#[derive(Debug)]
pub struct Setup {
    /// Configuration and inventory.
    pub loaded: Loaded,
    /// The checks.
    pub catalog: Arc<Catalog>,
    flags: Flags,
}

impl Setup {
    /// Loads everything and starts nothing.
    ///
    /// # Errors
    ///
    /// Every mistake of every file, those of the catalogue included.
    pub fn load(file: &Path, flags: &Flags) -> Result<Self, Problems> {
        let (loaded, mut problems) = Config::survey(file, flags, Surroundings::of_process());
        let Some(mut loaded) = loaded else { return Err(problems) };
        // what is wrong is held against the rest all the same: all mistakes belong into one report
        let settings = &loaded.config.catalog;
        let catalog = Catalog::survey(settings.builtin, &settings.extra, &mut problems);
        problems.extend(loaded.check_against(&catalog));
        problems.extend(loaded.check_papers(&catalog));
        problems.or(Self { loaded, catalog: Arc::new(catalog), flags: flags.clone() })
    }

    /// Loads the same file with the same flags again.
    ///
    /// # Errors
    ///
    /// As [`Setup::load`].
    pub fn again(&self) -> Result<Self, Problems> {
        Self::load(&self.loaded.file, &self.flags)
    }

    /// The configuration file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.loaded.file.clone()
    }
}
