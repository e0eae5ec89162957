//! `validate`: loads everything and starts nothing.

use std::process::ExitCode;

use super::{CliError, Files, Listen, print};

pub(super) fn run(files: &Files, listen: &Listen) -> Result<ExitCode, CliError> {
    let setup = files.load(listen)?;
    let loaded = &setup.loaded;
    let ground = loaded.check_store();
    if !ground.is_empty() {
        return Err(ground.into());
    }
    let lists = loaded.http_sources().0.len();
    let later =
        if lists == 0 { String::new() } else { format!(", and {lists} target lists that are fetched at the start") };
    print(&format!(
        "{} is valid: {} assets in {} zones{later}, {} checks\n",
        loaded.file.display(),
        loaded.inventory.members.len(),
        loaded.inventory.zones.len(),
        setup.catalog.checks.len(),
    ))?;
    Ok(ExitCode::SUCCESS)
}
