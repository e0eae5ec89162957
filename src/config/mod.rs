//! The configuration file, added up from the settings of the modules, and everything it leads to.
//!
//! Defaults < file < environment < flags. Loading validates all of it, the inventory and its secrets included, and
//! starts nothing; every mistake of every file is in one report that names file, line, column, key and variable.

mod alone;
mod layers;
mod ledger;
mod load;
mod schedules;
mod settings;

use std::path::PathBuf;

use serde::Serialize;

pub use alone::Alone;
pub use ledger::{AnchorFile, Ledger, Proof};
pub use load::Loaded;
pub use schedules::{ScheduleEntry, Schedules};
pub use settings::{Api, Catalog, ClassLimits, Config, Feeds, Limits};

/// What the command line says; it wins over file and environment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Flags {
    /// Address to listen on, `api.listen`.
    pub listen: Option<String>,
    /// Web configuration file, `api.web_config`, relative to the working directory.
    pub web_config: Option<PathBuf>,
    /// Database file, `store.path`, relative to the working directory.
    pub store: Option<PathBuf>,
    /// Level or directives of the log, `telemetry.log`.
    pub log: Option<String>,
}
