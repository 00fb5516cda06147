//! A request, independent of the platform.

use concept_refinement_domain::digits;
use concept_refinement_domain::fields::Fields;
use futures::StreamExt as _;
use futures::stream::{self, LocalBoxStream};

use crate::origin::Origin;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Delete,
    Options,
    /// A method that no route supports.
    Other,
}

impl Method {
    pub fn of(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }
}

/// A request without its body.
pub struct Request {
    pub method: Method,
    /// Without the query, as sent.
    pub path: String,
    /// The text after the first `?`, as sent.
    pub query: Option<String>,
    /// The origin that the request was sent to.
    pub origin: Origin,
    pub headers: Headers,
}

/// A request body, read in chunks.
pub trait Body {
    /// The next chunk, possibly empty. None: the body is complete.
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted>;
}

impl<B: Body> Body for &mut B {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        (**self).chunk().await
    }
}

/// A body of any kind, so that code which reads it is there once.
pub type AnyBody<'a> = LocalBoxStream<'a, Result<Vec<u8>, Interrupted>>;

/// Hides what kind of body it is. Who has read its end may ask again.
pub fn any<'a>(body: impl Body + 'a) -> AnyBody<'a> {
    let chunks = stream::unfold(Some(body), |body| async {
        let mut body = body?;
        match body.chunk().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(body))),
            Ok(None) => None,
            Err(interrupted) => Some((Err(interrupted), None)),
        }
    });
    chunks.fuse().boxed_local()
}

impl Body for AnyBody<'_> {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.next().await.transpose()
    }
}

/// The client did not send the whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// Header fields, in the order received.
#[derive(Clone, Debug, Default)]
pub struct Headers(Fields);

impl Headers {
    pub fn new(fields: Fields) -> Self {
        Self(fields)
    }

    /// All values of a field; its name is case-insensitive.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The value of a field that was sent exactly once, as UTF-8. Otherwise None; use
    /// [`Headers::all`] where the difference matters.
    pub fn text(&self, name: &'static str) -> Option<&str> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// The declared length of the body.
    pub fn content_length(&self) -> Option<u64> {
        digits::number(self.text("content-length")?)
    }
}

/// From names and their values.
impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}
