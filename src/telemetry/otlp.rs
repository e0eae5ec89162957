//! Traces to a collector: OTLP over HTTP, protobuf, in batches, off the path of the work.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter as Export};
use tokio::runtime::Handle;
use tracing::{Level, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::TelemetryError;

/// Where a collector takes traces (OTLP specification, HTTP).
const PATH: &str = "/v1/traces";
/// Longest wait for the collector, a batch.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The running export.
pub(super) struct Traces(SdkTracerProvider);

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

impl Traces {
    pub(super) async fn shutdown(self) {
        // it waits for a thread that waits for our runtime, so it must not hold a worker
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(TIMEOUT)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last traces did not reach the collector");
        }
    }
}

/// The id of the trace that the current span belongs to, 32 hex digits; `None` without a collector.
#[must_use]
pub fn current_trace_id() -> Option<String> {
    let context = tracing::Span::current().context();
    let span = context.span();
    let id = span.span_context();
    id.is_valid().then(|| id.trace_id().to_string())
}

/// `http://host:4318` becomes `http://host:4318/v1/traces`; an address with a path is taken as it is.
pub(super) fn endpoint(text: &str) -> Result<String, TelemetryError> {
    let refused = |problem: &str| TelemetryError::Collector(text.to_owned(), problem.to_owned());
    let mut url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    match url.scheme() {
        "http" => {}
        "https" => {
            return Err(refused("https is not spoken here; send to a collector or agent on this host over http"));
        }
        _ => return Err(refused("an address such as http://127.0.0.1:4318 is expected")),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refused("the host is missing"));
    }
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url.into())
}

/// The layer that turns our spans into traces.
pub(super) fn layer<S>(text: &str) -> Result<(impl Layer<S> + Send + Sync + use<S>, Traces), TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let refused = |problem: String| TelemetryError::Collector(text.to_owned(), problem);
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint(text)?)
        .with_timeout(TIMEOUT)
        .build()
        .map_err(|error| refused(error.to_string()))?;
    let runtime = Handle::try_current().map_err(|error| refused(error.to_string()))?;
    let resource = Resource::builder()
        .with_service_name(env!("CARGO_PKG_NAME"))
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(OnRuntime { exporter: Arc::new(exporter), runtime })
        .with_resource(resource)
        .build();
    let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter_fn(is_ours));
    Ok((layer, Traces(provider)))
}

/// Our own spans only: the exporter's HTTP client has spans too, and would report itself for ever.
fn is_ours(about: &Metadata<'_>) -> bool {
    about.target().starts_with("nis2watch") && *about.level() <= Level::INFO
}

/// The SDK exports from a thread of its own, where the HTTP client finds no reactor; so each export becomes a task.
#[derive(Debug)]
struct OnRuntime {
    exporter: Arc<SpanExporter>,
    runtime: Handle,
}

impl Export for OnRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = Arc::clone(&self.exporter);
        let task = self.runtime.spawn(async move { exporter.export(batch).await });
        task.await.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}
