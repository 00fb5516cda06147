//! The exporter: a bounded queue of spans, and a thread that sends them.

use std::env;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use concept_refinement_capability::tls::Trust;
use concept_refinement_capability::traces::Traces;
use concept_refinement_runtime::egress::{Network, resolver};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::client::Client;
use super::settings::Settings;
use super::tracer::OtlpTracer;

/// The name of the service in its traces, unless a variable says otherwise.
const SERVICE: &str = "concept-refinement";

/// How long the end of the process waits for the last spans to be sent. A stop has 30 s,
/// of which tasks may take 28.
const LAST_SPANS: Duration = Duration::from_millis(500);

/// Sends spans until it is stopped.
pub struct Export(Option<SdkTracerProvider>);

impl Export {
    /// The rest of the settings comes from the variables.
    pub fn start(settings: &Settings, trust: &Trust) -> anyhow::Result<Self> {
        let network = Network::new(resolver::system(), trust)?;
        let client = Client::new(settings, &network, Handle::current());
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client.context("the collector's URL has no host")?)
            .build()
            // Its errors quote the variables, which may have passwords.
            .ok()
            .context("the exporter does not take its variables, OTEL_EXPORTER_OTLP_…")?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            .with_span_processor(BatchSpanProcessor::builder(exporter).build())
            .build();
        Ok(Self(Some(provider)))
    }

    pub fn traces(&self) -> Traces {
        let tracer = self.0.as_ref().map(|provider| {
            let tracer = provider.tracer(SERVICE);
            Traces::to(Arc::new(OtlpTracer(tracer)))
        });
        tracer.unwrap_or_default()
    }

    /// Sends the remaining spans, if the collector is fast enough.
    pub async fn stop(mut self) {
        if let Some(provider) = self.0.take() {
            // The drop waits for the thread, which waits for this runtime.
            let _ = spawn_blocking(move || shut_down(&provider)).await;
        }
    }
}

/// Without this, the drop of the last handle would block for longer, on whichever
/// thread it happens.
impl Drop for Export {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            let shut_down = move || shut_down(&provider);
            // Without a thread the last spans are lost.
            let _ = thread::Builder::new()
                .name("traces".into())
                .spawn(shut_down);
        }
    }
}

fn shut_down(provider: &SdkTracerProvider) {
    if let Err(error) = provider.shutdown_with_timeout(LAST_SPANS) {
        tracing::warn!(%error, "the last spans could not be sent");
    }
}

fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let builder = Resource::builder().with_attribute(version);
    let attributes = env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let mut keys = attributes.split(',').filter_map(|it| it.split_once('='));
    let is_named = keys.any(|(key, _)| key.trim() == "service.name")
        || env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty());
    match is_named {
        true => builder.build(),
        false => builder.with_service_name(SERVICE).build(),
    }
}
