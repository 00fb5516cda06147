//! Reads responses.

use concept_refinement_domain::response_headers;
use wasip3::http::types::{self, ErrorCode, Trailers};
use wit_bindgen::{FutureReader, StreamReader};

use super::Failure;
use super::request::Transmitted;
use crate::incoming::Incoming;

/// A response that is being read elsewhere.
pub struct InFlight {
    _end: Option<FutureReader<Result<Option<Trailers>, ErrorCode>>>,
    _transmitted: Transmitted,
}

pub struct Response {
    pub status: u16,
    fields: Vec<(String, Vec<u8>)>,
    body: Incoming,
    /// Completes with whether the body was complete.
    end: Option<FutureReader<Result<Option<Trailers>, ErrorCode>>>,
    _transmitted: Transmitted,
}

impl Response {
    pub(super) fn new(response: types::Response, transmitted: Transmitted) -> Self {
        let status = response.get_status_code();
        let fields = response.get_headers().copy_all();
        let (_, received) = wasip3::wit_future::new(|| Ok(()));
        let (body, end) = types::Response::consume_body(response, received);
        Self {
            status,
            fields,
            body: body.into(),
            end: Some(end),
            _transmitted: transmitted,
        }
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = move |(field, _): &&(String, _)| field.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|(_, value)| &**value)
    }

    /// The first value of a field, if it is text.
    pub fn header(&self, name: &str) -> Option<String> {
        String::from_utf8(self.values(name).next()?.to_owned()).ok()
    }

    /// The target of a redirect.
    pub fn location(&self) -> Option<String> {
        self.values("location")
            .next()
            .map(response_headers::location)
    }

    /// Whether the body is compressed, which no request accepts.
    pub fn is_compressed(&self) -> bool {
        response_headers::is_compressed(self.values("content-encoding"))
    }

    /// The declared length of the body.
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The body as a stream, to be handed on, and what has to be kept until it is read.
    pub fn into_stream(self) -> (StreamReader<u8>, InFlight) {
        let in_flight = InFlight {
            _end: self.end,
            _transmitted: self._transmitted,
        };
        (self.body.into_stream(), in_flight)
    }

    /// The next chunk of the body, never empty; None at the end.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(chunk) = self.body.chunk().await {
            return Ok(Some(chunk));
        }
        match self.end.take() {
            Some(end) => Ok(end.await.map(|_| None)?),
            None => Ok(None),
        }
    }
}
