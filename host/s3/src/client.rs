//! The HTTP client for a bucket. It gives up on requests without progress, and passes on
//! only the code of an error response.
//!
//! A transfer may take as long as it makes progress. After [`STALL`] without progress,
//! the request ends and its connection is closed, since each connection carries one
//! request at a time. The number of concurrent requests is limited; further ones wait as
//! long as any response arrives.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::tls::{self, Trust};
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited, StreamBody};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

use super::fault;

/// How long a request may make no progress.
const STALL: Duration = Duration::from_secs(2);

/// Timeout to connect, including TLS.
const CONNECT: Duration = STALL;

/// Limit of concurrent requests, not counting those whose response body is being read,
/// since readers may be slow.
const AT_ONCE: usize = 32;

/// Rate at which a server is assumed to store a complete body before it responds, in
/// bytes per second at least.
const STORED_PER_SECOND: u32 = 16 << 20;

/// How long idle connections are kept: less than by servers, so that no request meets a
/// connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);

/// How much of the body of an error response is read, in bytes.
const REFUSAL: usize = 16 * 1024;

/// Clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    gate: Arc<Gate>,
}

/// Limits concurrent requests.
#[derive(Debug)]
struct Gate {
    permits: Semaphore,
    /// Number of responses so far.
    answered: AtomicU64,
}

impl Gate {
    /// Waits for a permit, as long as other requests get responses.
    async fn enter(&self) -> Result<SemaphorePermit<'_>, HttpError> {
        let begun = self.answered.load(Ordering::Relaxed);
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let mut permit = pin!(self.permits.acquire());
        let mut seen = begun;
        loop {
            let waited = timeout(STALL, &mut permit).await;
            let answered = self.answered.load(Ordering::Relaxed);
            match waited {
                Ok(Ok(permit)) if answered != begun => return Ok(permit),
                Err(_) if answered != seen => seen = answered,
                Ok(_) | Err(_) => return Err(HttpError::new(HttpErrorKind::Timeout, Stalled)),
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("nothing moved for {} s", STALL.as_secs())]
struct Stalled;

impl Client {
    /// Blocks the thread.
    ///
    /// # Errors
    ///
    /// TLS is not usable.
    pub(super) fn new(trust: &Trust) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client(trust)?)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self {
            http: client,
            gate: Arc::new(Gate {
                permits: Semaphore::new(AT_ONCE),
                answered: AtomicU64::new(0),
            }),
        })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string().parse();
        let url =
            url.map_err(|error: url::ParseError| HttpError::new(HttpErrorKind::Unknown, error))?;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        let permit = self.gate.enter().await?;
        let progress = Arc::new(Progress::of(body.content_length()));
        *request.body_mut() = Some(reqwest::Body::wrap(Sending {
            body,
            progress: Arc::clone(&progress),
        }));
        let answered = tokio::select! {
            biased;
            answered = self.http.execute(request) => answered.map_err(transport)?,
            () = progress.end() => return Err(HttpError::new(HttpErrorKind::Timeout, Stalled)),
        };
        self.gate.answered.fetch_add(1, Ordering::Relaxed);
        drop(permit);
        let (parts, body) = http::Response::from(answered).into_parts();
        // The S3 client reads on after the end of an empty body.
        let body = StreamBody::new(stream::unfold(body, received).fuse());
        if parts.status.is_client_error() || parts.status.is_server_error() {
            let refusal = match Limited::new(body, REFUSAL).collect().await {
                Ok(refusal) => code(&refusal.to_bytes()),
                Err(_) => String::new(),
            };
            return Ok(HttpResponse::from_parts(parts, refusal.into()));
        }
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

/// The S3 client passes options, none of which are needed here.
impl HttpConnector for Client {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Client {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> BoxFuture<'b, Result<HttpResponse, HttpError>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.exchange(request))
    }
}

/// The deadline for the next progress in sending or receiving.
struct Progress {
    until: Mutex<Instant>,
    /// Timeout once everything is sent.
    at_the_end: Duration,
}

impl Progress {
    /// For a body of this length.
    fn of(length: usize) -> Self {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Self {
            until: Mutex::new(Instant::now() + STALL),
            at_the_end: STALL + Duration::from_secs(1) * length / STORED_PER_SECOND,
        }
    }

    fn made(&self, is_all: bool) {
        let time = match is_all {
            true => self.at_the_end,
            false => STALL,
        };
        *self.until.lock() = Instant::now() + time;
    }

    /// Completes once there was no progress for too long.
    async fn end(&self) {
        loop {
            let end = *self.until.lock();
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }
}

/// A request body, sent chunk by chunk as the server accepts it.
struct Sending {
    body: HttpRequestBody,
    progress: Arc<Progress>,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.progress.made(self.body.is_end_stream());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The next frame of a response body, for which its reader waits.
async fn received(
    mut body: reqwest::Body,
) -> Option<(Result<Frame<Bytes>, HttpError>, reqwest::Body)> {
    let frame = match timeout(STALL, body.frame()).await {
        Ok(frame) => frame?.map_err(transport),
        Err(_) => Err(HttpError::new(HttpErrorKind::Timeout, Stalled)),
    };
    Some((frame, body))
}

/// The error without its URL, which callers must not see.
fn transport(error: reqwest::Error) -> HttpError {
    let kind = match () {
        () if error.is_connect() => HttpErrorKind::Connect,
        () if error.is_timeout() => HttpErrorKind::Timeout,
        () => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, error.without_url())
}

/// Only the code of an error response: the rest repeats the signed request and its
/// signature.
fn code(refusal: &[u8]) -> String {
    let refusal = String::from_utf8_lossy(refusal);
    let code = fault::code(&refusal)
        .filter(|code| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    code.map(|code| format!("<Code>{code}</Code>"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_refusal_the_code_is_left_and_nothing_else() {
        for (refusal, expected) in [
            (
                "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code>\
                 <AWSAccessKeyId>KEY</AWSAccessKeyId><StringToSign>x</StringToSign></Error>",
                "<Code>SignatureDoesNotMatch</Code>",
            ),
            ("<Error><Code>a b</Code></Error>", ""),
            ("<Error><Code>NoEnd", ""),
            ("AKIA-secret", ""),
            ("", ""),
        ] {
            assert_eq!(code(refusal.as_bytes()), expected, "{refusal}");
        }
        assert_eq!(code(&[0xff, 0xfe]), "");
    }
}
