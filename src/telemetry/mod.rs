//! Logs and traces of the daemon itself: lines on standard error, spans to an OpenTelemetry collector.
//!
//! Secrets need no redaction here, because the type that carries them does not print. What devices say is quoted
//! by those who log it.

mod otlp;

use serde::{Deserialize, Serialize};
use tracing::Dispatch;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

pub use otlp::current_trace_id;

/// Settings of logs and traces, `telemetry:` in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is logged: a level, or directives such as `info,nis2watch::transport=debug`.
    pub log: String,
    /// How a line looks.
    pub format: Format,
    /// Address of an OpenTelemetry collector for traces (OTLP over HTTP), `http://host:4318`.
    pub otlp: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { log: "info".into(), format: Format::Text, otlp: None }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// Not a level, nor directives.
    #[error("telemetry.log {0:?} is neither a level (error, warn, info, debug, trace) nor a list of directives: {1}")]
    Filter(String, String),
    /// Not a collector that can be spoken to.
    #[error("telemetry.otlp {0:?} is no address of a collector: {1}")]
    Collector(String, String),
    /// Somebody else logs already.
    #[error("logging was started before")]
    Started,
}

impl Config {
    /// Looks whether the settings can work, without starting anything.
    ///
    /// Returns each setting that cannot, with the name of its key.
    #[must_use]
    pub fn check(&self) -> Vec<(&'static str, TelemetryError)> {
        let filter = filter(&self.log).err().map(|error| ("log", error));
        let endpoint = self.otlp.as_deref().and_then(|text| otlp::endpoint(text).err()).map(|error| ("otlp", error));
        filter.into_iter().chain(endpoint).collect()
    }
}

/// Keeps telemetry running; [`Guard::shutdown`] sends what is still held.
#[must_use = "spans that were not sent are lost without a shutdown"]
#[derive(Debug, Default)]
pub struct Guard(Option<otlp::Traces>);

impl Guard {
    /// Sends the spans that are still held, at most for five seconds. Call it before the runtime ends.
    pub async fn shutdown(self) {
        if let Some(traces) = self.0 {
            traces.shutdown().await;
        }
    }
}

/// Starts telemetry for the whole process. With a collector it must be called inside a tokio runtime.
///
/// # Errors
///
/// [`TelemetryError`]; nothing was started then.
pub fn start(config: &Config) -> Result<Guard, TelemetryError> {
    let (dispatch, guard) = build(config, std::io::stderr)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::Started)?;
    Ok(guard)
}

/// Builds telemetry without making it that of the process.
fn build<W>(config: &Config, writer: W) -> Result<(Dispatch, Guard), TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (spans, guard) = match &config.otlp {
        Some(text) => {
            let (layer, traces) = otlp::layer(text)?;
            (Some(layer), Guard(Some(traces)))
        }
        None => (None, Guard(None)),
    };
    // each with a filter of its own: a quiet log must not lose the traces
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<_> + Send + Sync> = match config.format {
        Format::Text => lines.with_ansi(false).with_filter(filter(&config.log)?).boxed(),
        Format::Json => {
            lines.json().flatten_event(true).with_span_list(false).with_filter(filter(&config.log)?).boxed()
        }
    };
    Ok((Dispatch::new(Registry::default().with(spans).with(lines)), guard))
}

/// Libraries that log what devices do wrong.
const QUIET: [&str; 2] = ["async_snmp", "russh"];

fn filter(text: &str) -> Result<EnvFilter, TelemetryError> {
    let refused = |problem: String| TelemetryError::Filter(text.to_owned(), problem);
    // a bare word that is no level would be taken for the name of a module, and nothing would be logged
    let is_level = |word: &str| matches!(word, "off" | "error" | "warn" | "info" | "debug" | "trace");
    let stranger = text.split(',').map(str::trim).find(|word| !is_level(&word.to_lowercase()));
    if let Some(word) = stranger.filter(|_| !text.contains('=')) {
        return Err(refused(format!("{word:?} is no level")));
    }
    // what these libraries call an error is an answer of a device to us, and told where it is judged
    let quiet = QUIET.iter().filter(|module| !text.contains(**module)).map(|module| format!(",{module}=off"));
    let text: String = std::iter::once(text.to_owned()).chain(quiet).collect();
    EnvFilter::try_new(text).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests;
