//! A request on its way into an instance, and its response on the way out.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use concept_refinement_domain::fields::Fields;
use concept_refinement_domain::trace::TraceContext;
use futures::{StreamExt as _, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::oneshot;
use tokio::time::timeout_at;
use wasmtime::AsContextMut;
use wasmtime::component::{FutureReader, StreamReader};
use wasmtime_wasi_http::WasiBody;

use crate::body::whole;
use crate::ingress::activity::Activity;
use crate::ingress::failure::Failure;
use crate::ingress::long_poll::LongPoll;
use crate::wasm::bindings::api::exports::concept::refinement::handler as wit;
use crate::wasm::stream::{ByteStream, Consumed, consume};

/// Largest body that is handed over as a whole, in bytes. JSON bodies are no larger.
const MAX_WHOLE: u64 = 64 * 1024;

/// How long to wait for a small body to be complete. A slower one becomes a stream, since
/// its request may be answered before it is complete.
const WHOLE_TIMEOUT: Duration = Duration::from_millis(10);

/// The response to a request, or why there is none.
pub type Outcome = Result<Response<WasiBody>, Failure>;

/// A request and where its response goes.
pub struct Exchange {
    pub request: Received,
    /// What the client waits for, if that may take long.
    pub long_poll: Option<LongPoll>,
    pub activity: Activity,
    /// None: the request is not traced.
    pub trace: Option<TraceContext>,
    pub response: oneshot::Sender<Outcome>,
}

pub struct Received {
    head: Parts,
    body: Body,
}

enum Body {
    None,
    Whole(Bytes),
    Chunks {
        /// The bytes that have arrived.
        begin: Bytes,
        /// None: the body was cut off.
        rest: Option<WasiBody>,
    },
}

impl Received {
    /// Collects the body if it is small and on its way.
    pub async fn of(request: Request<WasiBody>) -> Self {
        let (head, body) = request.into_parts();
        let is_small = body
            .size_hint()
            .exact()
            .is_some_and(|size| size <= MAX_WHOLE);
        // Reading would make the client send a body (100 Continue) that the component may
        // not want.
        let is_held_back = head.headers.contains_key(header::EXPECT);
        let body = match body {
            body if body.is_end_stream() => Body::None,
            body if is_small && !is_held_back => receive(body).await,
            body => Body::Chunks {
                begin: Bytes::new(),
                rest: Some(body),
            },
        };
        Self { head, body }
    }

    pub fn into_wit(self, mut store: impl AsContextMut) -> wasmtime::Result<wit::Request> {
        let Self { head, body } = self;
        let uri = head.uri;
        Ok(wit::Request {
            method: head.method.as_str().to_owned(),
            scheme: uri.scheme_str().unwrap_or_default().to_owned(),
            authority: uri.authority().map_or("", |name| name.as_str()).to_owned(),
            path_with_query: uri
                .path_and_query()
                .map_or("", |path| path.as_str())
                .to_owned(),
            headers: fields(&head.headers),
            body: match body {
                Body::None => wit::RequestBody::None,
                Body::Whole(bytes) => wit::RequestBody::Bytes(bytes.into()),
                Body::Chunks { begin, rest } => {
                    let (bytes, is_complete) = chunks(begin, rest);
                    let mut store = store.as_context_mut();
                    wit::RequestBody::Chunks(wit::Chunks {
                        bytes: StreamReader::new(&mut store, bytes)?,
                        is_complete: FutureReader::new(&mut store, async move {
                            wasmtime::error::Ok(is_complete.await.unwrap_or(false))
                        })?,
                    })
                }
            },
        })
    }
}

async fn receive(mut body: WasiBody) -> Body {
    let deadline = tokio::time::Instant::now() + WHOLE_TIMEOUT;
    let mut whole = BytesMut::new();
    loop {
        match timeout_at(deadline, body.frame()).await {
            Ok(None) => return Body::Whole(whole.freeze()),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    whole.extend_from_slice(&data);
                }
            }
            Ok(Some(Err(_))) => {
                return Body::Chunks {
                    begin: whole.freeze(),
                    rest: None,
                };
            }
            Err(_) => {
                return Body::Chunks {
                    begin: whole.freeze(),
                    rest: Some(body),
                };
            }
        }
    }
}

/// The bytes as a stream, and whether they were complete.
fn chunks(begin: Bytes, rest: Option<WasiBody>) -> (ByteStream, oneshot::Receiver<bool>) {
    let (end, is_complete) = oneshot::channel();
    let begin = stream::iter((!begin.is_empty()).then_some(begin));
    let rest = stream::unfold((rest, end), |(rest, end)| async {
        let mut rest = rest?;
        loop {
            match rest.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Some((data, (Some(rest), end)));
                    }
                }
                ended => {
                    // The component may have dropped the receiver.
                    let _ = end.send(ended.is_none());
                    return None;
                }
            }
        }
    });
    (ByteStream::new(begin.chain(rest)), is_complete)
}

/// The response, and a receiver that completes when its body no longer needs the
/// instance.
pub fn from_wit(
    response: wit::Response,
    store: impl AsContextMut,
) -> wasmtime::Result<(Outcome, Option<oneshot::Receiver<()>>)> {
    let wit::Response {
        status,
        headers,
        body,
    } = response;
    let (body, drained) = match body {
        wit::ResponseBody::None => (WasiBody::default(), None),
        wit::ResponseBody::Bytes(bytes) => (whole(bytes), None),
        wit::ResponseBody::Chunks(chunks) => {
            let Consumed {
                chunks, drained, ..
            } = consume(chunks, store)?;
            let frames = chunks.map(|chunk| Ok(Frame::data(chunk)));
            (StreamBody::new(frames).boxed_unsync(), Some(drained))
        }
    };
    Ok((with_head(status, headers, body), drained))
}

fn fields(headers: &HeaderMap) -> wit::Fields {
    let Fields { text, lengths } = headers.iter().collect();
    wit::Fields { text, lengths }
}

fn with_head(status: u16, fields: wit::Fields, body: WasiBody) -> Outcome {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Failure::Invalid)?;
    append(fields, response.headers_mut()).ok_or(Failure::Invalid)?;
    Ok(response)
}

/// None: the fields are not valid.
fn append(fields: wit::Fields, headers: &mut HeaderMap) -> Option<()> {
    let mut text = Bytes::from(fields.text);
    let mut next = |length: u32| {
        let length = usize::try_from(length).ok()?;
        (length <= text.len()).then(|| text.split_to(length))
    };
    let (pairs, odd) = fields.lengths.as_chunks();
    for [name, value] in pairs {
        let name = HeaderName::from_bytes(&next(*name)?).ok()?;
        let value = HeaderValue::from_maybe_shared(next(*value)?).ok()?;
        headers.append(name, value);
    }
    (odd.is_empty() && text.is_empty()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_went_and_nothing_else_does() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("vary", "cookie"),
            ("x", ""),
            ("vary", "\u{e9}"),
            ("y", "a\tb"),
        ] {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let mut back = HeaderMap::new();
        append(fields(&headers), &mut back).unwrap();
        assert_eq!(back, headers);

        for (name, text, lengths) in [
            ("nothing for a length", "a", vec![1, 1]),
            ("no length for the end", "abc", vec![1, 1]),
            ("a name without a value", "a", vec![1]),
            ("a name that is none", " :b", vec![2, 1]),
            ("another field in a value", "ab\r\nc: d", vec![1, 8]),
            ("a length beyond all", "ab", vec![1, u32::MAX]),
        ] {
            let text = text.as_bytes().to_vec();
            let appended = append(wit::Fields { text, lengths }, &mut HeaderMap::new());
            assert!(appended.is_none(), "{name}");
        }
    }
}
