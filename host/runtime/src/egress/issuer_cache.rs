//! Process-wide cache for the keys of the token issuer.
//!
//! Instances of the API are short-lived and each has its own cache. With this shared one,
//! the issuer is asked once for the whole process, and an issuer that is down ends no
//! session. The domain decides when to fetch again, both for the instances and for this
//! cache. A document is replaced only by a newer one, never by a failure. Only the one
//! URL is cached.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::log_throttled;
use concept_refinement_domain::issuer_keys::{KNOWN_HEADER, LONGEST_WAIT, time_to_fetch};
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use url::Url;
use wasmtime_wasi_http::Error;

use super::client::Answer;
use crate::body::whole;

/// A request that arrives at most this long before the next fetch is due waits for it. An
/// instance measures the interval from a slightly earlier moment than this cache does, so
/// its request may arrive early; answering it with the last failure would cost the
/// instance another whole interval.
const EARLY_TOLERANCE: Duration = Duration::from_secs(1);

/// How long a request waits for a newer document if there is an older one. In an instance a
/// user's request waits for `LONGEST_WAIT`, so it must be answered before that even if the
/// issuer does not respond.
const REFRESH_TIMEOUT: Duration = LONGEST_WAIT.saturating_sub(Duration::from_millis(300));

pub struct IssuerCache {
    url: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    document: Option<Bytes>,
    /// Whether an instance has this document.
    is_known: bool,
    /// The last failure, if the last fetch failed.
    failure: Option<Failure>,
    /// When the last fetch began.
    last_fetch: Option<Instant>,
    /// Closed when the fetch in progress ends.
    fetching: Option<watch::Receiver<()>>,
}

/// Why there is no document. Requests before the next fetch get this error.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Error(Error),
    #[error("it answered {}", .0.as_u16())]
    Answer(http::StatusCode),
    #[error("the answer is not a JWK Set")]
    Document(Bytes),
}

/// The part of a JWK Set that is validated here.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "keys")]
    _keys: Vec<serde_json::Value>,
}

impl IssuerCache {
    pub fn new(url: Url) -> Self {
        let mut url = url;
        url.set_fragment(None);
        Self {
            url,
            state: Mutex::default(),
        }
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    pub fn is_of<B>(&self, request: &http::Request<B>) -> bool {
        let asked = || Url::parse(&request.uri().to_string());
        request.method() == http::Method::GET && asked().is_ok_and(|url| url == self.url)
    }

    /// The cached answer, or the issuer's: `fetch` requests it.
    pub async fn answer(
        self: &Arc<Self>,
        fetch: impl Future<Output = Answer> + Send + 'static,
    ) -> Answer {
        if let Some((mut end, limit)) = self.fetch_if_due(fetch) {
            // Nothing is ever sent: an error signals the end.
            let _ = timeout(limit, end.changed()).await;
        }
        self.last()
    }

    /// Joins the fetch in progress or begins one, if it is time for that. Returns its end
    /// and how long to wait for it. The fetch continues even if nobody waits for it.
    fn fetch_if_due(
        self: &Arc<Self>,
        fetch: impl Future<Output = Answer> + Send + 'static,
    ) -> Option<(watch::Receiver<()>, Duration)> {
        let mut state = self.state.lock();
        let is_cached = state.document.is_some();
        let limit = if is_cached {
            REFRESH_TIMEOUT
        } else {
            Duration::MAX
        };
        if let Some(end) = &state.fetching
            && end.has_changed().is_ok()
        {
            return Some((end.clone(), limit));
        }
        let since_fetch = state.last_fetch.map(|last| last.elapsed());
        let left = delay(is_cached, since_fetch)?;
        let (fetching, end) = watch::channel(());
        state.fetching = Some(end.clone());
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            let _fetching = fetching;
            sleep(left).await;
            cache.state.lock().last_fetch = Some(Instant::now());
            cache.take(document(fetch.await).await);
        });
        Some((end, limit))
    }

    fn take(&self, fetched: Result<Bytes, Failure>) {
        let mut state = self.state.lock();
        match fetched {
            Ok(document) => {
                state.is_known &= state.document.as_ref() == Some(&document);
                state.document = Some(document);
            }
            Err(failure) => {
                if state.document.is_some() {
                    log_throttled!(
                        warn,
                        "the issuer's keys cannot be fetched: cached keys remain in use",
                        error = %failure
                    );
                }
                state.failure = Some(failure);
            }
        }
    }

    fn last(&self) -> Answer {
        let mut state = self.state.lock();
        let (status, body) = match (&state.document, &state.failure) {
            (Some(document), _) | (None, Some(Failure::Document(document))) => {
                (http::StatusCode::OK, document.clone())
            }
            (None, Some(Failure::Answer(status))) => (*status, Bytes::new()),
            (None, Some(Failure::Error(error))) => return Err(copy_of(error)),
            (None, None) => return Err(Error::HttpResponseIncomplete),
        };
        let mut response = http::Response::new(whole(body));
        *response.status_mut() = status;
        if state.document.is_some() && std::mem::replace(&mut state.is_known, true) {
            let known = (
                HeaderName::from_static(KNOWN_HEADER),
                HeaderValue::from_static("yes"),
            );
            response.headers_mut().extend([known]);
        }
        Ok(response)
    }
}

/// How long after this request its fetch begins. None: it is too early for another fetch.
fn delay(is_cached: bool, since_fetch: Option<Duration>) -> Option<Duration> {
    let left = time_to_fetch(is_cached, since_fetch);
    (left <= EARLY_TOLERANCE).then_some(left)
}

async fn document(answer: Answer) -> Result<Bytes, Failure> {
    let response = answer.map_err(Failure::Error)?;
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

/// Copies an error, as precisely as a component can distinguish errors.
fn copy_of(error: &Error) -> Error {
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

#[cfg(test)]
mod tests;
