//! Makes the host's spans those of the OpenTelemetry crates.

use std::borrow::Cow;

use concept_refinement_capability::traces::{Kind, OpenSpan, Start, Tracer, Value};
use concept_refinement_domain::trace::TraceContext;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _,
    TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue, time};
use opentelemetry_sdk::trace::{SdkTracer, Span};

pub struct OtlpTracer(pub SdkTracer);

struct OtlpSpan(Span);

impl Tracer for OtlpTracer {
    fn start(&self, start: Start) -> Box<dyn OpenSpan> {
        let Start {
            name,
            kind,
            parent,
            link,
            ago,
        } = start;
        let mut builder = SpanBuilder::from_name(name).with_kind(match kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Consumer => SpanKind::Consumer,
        });
        builder.start_time = time::now().checked_sub(ago);
        builder.links = link.map(|link| vec![Link::with_context(span_context(link, true))]);
        // Spans of these kinds may have a parent in another process.
        let is_remote = matches!(kind, Kind::Server | Kind::Consumer);
        let within = match parent {
            Some(parent) => {
                Context::new().with_remote_span_context(span_context(parent, is_remote))
            }
            None => Context::new(),
        };
        Box::new(OtlpSpan(self.0.build_with_context(builder, &within)))
    }
}

impl OpenSpan for OtlpSpan {
    fn context(&self) -> Option<TraceContext> {
        let context = self.0.span_context();
        context.is_valid().then(|| TraceContext {
            trace_id: context.trace_id().to_bytes(),
            span_id: context.span_id().to_bytes(),
            is_sampled: context.is_sampled(),
        })
    }

    fn rename(&mut self, name: Cow<'static, str>) {
        self.0.update_name(name);
    }

    fn set(&mut self, key: &'static str, value: Value) {
        let value = match value {
            Value::Number(number) => number.into(),
            Value::Text(text) => opentelemetry::Value::String(text.into()),
        };
        self.0.set_attribute(KeyValue::new(key, value));
    }

    fn fail(&mut self, error: Cow<'static, str>) {
        self.0.set_status(Status::error(""));
        self.set("error.type", Value::Text(error));
    }
}

fn span_context(context: TraceContext, is_remote: bool) -> SpanContext {
    let flags = match context.is_sampled {
        true => TraceFlags::SAMPLED,
        false => TraceFlags::NOT_SAMPLED,
    };
    SpanContext::new(
        TraceId::from_bytes(context.trace_id),
        SpanId::from_bytes(context.span_id),
        flags,
        is_remote,
        TraceState::NONE,
    )
}
