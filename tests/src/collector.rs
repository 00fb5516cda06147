//! A collector of OpenTelemetry that remembers the spans it was sent by OTLP over HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use concept_refinement_domain::hex::hex;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;

use crate::deadline::{SOON, eventually};
use crate::provider::{Asked, Provider};
use crate::server::Reply;
use crate::service::Launch;

/// How soon a service sends its spans to a collector of a test, in milliseconds.
const DELAY: &str = "50";

pub struct Collector {
    provider: Provider,
    received: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    requests: Vec<Asked>,
}

/// A span as it was sent.
#[derive(Clone, Debug)]
pub struct Span {
    /// In hexadecimal, as the ids of the spans.
    pub trace_id: String,
    pub id: String,
    /// Empty: it begins the trace.
    pub parent: String,
    pub name: String,
    pub kind: otlp::span::SpanKind,
    /// The spans that it is linked to.
    pub links: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub is_error: bool,
    /// In nanoseconds since 1970.
    pub begin: u64,
    pub end: u64,
    /// Attributes of what sent it.
    pub resource: BTreeMap<String, String>,
}

impl Collector {
    /// One that answers 200.
    pub fn start() -> Self {
        Self::answering(Reply::ok("application/x-protobuf", b""))
    }

    /// One that remembers what it gets, and answers so.
    pub fn answering(reply: Reply) -> Self {
        let received = Arc::<Mutex<Received>>::default();
        let receiving = Arc::clone(&received);
        let provider = Provider::answering(move |asked| {
            receiving.lock().unwrap().take(asked);
            reply.clone()
        });
        Self { provider, received }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        self.provider.url()
    }

    /// The launch of a service that sends its traces here.
    pub fn of(&self, launch: Launch) -> Launch {
        sending_to(&self.url(), launch)
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.received.lock().unwrap().spans.clone()
    }

    /// The requests by which they came.
    pub fn requests(&self) -> Vec<Asked> {
        self.received.lock().unwrap().requests.clone()
    }

    /// The spans of a trace, by name, once there is one for each of these names.
    pub async fn trace(&self, trace_id: &str, names: &[&str]) -> Vec<Span> {
        eventually(&format!("spans {names:?}"), SOON, async || {
            let mut spans = self.spans();
            spans.retain(|span| span.trace_id == trace_id);
            let mut wanted = names.iter();
            let are_all = wanted.all(|name| {
                let wanted = names.iter().filter(|other| *other == name).count();
                spans.iter().filter(|span| span.name == *name).count() >= wanted
            });
            are_all.then_some(spans)
        })
        .await
    }
}

/// The launch of a service that sends its traces to this URL.
pub fn sending_to(url: &str, launch: Launch) -> Launch {
    launch
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .variable("OTEL_BSP_SCHEDULE_DELAY", DELAY)
}

impl Received {
    fn take(&mut self, asked: &Asked) {
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str()),
            ("POST", "/v1/traces")
        );
        assert_eq!(asked.header("content-type"), Some("application/x-protobuf"));
        let export = ExportTraceServiceRequest::decode(asked.body.as_slice()).unwrap();
        for resource in export.resource_spans {
            let of = attributes(resource.resource.unwrap_or_default().attributes);
            let spans = resource.scope_spans.into_iter().flat_map(|of| of.spans);
            self.spans.extend(spans.map(|span| Span::new(span, &of)));
        }
        self.requests.push(asked.clone());
    }
}

impl Span {
    fn new(span: otlp::Span, resource: &BTreeMap<String, String>) -> Self {
        Self {
            trace_id: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            kind: span.kind(),
            name: span.name,
            links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
            attributes: attributes(span.attributes),
            is_error: span
                .status
                .is_some_and(|status| status.code() == otlp::status::StatusCode::Error),
            begin: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            resource: resource.clone(),
        }
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value| match value {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = pairs.into_iter();
    let pairs = pairs.map(|pair| (pair.key, text(pair.value.and_then(|value| value.value))));
    pairs.collect()
}
