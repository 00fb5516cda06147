//! HTTP in: connections, their limits, and requests handed to the API component.
//!
//! What a client may cost is bounded here, before any component runs: how many
//! connections and requests there are at once, how long headers and bodies may
//! take, how large they may be. Nothing here knows a route.

mod answer;
mod body;
mod client;
mod cors;
mod io;
mod origin;
mod protocol;
mod throttle;
mod unread;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::BoxFuture;
use http::HeaderMap;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};

use client::Client;
use cors::Origins;
use origin::with_origin;
pub use throttle::Limit;
use throttle::Throttle;

use super::activity::Activity;
use super::instances::ApiInstances;
use crate::config::Networks;
use crate::metrics::Metrics;

/// Connections at once; the next wait in the system's backlog.
const CONNECTIONS: usize = 4096;

/// Connections that the system keeps until they are taken: as many clients may
/// come back at once after a restart.
const BACKLOG: u32 = 4096;

/// Requests in the component at once; the next are answered 503.
pub const REQUESTS: usize = 1024;

/// Answers over HTTP/2 at once, which many a connection may carry; the next are
/// 503.
const STREAMS: usize = 4096;

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
    /// Answers over HTTP/2 that are not read yet.
    streams: Arc<Semaphore>,
    /// The largest request body that is read at all, in bytes.
    max_body: u64,
    metrics: Option<Arc<Metrics>>,
    proxies: Networks,
    origins: Origins,
    throttle: Option<Throttle>,
}

/// What the operator decided about clients.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The proxies whose word counts.
    pub proxies: Networks,
    /// Whose pages may read the answers.
    pub cors_origins: Vec<String>,
    /// What each client may ask for only so often.
    pub limit: Option<Limit>,
}

impl HttpTrigger {
    pub fn new(
        instances: ApiInstances,
        max_body: u64,
        access: Access,
        metrics: Option<Arc<Metrics>>,
    ) -> Self {
        Self {
            handler: ProxyHandler::new(instances),
            requests: Arc::new(Semaphore::new(REQUESTS)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            max_body,
            metrics,
            proxies: access.proxies,
            origins: Origins::new(&access.cors_origins),
            throttle: access.limit.map(Throttle::new),
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
                    let ends = (graceful.watcher(), stop.clone(), over.clone());
                    if let Err(error) = self.connection(stream, peer, permit, ends) {
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
        (watcher, mut stop, over): (Watcher, watch::Receiver<bool>, CancellationToken),
    ) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let trigger = Arc::clone(self);
        let service = service_fn(move |request| {
            let trigger = Arc::clone(&trigger);
            // Boxed: what it takes is not to be held until its answer is read.
            Box::pin(async move {
                let is_http2 = request.version() == http::Version::HTTP_2;
                let answer = trigger.measured(request, peer.ip()).await;
                Ok::<_, std::convert::Infallible>(match is_http2 {
                    true => trigger.limited(answer),
                    false => answer,
                })
            })
        });
        let counted = self.metrics.as_ref().map(|of| of.http.connection());
        tokio::spawn(async move {
            let http2 = tokio::select! {
                http2 = protocol::speaks_http2(&stream, HEADER_TIMEOUT) => http2,
                _ = stop.wait_for(|stop| *stop) => None,
            };
            drop(stop);
            let Some(http2) = http2 else { return };
            let io = TokioIo::new(io::Patient::new(stream, HEADER_TIMEOUT, WRITE_TIMEOUT));
            // Boxed: one is much larger than the other.
            let connection: BoxFuture<'_, hyper::Result<()>> = match http2 {
                true => Box::pin(watcher.watch(http2_server().serve_connection(io, service))),
                false => Box::pin(watcher.watch(http1_server().serve_connection(io, service))),
            };
            if let Some(Err(error)) = over.run_until_cancelled(connection).await {
                tracing::debug!(%peer, error = %error, "a connection ended early");
            }
            drop((permit, counted));
        });
        Ok(())
    }

    /// Over HTTP/2 a connection that is well may carry answers that nobody reads.
    fn limited(&self, answer: http::Response<WasiBody>) -> http::Response<WasiBody> {
        match Arc::clone(&self.streams).try_acquire_owned() {
            Ok(place) => answer.map(|body| unread::limited(body, WRITE_TIMEOUT, place)),
            Err(_) => answer::overloaded(),
        }
    }

    async fn measured(
        &self,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> http::Response<WasiBody> {
        let Some(metrics) = &self.metrics else {
            return self.answer(request, peer).await;
        };
        let measured = metrics.http.begin(request.method());
        let mut response = self.answer(request, peer).await;
        measured.answered(&mut response);
        response
    }

    async fn answer(
        &self,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> http::Response<WasiBody> {
        let origin = self.origins.asking(request.headers());
        match self.asked(request, peer).await {
            Ok(response) => response,
            Err(mut response) => {
                cors::allow(origin, &mut response);
                response
            }
        }
    }

    /// The error is an answer of the host itself.
    async fn asked(
        &self,
        mut request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Result<http::Response<WasiBody>, http::Response<WasiBody>> {
        let Ok(_permit) = self.requests.try_acquire() else {
            return Err(answer::overloaded());
        };
        if head_size(&request) > MAX_HEADERS {
            return Err(answer::long_head());
        }
        if !is_plainly_framed(request.headers()) {
            return Err(answer::unknown_coding());
        }
        let client = Client::of(peer, request.headers_mut(), &self.proxies);
        let request = with_origin(request, &client).map_err(answer::bad_request)?;
        if let Some(throttle) = &self.throttle {
            let admitted = throttle.admit(&request, &client, &self.proxies);
            admitted.map_err(answer::too_often)?;
        }
        let activity = Activity::begin();
        let request = body::bounded(request, self.max_body, activity.clone());
        match self.handle(request, activity).await {
            Ok(response) => Ok(response),
            Err(error) if error.is::<ExpirationError>() => Err(answer::timed_out()),
            Err(error) if error.is::<InstantiationError<Activity>>() => {
                tracing::error!(%error, "no instance of the api takes a request");
                Err(answer::overloaded())
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the api failed a request");
                Err(answer::internal_error())
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

fn http1_server() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADERS);
    builder
}

fn http2_server() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEADERS).unwrap_or(u32::MAX))
        .keep_alive_interval(HEADER_TIMEOUT)
        .keep_alive_timeout(HEADER_TIMEOUT);
    builder
}

/// Binds, so that whoever starts the host can tell where it listens.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // As the standard library does, so that a restart finds its port free.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().with_context(|| format!("cannot listen on {address}"))
}

/// In bytes, as it came. The connection's own limit is only about as exact as
/// what it reads at once.
fn head_size<B>(request: &http::Request<B>) -> usize {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target;
    let fields = request.headers().iter();
    fields.fold(line, |size, (name, value)| {
        size.saturating_add(name.as_str().len() + value.len() + ": \r\n".len())
    })
}

/// Whether a body is as it came, or in chunks and nothing else. Whoever takes
/// another coding for less than it is sees another end of the request.
fn is_plainly_framed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(http::header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}
