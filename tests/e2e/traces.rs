//! Traces: what a collector is sent of a request and its task, and that it costs the
//! service nothing if the collector is slow, broken or away.

mod collectors;
mod secrets;
mod whole;

use concept_refinement_tests::collector::Span;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// What a client sends along whose own span is that of [`PARENT`].
fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

/// The only span of this name.
#[track_caller]
fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut named = spans.iter().filter(|span| span.name == name);
    let found = named.next();
    assert!(named.next().is_none(), "{name} twice: {spans:#?}");
    found.unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
}
