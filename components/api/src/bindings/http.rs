//! Converts requests and responses between `wasi:http` and the routes.

use std::borrow::Cow;

use wasip3::http::types::{
    ErrorCode, Fields, Method as WasiMethod, Request, Response, Scheme, Trailers,
};
use wasip3::{wit_future, wit_stream};
use wit_bindgen::{FutureReader, StreamReader, StreamResult};

use super::{target, written};
use crate::origin::Origin;
use crate::request::{self, Body, Headers, Interrupted, Method};
use crate::response::{self, Content};

const CHUNK: usize = 64 * 1024;

pub fn received(request: Request) -> (request::Request, Incoming) {
    let method = match request.get_method() {
        WasiMethod::Get => Method::Get,
        WasiMethod::Head => Method::Head,
        WasiMethod::Post => Method::Post,
        WasiMethod::Delete => Method::Delete,
        WasiMethod::Options => Method::Options,
        WasiMethod::Put
        | WasiMethod::Connect
        | WasiMethod::Trace
        | WasiMethod::Patch
        | WasiMethod::Other(_) => Method::Other,
    };
    let scheme = match request.get_scheme() {
        None | Some(Scheme::Http) => Cow::Borrowed("http"),
        Some(Scheme::Https) => Cow::Borrowed("https"),
        Some(Scheme::Other(scheme)) => Cow::Owned(scheme),
    };
    let authority = request.get_authority().unwrap_or_default();
    let (path, query) = target(request.get_path_with_query().unwrap_or_default());
    let headers = Headers::from_iter(request.get_headers().copy_all());
    let body = Incoming {
        state: State::Unopened(request),
        remaining: headers.content_length(),
    };
    let request = request::Request {
        method,
        path,
        query,
        origin: Origin::new(&scheme, &authority),
        headers,
    };
    (request, body)
}

/// A request body, opened at the first read.
pub struct Incoming {
    state: State,
    /// The declared length, if any.
    remaining: Option<u64>,
}

enum State {
    Unopened(Request),
    Open(
        StreamReader<u8>,
        FutureReader<Result<Option<Trailers>, ErrorCode>>,
    ),
    Closed,
}

impl Body for Incoming {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        if self.remaining == Some(0) {
            self.state = State::Closed;
            return Ok(None);
        }
        let (mut stream, end) = match std::mem::replace(&mut self.state, State::Closed) {
            State::Unopened(request) => {
                let (_, received) = wit_future::new(|| Ok(()));
                Request::consume_body(request, received)
            }
            State::Open(stream, end) => (stream, end),
            State::Closed => return Ok(None),
        };
        let room = self
            .remaining
            .and_then(|remaining| usize::try_from(remaining).ok())
            .map_or(CHUNK, |remaining| remaining.min(CHUNK));
        match stream.read(Vec::with_capacity(room)).await {
            (StreamResult::Complete(_), bytes) => {
                if let Some(remaining) = &mut self.remaining {
                    *remaining = remaining.saturating_sub(bytes.len() as u64);
                }
                self.state = State::Open(stream, end);
                Ok(Some(bytes))
            }
            (StreamResult::Dropped, _) => {
                drop(stream);
                match end.await {
                    Ok(_) if self.remaining.is_none() => Ok(None),
                    Ok(_) | Err(_) => Err(Interrupted),
                }
            }
            (StreamResult::Cancelled, _) => Err(Interrupted),
        }
    }
}

pub fn sent(response: response::Response<StreamReader<u8>>) -> Result<Response, ErrorCode> {
    let fields: Vec<(String, Vec<u8>)> = response
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_owned().into_bytes()))
        .collect();
    let fields = Fields::from_list(&fields).map_err(|_| ErrorCode::InternalError(None))?;
    let is_stored = matches!(response.content, Content::Stored(_));
    let contents = match response.content {
        Content::None => None,
        Content::Stored(stream) => Some(stream),
        Content::Bytes(bytes) => {
            let (mut writer, reader) = wit_stream::new();
            // If the client has left, unwritten bytes do not matter.
            wit_bindgen::spawn(async move { drop(writer.write_all(bytes).await) });
            Some(reader)
        }
        Content::Chunks(events) => Some(written(events)),
    };
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (sent, transmitted) = Response::new(fields, contents, trailers);
    sent.set_status_code(response.status)
        .map_err(|()| ErrorCode::InternalError(None))?;
    if is_stored {
        // The bytes bypass this instance but need it to stay alive, so this waits for
        // their end.
        wit_bindgen::spawn(async move { drop(transmitted.await) });
    }
    Ok(sent)
}
