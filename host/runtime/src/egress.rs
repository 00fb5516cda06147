//! Outbound HTTP: checks where each component may send requests.
//!
//! Names are resolved and addresses checked here, and the connection goes to exactly the
//! address that was checked, so a resolver that answers differently the second time gains
//! nothing (DNS rebinding). A component without a grant cannot connect anywhere. Each
//! answer is limited in bytes and time, whatever timeouts the component itself sets.

mod body;
mod client;
mod connect;
mod connection;
mod grant;
mod issuer_cache;
mod network;
mod own_address;
mod pool;
mod read_limit;
pub mod resolver;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::slots::Slot;
use concept_refinement_domain::issuer_keys::{FETCH_TIMEOUT, MAX_BYTES};
use concept_refinement_domain::trace::{self, TraceContext};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

pub use client::Bounds;
use client::{Answer, Client, is_unsent};
pub use grant::{Grant, Origin};
use issuer_cache::IssuerCache;
pub use network::Network;

use crate::body::{guarded, whole};
use crate::model::paid_call::PaidCall;

/// The outbound HTTP of one component.
#[derive(Clone)]
pub struct Egress {
    client: Client,
    issuer: Option<Arc<IssuerCache>>,
    /// One permit for each exchange of an instance that has not ended.
    exchanges: Arc<Semaphore>,
    /// Notified before each request that may have to be paid for.
    paid_call: Option<Arc<PaidCall>>,
    /// The trace context sent with each request, in place of the component's own. None:
    /// the component is not traced.
    trace: Option<HeaderValue>,
}

/// Drives sending the rest of a request, which has ended by the time there is an answer.
type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// How much of a guest's request is copied at a time, in bytes.
const CHUNK: usize = 64 * 1024;

impl Egress {
    /// With the default limits.
    pub fn new(grant: Grant, network: &Network) -> Self {
        Self {
            client: Client::new(grant, network),
            issuer: None,
            exchanges: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            paid_call: None,
            trace: None,
        }
    }

    /// The same, with these limits for answers.
    pub fn within(mut self, bounds: Bounds) -> Self {
        self.client.bounds = bounds;
        self
    }

    /// Lets this client yield the task's slot while it waits for a connection.
    pub fn set_slot(&mut self, slot: Slot) {
        self.client.slot = slot;
    }

    /// Sets the paid call that is notified before each request.
    pub fn count(&mut self, call: Arc<PaidCall>) {
        self.paid_call = Some(call);
    }

    /// Sends this trace context with each request.
    pub fn trace(&mut self, context: Option<TraceContext>) {
        let header = context.map(|context| context.to_string());
        self.trace = header.and_then(|header| HeaderValue::try_from(header).ok());
    }

    /// Limits the exchanges at a time, for all clones together. An exchange ends with the
    /// body of its answer.
    pub fn at_most(self, exchanges: usize) -> Self {
        Self {
            exchanges: Arc::new(Semaphore::new(exchanges)),
            ..self
        }
    }

    /// Caches the key set at this URL, for all clones together.
    pub fn caching(self, url: url::Url) -> Self {
        let issuer = Some(Arc::new(IssuerCache::new(url)));
        Self { issuer, ..self }
    }

    /// The issuer's keys as it publishes them, from the cache if possible.
    ///
    /// # Errors
    ///
    /// There are no keys, or no URL was set with [`Egress::caching`].
    pub async fn issuer_keys(&self) -> Result<Bytes, Error> {
        let cache = self.issuer.as_ref().ok_or(Error::HttpRequestDenied)?;
        let request = request(Method::GET, cache.url().as_str(), None)?;
        let options = Some(each_within(FETCH_TIMEOUT));
        let fetch = fetch_keys(self.client.clone(), request, options);
        let response = cache.answer(fetch).await?;
        if response.status() != StatusCode::OK {
            return Err(Error::HttpProtocolError);
        }
        let document = response.into_body().collect().await?;
        Ok(document.to_bytes())
    }

    /// Requests a URL and returns status and body, within the limits. `timeout` is for
    /// connecting, and for each pause.
    ///
    /// # Errors
    ///
    /// The answer was incomplete, or the request is not allowed.
    pub async fn get(
        &self,
        url: &str,
        authorization: Option<String>,
        timeout: Duration,
    ) -> Result<(u16, Bytes), Error> {
        let request = request(Method::GET, url, authorization)?;
        let options = Some(each_within(timeout));
        let response = self.client.send(request, options).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, body))
    }

    /// Posts bytes to a URL with these headers, and returns the answer. `timeout` is for
    /// connecting, and for each pause.
    ///
    /// # Errors
    ///
    /// The answer was incomplete, or the request is not allowed.
    pub async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, Error> {
        let mut request = request(Method::POST, url, None)?;
        request.headers_mut().extend(headers);
        let request = request.map(|_| whole(body));
        let options = Some(each_within(timeout));
        let response = self.client.send(request, options).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(http::Response::from_parts(head, body))
    }

    /// Checks whether an origin answers: sends a HEAD request for a path, and accepts any
    /// status. `timeout` is for connecting, and for the answer.
    ///
    /// # Errors
    ///
    /// It did not answer, or the request is not allowed.
    pub async fn probe(&self, origin: &Origin, path: &str, timeout: Duration) -> Result<(), Error> {
        let Origin { scheme, host, port } = origin;
        let url = format!("{scheme}://{host}:{port}{path}");
        let request = request(Method::HEAD, &url, None)?;
        let options = Some(each_within(timeout));
        self.client.send(request, options).await.map(drop)
    }
}

impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Done), Error>> + Send> {
        let Self {
            client,
            issuer,
            exchanges,
            paid_call,
            trace,
        } = self.clone();
        if let Some(trace) = trace {
            request.headers_mut().insert(trace::HEADER, trace);
        }
        Box::new(async move {
            // Otherwise the first poll would run on the stack of the guest, which keeps
            // every page that was ever used.
            yield_now().await;
            let exchange = exchanges
                .try_acquire_owned()
                .map_err(|_| Error::ConnectionLimitReached)?;
            let left = match &paid_call {
                Some(call) => {
                    let work = call.leave().await.map_err(|_| Error::HttpRequestDenied)?;
                    Some((call, work))
                }
                None => None,
            };
            let sent = match issuer {
                Some(cache) if cache.is_of(&request) => {
                    let request = request.map(|_| WasiBody::default());
                    cache.answer(fetch_keys(client, request, options)).await
                }
                Some(_) | None => client.send(request, options).await,
            };
            let came_back = sent.as_ref().is_err_and(is_unsent);
            if let (Some((call, work)), true) = (left, came_back) {
                call.came_back(work).await;
            }
            let response = sent?.map(|body| guarded(body, exchange));
            Ok((response, done()))
        })
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

/// A request by the host itself.
fn request(
    method: Method,
    url: &str,
    authorization: Option<String>,
) -> Result<http::Request<WasiBody>, Error> {
    let parsed = url::Url::parse(url).map_err(|_| Error::HttpRequestUriInvalid)?;
    let Origin { host, port, .. } = Origin::of_url(&parsed).ok_or(Error::HttpRequestUriInvalid)?;
    let mut request = http::Request::builder().method(method).uri(url);
    request = request.header(header::HOST, format!("{host}:{port}"));
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    request
        .body(WasiBody::default())
        .map_err(|_| Error::HttpRequestUriInvalid)
}

/// The same timeout for connecting and for each pause.
fn each_within(timeout: Duration) -> RequestOptions {
    RequestOptions {
        connect_timeout: Some(timeout),
        first_byte_timeout: Some(timeout),
        between_bytes_timeout: Some(timeout),
    }
}

/// Requests the keys from the issuer, on behalf of all waiting requests.
async fn fetch_keys(
    mut client: Client,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Answer {
    let bytes = &mut client.bounds.bytes;
    *bytes = (*bytes).min(MAX_BYTES as u64);
    client.send(request, options).await
}

fn done() -> Done {
    Box::new(std::future::ready(Ok(())))
}
