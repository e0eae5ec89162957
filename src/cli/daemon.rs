//! `run`: the daemon in the foreground; a service manager puts it where it belongs.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{CliError, Files, Listen};
use crate::app::Service;
use crate::telemetry;

pub(super) fn run(files: &Files, listen: &Listen) -> Result<ExitCode, CliError> {
    let setup = files.load(listen)?;
    super::runtime()?.block_on(async {
        let guard = telemetry::start(&setup.loaded.config.telemetry)?;
        let service = Service::open(setup).await?;
        let ended = Box::pin(service.run(CancellationToken::new())).await;
        if let Err(error) = &ended {
            tracing::error!(%error, "the daemon ends");
        }
        guard.shutdown().await;
        ended?;
        Ok(ExitCode::SUCCESS)
    })
}
