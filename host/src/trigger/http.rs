//! HTTP in: connections, their limits, and requests handed to the API component.
//!
//! What a client may cost is bounded here, before any component runs: how many
//! connections and requests there are at once, how long headers and bodies may
//! take, how large they may be. Nothing here knows a route.

mod answer;
mod body;
mod io;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::uri::{Authority, PathAndQuery, Scheme};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};

use super::activity::Activity;
use super::instances::ApiInstances;

/// Connections at once; the next wait in the system's backlog.
const CONNECTIONS: usize = 4096;

/// Requests in the component at once; the next are answered 503.
pub const REQUESTS: usize = 1024;

/// How long a client may take to send its headers, and a kept-alive connection
/// may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may read nothing of its answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a request waits for an instance.
const PATIENCE: Duration = Duration::from_secs(5);

/// After so long it is offered to the instances again.
const OFFERED_AGAIN: Duration = Duration::from_millis(2);

/// The headers of a request, in bytes.
const MAX_HEADERS: usize = 32 * 1024;

/// Streams of one HTTP/2 connection at once.
const HTTP2_STREAMS: u32 = 128;

/// What the parts of this trigger share.
pub struct HttpTrigger {
    handler: ProxyHandler<ApiInstances>,
    requests: Arc<Semaphore>,
    /// The largest request body that is read at all, in bytes.
    max_body: u64,
}

impl HttpTrigger {
    pub fn new(instances: ApiInstances, max_body: u64) -> Self {
        Self {
            handler: ProxyHandler::new(instances),
            requests: Arc::new(Semaphore::new(REQUESTS)),
            max_body,
        }
    }

    /// Serves until `stop` is set, then lets the connections finish what they
    /// are at, until it is `over`.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
        over: CancellationToken,
    ) {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = async {
                let permit = Arc::clone(&connections).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                accepted = accepted => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match (permit, accepted) {
                (Ok(permit), Ok((stream, peer))) => {
                    if let Err(error) = self.connection(stream, peer, permit, &graceful, &over) {
                        tracing::debug!(%error, "a connection could not be taken");
                    }
                }
                (Err(_), _) => break,
                (_, Err(error)) => {
                    // Out of file descriptors, most likely: wait for some.
                    tracing::warn!(%error, "accepting a connection failed");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        self.handler.state().stopping.store(true, Ordering::Relaxed);
        if over
            .run_until_cancelled(graceful.shutdown())
            .await
            .is_none()
        {
            tracing::warn!("connections are cut off");
        }
    }

    fn connection(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
        graceful: &GracefulShutdown,
        over: &CancellationToken,
    ) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let stream = io::Patient::new(stream, HEADER_TIMEOUT, WRITE_TIMEOUT);
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(HTTP2_STREAMS)
            .max_header_list_size(u32::try_from(MAX_HEADERS).unwrap_or(u32::MAX))
            .keep_alive_interval(HEADER_TIMEOUT)
            .keep_alive_timeout(HEADER_TIMEOUT);
        let trigger = Arc::clone(self);
        let service = service_fn(move |request| {
            let trigger = Arc::clone(&trigger);
            async move { Ok::<_, std::convert::Infallible>(trigger.answer(request).await) }
        });
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = graceful.watch(connection);
        let over = over.clone();
        tokio::spawn(async move {
            if let Some(Err(error)) = over.run_until_cancelled(connection).await {
                tracing::debug!(%peer, error = %error, "a connection ended early");
            }
            drop(permit);
        });
        Ok(())
    }

    async fn answer(&self, request: http::Request<Incoming>) -> http::Response<WasiBody> {
        let Ok(_permit) = self.requests.try_acquire() else {
            return answer::overloaded();
        };
        let request = match with_origin(request) {
            Ok(request) => request,
            Err(problem) => return answer::bad_request(problem),
        };
        let activity = Activity::begin();
        let request =
            request.map(|incoming| body::bounded(incoming, self.max_body, activity.clone()));
        match self.handle(request, activity).await {
            Ok(response) => response,
            Err(error) if error.is::<ExpirationError>() => answer::timed_out(),
            Err(error) if error.is::<InstantiationError<Activity>>() => {
                tracing::error!(%error, "no instance of the api takes a request");
                answer::overloaded()
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the api failed a request");
                answer::internal_error()
            }
        }
    }

    /// In a burst every instance may be busy for the moment, and there may be
    /// as many as there can be. One of them takes the request as soon as it has
    /// read what it has; nothing tells when, so it is offered again.
    async fn handle(
        &self,
        mut request: http::Request<WasiBody>,
        activity: Activity,
    ) -> wasmtime::Result<http::Response<WasiBody>> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let error = match self.handler.handle(activity.clone(), request).await {
                Ok(response) => return Ok(response),
                Err(error) => error.downcast::<InstantiationError<Activity>>()?,
            };
            if Instant::now() >= patience {
                return Err(error.into());
            }
            sleep(OFFERED_AGAIN).await;
            request = error
                .request
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Binds, so that whoever starts the host can tell where it listens.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

/// The request with scheme and authority in its URI, where a component finds
/// them; over HTTP/1.1 they stand in the Host header.
fn with_origin<B>(mut request: http::Request<B>) -> Result<http::Request<B>, &'static str> {
    let mut parts = request.uri().clone().into_parts();
    let mut hosts = request.headers().get_all(http::header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("the request has more than one Host header");
    }
    if parts.authority.is_none() {
        let host = host.ok_or("the request has no Host header")?;
        let authority = Authority::try_from(host.as_bytes())
            .map_err(|_| "the request's Host header is malformed")?;
        parts.authority = Some(authority);
    }
    if !parts.authority.as_ref().is_some_and(is_host_and_port) {
        return Err("the request's Host header is malformed");
    }
    parts.scheme = Some(Scheme::HTTP);
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
    }
    *request.uri_mut() =
        http::Uri::from_parts(parts).map_err(|_| "the request's target is malformed")?;
    Ok(request)
}

/// Whatever else an authority may hold would make URLs that are none.
fn is_host_and_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().rsplit_once(':').map(|(_, port)| port);
    let has_port = after_host.is_some_and(|port| !port.ends_with(']'));
    !authority.as_str().contains('@') && has_port == authority.port().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_its_origin() {
        for (name, target, hosts, expected) in [
            (
                "origin form",
                "/a?b",
                &["example.com:8080"][..],
                Ok("http://example.com:8080/a?b"),
            ),
            (
                "absolute form",
                "http://one/a",
                &["two"],
                Ok("http://one/a"),
            ),
            (
                "a scheme of a proxy",
                "https://one/a",
                &["one"],
                Ok("http://one/a"),
            ),
            ("no host", "/a", &[], Err("the request has no Host header")),
            (
                "two hosts",
                "/a",
                &["one", "two"],
                Err("the request has more than one Host header"),
            ),
            (
                "malformed host",
                "/a",
                &["one two"],
                Err("the request's Host header is malformed"),
            ),
            (
                "empty host",
                "/a",
                &[""],
                Err("the request's Host header is malformed"),
            ),
        ] {
            let mut request = http::Request::builder().uri(target);
            for host in hosts {
                request = request.header(http::header::HOST, *host);
            }
            let request = with_origin(request.body(()).unwrap());
            let uri = request.map(|request| request.uri().to_string());
            assert_eq!(
                uri.as_deref().map_err(|problem| *problem),
                expected,
                "{name}"
            );
        }
    }
}
