//! The options that name files, shared by the commands that load a configuration.

use std::path::PathBuf;

use super::CliError;
use crate::app::Setup;
use crate::config::Flags;

/// What is loaded, and what wins over it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Files {
    /// Configuration file.
    #[arg(long, short, value_name = "FILE", env = "NIS2WATCH_CONFIG", default_value = "/etc/nis2watch/nis2watch.yaml")]
    pub(super) config: PathBuf,
    /// Database file instead of store.path.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Log level (error, warn, info, debug, trace) or directives, instead of telemetry.log.
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

/// Where the daemon listens.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Listen {
    /// Address and port to listen on instead of api.listen.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Prometheus web configuration file (TLS, users) instead of `api.web_config`.
    #[arg(long, value_name = "FILE")]
    web_config: Option<PathBuf>,
}

impl Files {
    /// Loads everything, and prints what is suspicious to standard error.
    pub(super) fn load(&self, listen: &Listen) -> Result<Setup, CliError> {
        let flags = Flags {
            listen: listen.listen.clone(),
            web_config: listen.web_config.clone(),
            store: self.store.clone(),
            log: self.log.clone(),
        };
        let setup = Setup::load(&self.config, &flags)?;
        if !setup.loaded.warnings.is_empty() {
            eprintln!("nis2watch: warning\n\n{}\n", setup.loaded.warnings);
        }
        Ok(setup)
    }
}
