//! What the issuer of tokens publishes, kept for the process.
//!
//! Instances of the API come and go, and each has a cache of its own only. Here
//! all of them find what any of them was answered: the issuer is asked once for
//! the whole process, and one that is down takes nobody's session. A document is
//! replaced by a newer one only, never by a failure, and none but the one URL is
//! kept.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use url::Url;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::client::{Bounds, Client, Sent, YEAR};
use crate::log_throttle::LogThrottle;

/// The issuer is asked again after so long: where something is kept, and where
/// nothing is.
const AGAIN: Duration = Duration::from_secs(60);
const AGAIN_WITHOUT: Duration = Duration::from_secs(10);

/// Whoever comes so little too soon waits and asks. The component counts the
/// same times from a moment before its request comes here: told to come again,
/// it would wait for all of them once more.
const EARLY: Duration = Duration::from_secs(1);

/// How long a newer document is waited for where one is kept: less than what the
/// component waits for its answer, or an issuer that is silent would be as bad as
/// if nothing were kept.
const PATIENCE: Duration = Duration::from_secs(3);

/// The largest document that is kept, in bytes.
const MAX_DOCUMENT: u64 = 256 * 1024;

pub struct Kept {
    url: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    document: Option<Bytes>,
    /// What came instead, the last time.
    failure: Option<Failure>,
    /// When the issuer was last asked.
    asked: Option<Instant>,
    /// Closed as soon as the issuer has answered, or has not.
    under_way: Option<watch::Receiver<()>>,
}

/// Why there is no document. It is told to everyone as to the first.
enum Failure {
    Error(Error),
    Answer(http::StatusCode),
    /// An answer that is not a JWK Set.
    Document(Bytes),
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// What is kept is the answer.
    Kept,
    /// The last failure is.
    Failure,
    /// The issuer is asked after so long.
    Ask(Duration),
}

/// A JWK Set, as far as it matters here.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "keys")]
    _keys: Vec<serde_json::Value>,
}

impl Kept {
    pub fn new(url: Url) -> Self {
        let mut url = url;
        url.set_fragment(None);
        Self {
            url,
            state: Mutex::default(),
        }
    }

    pub fn is_of<B>(&self, request: &http::Request<B>) -> bool {
        let asked = || Url::parse(&request.uri().to_string());
        request.method() == http::Method::GET && asked().is_ok_and(|url| url == self.url)
    }

    /// What is kept, or what the issuer answers now.
    pub async fn answer<B>(
        self: &Arc<Self>,
        client: &Client,
        request: http::Request<B>,
        options: Option<RequestOptions>,
    ) -> Sent {
        if let Some((mut over, patience)) = self.join(client, request, options) {
            // An error, since nothing is ever sent: it is over.
            let _ = timeout(patience, over.changed()).await;
        }
        self.last()
    }

    /// The fetch that is under way or begins now, and how long it is worth
    /// waiting for. It goes on without those who wait.
    fn join<B>(
        self: &Arc<Self>,
        client: &Client,
        request: http::Request<B>,
        options: Option<RequestOptions>,
    ) -> Option<(watch::Receiver<()>, Duration)> {
        let mut state = self.state();
        let is_kept = state.document.is_some();
        let patience = if is_kept { PATIENCE } else { YEAR };
        if let Some(over) = &state.under_way
            && over.has_changed().is_ok()
        {
            return Some((over.clone(), patience));
        }
        let Step::Ask(left) = step(is_kept, state.asked.map(|asked| asked.elapsed())) else {
            return None;
        };
        let (asking, over) = watch::channel(());
        state.under_way = Some(over.clone());
        let (kept, client) = (Arc::clone(self), client.clone());
        let request = request.map(|_| WasiBody::default());
        tokio::spawn(async move {
            let _asking = asking;
            sleep(left).await;
            kept.state().asked = Some(Instant::now());
            kept.take(fetch(client, request, options).await);
        });
        Some((over, patience))
    }

    fn take(&self, fetched: Result<Bytes, Failure>) {
        static FAULT: LogThrottle = LogThrottle::new();
        let mut state = self.state();
        match fetched {
            Ok(document) => state.document = Some(document),
            Err(failure) => {
                if state.document.is_some()
                    && let Some(times) = FAULT.times()
                {
                    tracing::warn!(
                        error = %failure,
                        times,
                        "the issuer's keys cannot be fetched: those that are kept go on being used"
                    );
                }
                state.failure = Some(failure);
            }
        }
    }

    fn last(&self) -> Sent {
        let state = self.state();
        let (status, body) = match (&state.document, &state.failure) {
            (Some(document), _) | (None, Some(Failure::Document(document))) => {
                (http::StatusCode::OK, document.clone())
            }
            (None, Some(Failure::Answer(status))) => (*status, Bytes::new()),
            (None, Some(Failure::Error(error))) => return Err(alike(error)),
            (None, None) => return Err(Error::HttpResponseIncomplete),
        };
        let body = Full::new(body).map_err(|never| match never {});
        let mut response = http::Response::new(body.boxed_unsync());
        *response.status_mut() = status;
        Ok((response, Box::new(std::future::ready(Ok(())))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What whoever asks gets, by how long ago the issuer was asked.
fn step(is_kept: bool, since_asked: Option<Duration>) -> Step {
    let again = if is_kept { AGAIN } else { AGAIN_WITHOUT };
    let left = since_asked.map_or(Duration::ZERO, |since| again.saturating_sub(since));
    match (left <= EARLY, is_kept) {
        (true, _) => Step::Ask(left),
        (false, true) => Step::Kept,
        (false, false) => Step::Failure,
    }
}

async fn fetch(
    client: Client,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Bytes, Failure> {
    let bounds = Bounds {
        bytes: client.bounds().bytes.min(MAX_DOCUMENT),
        ..client.bounds()
    };
    let (response, _) = client
        .within(bounds)
        .send(request, options)
        .await
        .map_err(Failure::Error)?;
    if response.status() != http::StatusCode::OK {
        return Err(Failure::Answer(response.status()));
    }
    let document = response.into_body().collect().await;
    let document = document.map_err(Failure::Error)?.to_bytes();
    match serde_json::from_slice::<Document>(&document) {
        Ok(_) => Ok(document),
        Err(_) => Err(Failure::Document(document)),
    }
}

/// Of the same kind, as far as the component tells them apart.
fn alike(error: &Error) -> Error {
    match error {
        Error::HttpRequestDenied | Error::DestinationIpProhibited => Error::HttpRequestDenied,
        Error::DnsError { .. } | Error::DnsTimeout | Error::DestinationNotFound => {
            Error::DestinationNotFound
        }
        Error::Connect(_)
        | Error::ConnectionRefused
        | Error::ConnectionLimitReached
        | Error::DestinationUnavailable
        | Error::DestinationIpUnroutable => Error::ConnectionRefused,
        Error::ConnectionTimeout
        | Error::ConnectionReadTimeout
        | Error::ConnectionWriteTimeout
        | Error::HttpResponseTimeout => Error::HttpResponseTimeout,
        Error::Tls(_)
        | Error::TlsProtocolError
        | Error::TlsCertificateError
        | Error::TlsAlertReceived { .. } => Error::TlsProtocolError,
        _ => Error::HttpProtocolError,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Answer(status) => write!(f, "it answered {}", status.as_u16()),
            Self::Document(_) => f.write_str("the answer is not a JWK Set"),
        }
    }
}

#[cfg(test)]
mod tests;
