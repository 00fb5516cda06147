//! The ports of a provider's model.

#![allow(async_fn_in_trait, reason = "components have one thread")]

use std::time::Duration;

use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::timestamp::Timestamp;
use futures::stream::LocalBoxStream;

use crate::body::Body;
use crate::outcome::Error;
use crate::settings::Base;

pub trait Ports {
    /// Sends one request, and returns when the head of the response has arrived.
    /// Redirects are not followed. An original in the body is read as it is sent.
    async fn send(&self, base: &Base, request: HttpRequest) -> Result<Response, Error>;

    /// Stores a receipt, best effort: without it the work may have to be paid for again.
    async fn keep(&self, receipt: &[u8]);

    /// Stores what a piece of work cost, best effort: otherwise that stays unknown. Once for
    /// each piece.
    async fn add_usage(&self, usage: &Usage);

    /// Discards an earlier receipt, and the work that it names. An error: no other work
    /// may be requested.
    async fn give_up(&self) -> Result<(), Error>;

    async fn sleep(&self, duration: Duration);

    fn now(&self) -> Timestamp;

    /// An unpredictable number.
    fn random(&self) -> u128;
}

/// A stream of bytes, in chunks that are never empty.
pub type ByteStream = LocalBoxStream<'static, Result<Vec<u8>, BrokeOff>>;

/// The stream broke off.
#[derive(Debug)]
pub struct BrokeOff;

/// One request.
pub struct HttpRequest {
    pub method: Method,
    /// Path below the base URL, starting with a slash, with the query.
    pub path: String,
    /// None: an image, or JSON.
    pub accept: Option<&'static str>,
    /// Further fields; a value may be a secret.
    pub fields: Vec<(&'static str, String)>,
    pub body: Body,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
}

impl HttpRequest {
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            accept: None,
            fields: Vec::new(),
            body: Body::default(),
        }
    }

    pub fn post(path: impl Into<String>, content_type: impl Into<String>, body: Body) -> Self {
        Self {
            method: Method::Post,
            fields: vec![("content-type", content_type.into())],
            body,
            ..Self::get(path)
        }
    }

    /// Accepts only this media type.
    pub fn accepting(self, media_type: &'static str) -> Self {
        Self {
            accept: Some(media_type),
            ..self
        }
    }

    /// Adds a header field, if there is a value.
    pub fn with(mut self, name: &'static str, value: Option<String>) -> Self {
        self.fields.extend(value.map(|value| (name, value)));
        self
    }

    /// Adds the key as a bearer token, if there is one.
    pub fn with_bearer(self, key: Option<&str>) -> Self {
        self.with("authorization", key.map(|key| format!("Bearer {key}")))
    }
}

pub struct Response {
    pub status: u16,
    /// As declared by the server.
    pub content_length: Option<u64>,
    pub content_encoding: Option<String>,
    pub retry_after: Option<String>,
    pub body: ByteStream,
}
