//! A response, independent of the platform.

use std::borrow::Cow;

use futures::stream::LocalBoxStream;
use serde::Serialize;

pub struct Response<C> {
    pub status: u16,
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    pub content: Content<C>,
}

pub enum Content<C> {
    None,
    /// Written as one chunk.
    Bytes(Vec<u8>),
    /// A stored image's bytes, passed on as they arrive.
    Stored(C),
    /// Each chunk is sent immediately. Dropped when the client leaves.
    Chunks(LocalBoxStream<'static, Vec<u8>>),
}

impl<C> Response<C> {
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: vec![("cache-control", Cow::Borrowed("no-store"))],
            content: Content::None,
        }
    }

    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let bytes = serde_json::to_vec(value)?;
        let length = bytes.len() as u64;
        Ok(Self::of_json(status, length, Content::Bytes(bytes)))
    }

    /// JSON of this length in bytes, written as it comes.
    pub fn json_chunks(length: u64, chunks: LocalBoxStream<'static, Vec<u8>>) -> Self {
        Self::of_json(200, length, Content::Chunks(chunks))
    }

    fn of_json(status: u16, length: u64, content: Content<C>) -> Self {
        Self {
            status,
            headers: vec![
                ("content-type", Cow::Borrowed("application/json")),
                ("content-length", Cow::Owned(length.to_string())),
                ("cache-control", Cow::Borrowed("no-store")),
            ],
            content,
        }
    }

    /// Server-sent events.
    pub fn events(chunks: LocalBoxStream<'static, Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: vec![
                ("content-type", Cow::Borrowed("text/event-stream")),
                ("cache-control", Cow::Borrowed("no-store")),
                // Tells proxies not to buffer.
                ("x-accel-buffering", Cow::Borrowed("no")),
            ],
            content: Content::Chunks(chunks),
        }
    }

    /// Whether it has this header.
    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| *known == name)
    }

    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
