//! Whether a store can be where the configuration wants it, found out without making anything.

use std::path::Path;

use rustix::fs::{Access, access};

use super::Config;

/// The path of a store that is gone with the process.
const MEMORY: &str = ":memory:";

/// What keeps a store from being opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub way_out: String,
}

impl Config {
    /// What would keep the daemon, run by this user, from opening the store. Nothing is written.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle> {
        if self.path.as_os_str() == MEMORY {
            return None;
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let shown = folder.display();
        let obstacle = |what: String, way_out: String| Some(Obstacle { what, way_out });
        match std::fs::metadata(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return obstacle(
                    format!("the folder {shown} does not exist"),
                    format!("mkdir -p -m 700 {shown}, owned by the user of the daemon"),
                );
            }
            Err(error) => {
                return obstacle(
                    format!("the folder {shown} cannot be looked at: {error}"),
                    "run this as the user of the daemon".into(),
                );
            }
            Ok(about) if !about.is_dir() => {
                return obstacle(format!("{shown} is no folder"), "name a file in a folder of its own".into());
            }
            Ok(_) => {}
        }
        // SQLite keeps files beside the store, so the folder must take new ones
        if access(folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
            let way_out = "give it to the user of the daemon, and run this as that user";
            return obstacle(format!("the folder {shown} cannot be written by this user"), way_out.into());
        }
        if self.path.is_dir() {
            return obstacle(format!("{} is a folder", self.path.display()), "name a file in it".into());
        }
        if self.path.exists() && access(&self.path, Access::READ_OK | Access::WRITE_OK).is_err() {
            let way_out = "give it to the user of the daemon, and run this as that user";
            return obstacle(format!("{} cannot be written by this user", self.path.display()), way_out.into());
        }
        None
    }
}
