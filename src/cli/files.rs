//! The options that name files, shared by the commands that load a configuration.

use std::path::PathBuf;

use super::CliError;
use crate::app::Setup;
use crate::config::Flags;
use crate::telemetry;

/// What a command that ends by itself logs when nobody asks for more: what it finds is on standard output.
const QUIET: &str = "error";
/// The variable of telemetry.log, without the prefix; variables are read in any case behind it.
const LOG: (&str, &str) = ("NIS2WATCH__", "telemetry__log");

/// What is loaded, and what wins over it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Files {
    /// Configuration file.
    #[arg(long, short, value_name = "FILE", env = "NIS2WATCH_CONFIG", default_value = "/etc/nis2watch/nis2watch.yaml")]
    pub(super) config: PathBuf,
    /// Database file instead of store.path.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Log level (error, warn, info, debug, trace) or directives, instead of telemetry.log; commands that end by themselves
    /// log errors only unless this or the variable `NIS2WATCH__TELEMETRY__LOG` is given.
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

    /// Starts the log of a command that ends by itself. The command line and the environment say how much of it is wanted;
    /// what the file says is meant for the daemon.
    pub(super) fn start_log(&self, setup: &Setup) -> Result<(), CliError> {
        let daemon = &setup.loaded.config.telemetry;
        let log = if self.log.is_some() || is_set(LOG) { daemon.log.clone() } else { QUIET.to_owned() };
        // without a collector nothing is held that would have to be sent at the end
        drop(telemetry::start(&telemetry::Config { log, format: daemon.format, otlp: None })?);
        Ok(())
    }
}

fn is_set((prefix, rest): (&str, &str)) -> bool {
    let is_it = |name: std::ffi::OsString| {
        name.to_str().and_then(|name| name.strip_prefix(prefix)).is_some_and(|key| key.eq_ignore_ascii_case(rest))
    };
    std::env::vars_os().any(|(name, _)| is_it(name))
}
