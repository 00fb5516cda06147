//! The keys of the issuer of tokens, cached for the process.
//!
//! Instances of the API come and go, and each has a cache of its own only. Here
//! all of them share the answers: the issuer is asked once for the whole process, and
//! an issuer that is down ends no session. The domain decides when it is asked again,
//! for the instances and for this cache. A document is replaced only by a newer one,
//! never by a failure, and nothing but the one URL is cached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::log_throttled;
use concept_refinement_domain::issuer_keys::{FETCH_TIMEOUT, time_to_fetch};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use url::Url;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::body::whole;

/// A request that comes at most so long before the next fetch is due waits for
/// it. An instance measures the same interval from a moment earlier than this
/// cache, before its request arrives here; a failure from the last fetch would
/// cost it another whole interval.
const EARLY_TOLERANCE: Duration = Duration::from_secs(1);

/// How long a request waits for a newer document while there is one already. An
/// instance gives up after `FETCH_TIMEOUT`: with an issuer that is silent it has
/// to be answered before that.
const REFRESH_TIMEOUT: Duration = FETCH_TIMEOUT.saturating_sub(Duration::from_secs(2));

/// Of the issuer, or as if it were.
pub type Answer = Result<http::Response<WasiBody>, Error>;

pub struct IssuerCache {
    url: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    document: Option<Bytes>,
    /// The last failure, if the last fetch failed.
    failure: Option<Failure>,
    /// When the last fetch began.
    last_fetch: Option<Instant>,
    /// Closed at the end of the fetch that is under way.
    fetching: Option<watch::Receiver<()>>,
}

/// Why there is no document. All that ask before the next fetch get it.
enum Failure {
    Error(Error),
    Answer(http::StatusCode),
    /// The answer is not a JWK Set.
    Document(Bytes),
}

/// The part of a JWK Set that is checked here.
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

    /// What is cached, or what the issuer answers now: `fetch` asks it.
    pub async fn answer(
        self: &Arc<Self>,
        fetch: impl Future<Output = Answer> + Send + 'static,
    ) -> Answer {
        if let Some((mut end, limit)) = self.fetch_if_due(fetch) {
            // An error tells the end, since nothing is ever sent.
            let _ = timeout(limit, end.changed()).await;
        }
        self.last()
    }

    /// The end of the fetch that is under way or begins now, and how long to wait
    /// for it. It goes on without those who wait.
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
            Ok(document) => state.document = Some(document),
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
        let state = self.state.lock();
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
        Ok(response)
    }
}

/// How long the fetch for a request waits. None: it is too early for one.
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

/// Copies an error, as precisely as the component can distinguish.
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
