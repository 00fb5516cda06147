//! Traces: what happens to a request and its task, in which order, and how long it takes.
//!
//! Spans are made at a handful of points: the request, its submission, the wait in the
//! queue, each attempt with its stages and model calls, and each attempt to deliver a
//! webhook. A [`Tracer`] sends them; without one no span is made, and nothing is
//! allocated.
//!
//! No span may ever contain user input, a URL, a user id, or a secret.

mod attempt;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::trace::TraceContext;

pub use attempt::Attempt;

/// The id of a task.
pub const TASK: &str = "refinement.task.id";

/// The name of a link of the model.
pub const MODEL: &str = "refinement.model";

/// The number of an attempt.
pub const ATTEMPT: &str = "refinement.attempt";

/// How something ended.
pub const OUTCOME: &str = "refinement.outcome";

/// Sends spans somewhere. It must never block or fail.
pub trait Tracer: Send + Sync {
    /// Begins a span.
    fn start(&self, start: Start) -> Box<dyn OpenSpan>;
}

/// A span that has begun. It ends when it is dropped.
pub trait OpenSpan: Send + Sync {
    /// The context that other spans need in order to be its children. None: it is not
    /// part of any trace.
    fn context(&self) -> Option<TraceContext>;

    /// Gives it another name.
    fn rename(&mut self, name: Cow<'static, str>);

    /// Sets an attribute.
    fn set(&mut self, key: &'static str, value: Value);

    /// Marks it as failed, with the class of the error.
    fn fail(&mut self, error: Cow<'static, str>);
}

/// How a span begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// The name; one of a limited number of words.
    pub name: Cow<'static, str>,
    /// Its relation to others.
    pub kind: Kind,
    /// None: it begins a trace.
    pub parent: Option<TraceContext>,
    /// A span to which it is related without being its child.
    pub link: Option<TraceContext>,
    /// How long ago it began.
    pub ago: Duration,
}

/// The relation of a span to those before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Within this process.
    Internal,
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Works on a message.
    Consumer,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i64),
    /// A text.
    Text(Cow<'static, str>),
}

/// The tracer, if there is one. The default has none.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<dyn Tracer>>);

/// A span, if there is a tracer. It ends when it is dropped.
#[derive(Default)]
pub struct Span(Option<Box<dyn OpenSpan>>);

impl Traces {
    /// Sends spans to this tracer.
    pub fn to(tracer: Arc<dyn Tracer>) -> Self {
        Self(Some(tracer))
    }

    /// Whether there is a tracer.
    pub fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a span.
    pub fn start(&self, start: Start) -> Span {
        Span(self.0.as_ref().map(|tracer| tracer.start(start)))
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traces").field(&self.are_on()).finish()
    }
}

impl Start {
    /// Begins now, within this parent.
    pub fn within(parent: Option<TraceContext>, name: &'static str, kind: Kind) -> Self {
        Self {
            name: Cow::Borrowed(name),
            kind,
            parent,
            link: None,
            ago: Duration::ZERO,
        }
    }
}

impl Span {
    /// The context that other spans need in order to be its children. None: it is not
    /// sent.
    pub fn context(&self) -> Option<TraceContext> {
        self.0.as_ref().and_then(|span| span.context())
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: impl FnOnce() -> String) {
        if let Some(span) = &mut self.0 {
            span.rename(Cow::Owned(name()));
        }
    }

    /// Sets an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.0 {
            span.set(key, value.into());
        }
    }

    /// The same for a text that has to be copied.
    pub fn set_text(&mut self, key: &'static str, text: &str) {
        if let Some(span) = &mut self.0 {
            span.set(key, Value::Text(Cow::Owned(text.to_owned())));
        }
    }

    /// Marks it as failed, with the class of the error.
    pub fn fail(&mut self, error: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.0 {
            span.fail(error.into());
        }
    }

    /// Puts the id of its trace into the current span of the log, which has to have the
    /// empty field `trace_id`.
    pub fn log(&self) {
        if let Some(context) = self.context() {
            tracing::Span::current().record("trace_id", context.trace());
        }
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

#[cfg(test)]
mod tests;
