//! Converts requests and responses between our own `handler` and the routes.

use concept_refinement_domain::fields::Fields;
use wit_bindgen::{FutureReader, StreamReader, StreamResult};

use super::exports::concept::refinement::handler::{
    self as wit, Chunks, Guest, Request, RequestBody, Response, ResponseBody,
};
use super::{Component, respond, target, written};
use crate::origin::Origin;
use crate::request::{self, Body, Headers, Interrupted, Method};
use crate::response::Content;

const CHUNK: usize = 64 * 1024;

impl Guest for Component {
    async fn handle(request: Request) -> Response {
        let Request {
            method,
            scheme,
            authority,
            path_with_query,
            headers,
            body,
        } = request;
        let (path, query) = target(path_with_query);
        let request = request::Request {
            method: Method::of(&method),
            path,
            query,
            origin: Origin::new(&scheme, &authority),
            headers: Headers::new(Fields {
                text: headers.text,
                lengths: headers.lengths,
            }),
        };
        let body = match body {
            RequestBody::None => Incoming::Bytes(None),
            RequestBody::Bytes(bytes) => Incoming::Bytes(Some(bytes)),
            RequestBody::Chunks(Chunks { bytes, is_complete }) => {
                Incoming::Chunks(bytes, is_complete)
            }
        };
        let response = respond(request, body).await;
        let headers = response.headers.iter();
        let Fields { text, lengths } = headers
            .map(|(name, value)| (name, value.as_bytes()))
            .collect();
        Response {
            status: response.status,
            headers: wit::Fields { text, lengths },
            body: match response.content {
                Content::None => ResponseBody::None,
                Content::Bytes(bytes) => ResponseBody::Bytes(bytes),
                Content::Stored(stream) => ResponseBody::Chunks(stream),
                Content::Chunks(events) => ResponseBody::Chunks(written(events)),
            },
        }
    }
}

enum Incoming {
    Bytes(Option<Vec<u8>>),
    Chunks(StreamReader<u8>, FutureReader<bool>),
}

impl Body for Incoming {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        let (mut bytes, is_complete) = match std::mem::replace(self, Self::Bytes(None)) {
            Self::Bytes(bytes) => return Ok(bytes),
            Self::Chunks(bytes, is_complete) => (bytes, is_complete),
        };
        match bytes.read(Vec::with_capacity(CHUNK)).await {
            (StreamResult::Complete(_), chunk) => {
                *self = Self::Chunks(bytes, is_complete);
                Ok(Some(chunk))
            }
            (StreamResult::Dropped, _) => match is_complete.await {
                true => Ok(None),
                false => Err(Interrupted),
            },
            (StreamResult::Cancelled, _) => Err(Interrupted),
        }
    }
}
