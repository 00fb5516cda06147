//! A single outbound request: checks it, connects, sends it, and limits the answer.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::slots::Slot;
use futures::FutureExt as _;
use http::uri::Authority;
use http::{Method, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::body;
use super::connection::Connection;
use super::grant::{Grant, Origin, take_purpose};
use super::network::Network;
use super::pool::{Checkout, Key, Pool};

/// Defaults for components that set no timeouts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a task keeps its slot while it waits for a connection: longer than connecting
/// takes normally.
const CONNECT_DELAY: Duration = Duration::from_millis(100);

/// Margin beyond the component's own limit, so that the component is the first to report
/// a timeout.
const SLACK: Duration = Duration::from_secs(5);

/// Stands for "no timeout". A later deadline might be more than a clock can represent.
const UNLIMITED: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Upper bounds for one answer; the component may set lower ones.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of the body: by default more than an original or a model's answer
    /// needs, even in base64.
    pub bytes: u64,
    /// Time from the request to the last byte.
    pub time: Duration,
}

impl Bounds {
    /// Limits slightly above the component's own limit, since the component's error
    /// message is better.
    pub fn beyond(limit: Duration) -> Self {
        Self {
            time: limit.saturating_add(SLACK),
            ..Self::default()
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 128 << 20,
            time: Duration::from_secs(60 * 60),
        }
    }
}

/// Sends requests that the component's grant allows.
#[derive(Clone)]
pub struct Client {
    grant: Arc<Grant>,
    pub(super) bounds: Bounds,
    network: Network,
    pool: Pool,
    /// Yielded while it waits for a connection.
    pub(super) slot: Slot,
}

/// The answer to a request, or of a cache in place of its server.
pub type Answer = Result<http::Response<WasiBody>, Error>;

impl Client {
    /// With the default limits.
    pub fn new(grant: Grant, network: &Network) -> Self {
        Self {
            grant: Arc::new(grant),
            bounds: Bounds::default(),
            network: network.clone(),
            pool: Pool::default(),
            slot: Slot::default(),
        }
    }

    #[cfg(test)]
    pub fn with_pool(self, pool: Pool) -> Self {
        Self { pool, ..self }
    }

    pub async fn send(
        &self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Answer {
        let end = Instant::now() + self.bounds.time.min(UNLIMITED);
        let sent = timeout_at(end, self.exchange(request, options, end))
            .await
            .unwrap_or(Err(Error::HttpResponseTimeout));
        if let (Err(error), Some(refusals)) = (&sent, &self.network.refusals) {
            refusals.failed(error);
        }
        sent
    }

    async fn exchange(
        &self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        deadline: Instant,
    ) -> Answer {
        let origin = destination(&request)?;
        let purpose = take_purpose(request.headers_mut());
        let limit = |chosen: fn(&RequestOptions) -> Option<Duration>, default| {
            options.as_ref().and_then(chosen).unwrap_or(default)
        };
        let connect_limit = limit(|options| options.connect_timeout, CONNECT_TIMEOUT);
        let first_byte = limit(|options| options.first_byte_timeout, SILENCE_TIMEOUT);
        let between_bytes = limit(|options| options.between_bytes_timeout, SILENCE_TIMEOUT);

        let permitted = self
            .grant
            .permits(&origin, purpose, self.network.is_own)
            .ok_or(Error::HttpRequestDenied)?;
        let key = Key::new(origin.clone(), purpose);

        if has_no_body(&request) {
            // Only of a body that is known to be empty can the request be repeated.
            *request.body_mut() = WasiBody::default();
        }
        *request.uri_mut() = target(request.uri());

        let bytes = self.bounds.bytes;
        let limits = body::Limits {
            between_bytes,
            deadline,
            bytes,
        };
        let idle = self.pool.take(&key, &permitted);
        let answered = move |connection, response: http::Response<Incoming>| {
            let checkout = Checkout {
                pool: self.pool.clone(),
                key,
                connection,
            };
            response.map(|body| body::Limited::new(body, limits, checkout).boxed_unsync())
        };

        let mut lost = None;
        if let Some(mut connection) = idle {
            match connection.send(request, first_byte, bytes).await {
                Ok(response) => return Ok(answered(connection, response)),
                Err(failure) => match failure.repetition {
                    Some(repetition) => {
                        request = *repetition;
                        lost = failure.is_sent.then_some(failure.error);
                    }
                    None => return Err(failure.error),
                },
            }
        }
        let opening = Connection::open(&self.network, &origin, &permitted);
        // Boxed, so that the memory of the handshake is freed before the answer arrives.
        let opening = timeout(connect_limit, Box::pin(opening))
            .map(|opened| opened.unwrap_or(Err(Error::ConnectionTimeout)));
        let opened = self.slot.spare(CONNECT_DELAY, opening).await;
        // What the server may have read was sent, although there is no connection any more.
        let mut connection = opened.map_err(|error| lost.unwrap_or(error))?;
        match connection.send(request, first_byte, bytes).await {
            Ok(response) => Ok(answered(connection, response)),
            Err(failure) => Err(failure.error),
        }
    }
}

/// Where a request is sent. Tunnels are not made, and HTTP has no place for user information
/// (RFC 9110, section 4.2.4).
fn destination<B>(request: &http::Request<B>) -> Result<Origin, Error> {
    let uri = request.uri();
    let has_user = |authority: &Authority| authority.as_str().contains('@');
    match Origin::of(uri) {
        _ if request.method() == Method::CONNECT => Err(Error::HttpRequestMethodInvalid),
        Some(origin) if !uri.authority().is_some_and(has_user) => Ok(origin),
        _ => Err(Error::HttpRequestUriInvalid),
    }
}

/// What the first line of a request names: HTTP/1.1 sends the authority in the Host header. An
/// empty path is "/".
fn target(uri: &http::Uri) -> http::Uri {
    // An empty one reads as "/", too, but would be sent as nothing.
    let path = uri.path_and_query().filter(|path| path.as_str() != "/");
    let path = path.cloned();
    path.map_or_else(|| http::Uri::from_static("/"), http::Uri::from)
}

/// Whether a request that failed so was not sent.
pub fn is_unsent(error: &Error) -> bool {
    matches!(
        error,
        Error::HttpRequestDenied
            | Error::HttpRequestMethodInvalid
            | Error::HttpRequestUriInvalid
            | Error::DnsTimeout
            | Error::DnsError { .. }
            | Error::DestinationNotFound
            | Error::DestinationIpProhibited
            | Error::ConnectionRefused
            | Error::ConnectionTimeout
            | Error::Connect(_)
            | Error::Tls(_)
    )
}

/// Whether nothing follows the head. The body of a component's request never says so
/// itself; but without one of these fields HTTP/1.1 has no body (RFC 9112, 6.3), and
/// hyper adds none to a GET or HEAD.
fn has_no_body<B>(request: &http::Request<B>) -> bool {
    let framing = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    matches!(*request.method(), Method::GET | Method::HEAD)
        && !framing
            .iter()
            .any(|name| request.headers().contains_key(name))
}

#[cfg(test)]
mod tests;
