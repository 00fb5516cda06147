//! HTTP in: connections and their limits.
//!
//! What a client may cost is bounded here, before any component runs: how many
//! connections and answers there are at once, how long headers and answers may
//! take. Nothing here knows a route.

mod answer;
mod authority;
mod body;
mod client;
mod cors;
mod dispatch;
mod origin;
mod throttle;
mod timeout_stream;
mod write_timeout;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::WasiBody;

pub use dispatch::{Access, REQUESTS};
use dispatch::{Dispatch, MAX_HEADERS};
pub use throttle::Limit;
use timeout_stream::TimeoutStream;

use super::door::Door;
use crate::cores::Cores;
use crate::metrics::Metrics;

/// Most connections at a time; further ones wait in the system's backlog.
const CONNECTIONS: usize = 4096;

/// Connections that the system holds until they are accepted: as many clients
/// may come back at once after a restart.
const BACKLOG: u32 = 4096;

/// Most HTTP/2 answers at a time; further ones are 503.
const STREAMS: usize = 4096;

/// How long a client may take to send headers, and how long a keep-alive
/// connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may go without reading its answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Most concurrent streams of an HTTP/2 connection.
const HTTP2_STREAMS: u32 = 128;

/// After an error of accepting: for lack of file descriptors, most likely, which
/// other connections give back.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves the API component over HTTP/1.1 and HTTP/2, both without TLS.
pub struct HttpTrigger {
    /// For HTTP/1.1 and HTTP/2.
    server: auto::Builder<TokioExecutor>,
    /// The same for HTTP/1.1 alone. It takes less memory: what finds the version
    /// out has hyper grow its buffer.
    http1: auto::Builder<TokioExecutor>,
    dispatch: Dispatch,
    /// Permits for HTTP/2 answers that are not read yet.
    streams: Arc<Semaphore>,
    metrics: Option<Arc<Metrics>>,
}

impl HttpTrigger {
    /// `doors`: one for each core. `max_body`: the largest request body that is
    /// read at all, in bytes.
    pub fn new(
        doors: Vec<Door>,
        max_body: u64,
        access: Access,
        metrics: Option<Arc<Metrics>>,
    ) -> Self {
        Self {
            server: server(),
            http1: server().http1_only(),
            dispatch: Dispatch::new(doors, max_body, access, metrics.clone()),
            streams: Arc::new(Semaphore::new(STREAMS)),
            metrics,
        }
    }

    /// Serves until `stop` is set, then lets each connection finish its requests;
    /// what is left is closed once `cut_off` is cancelled.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        cores: Arc<Cores>,
        mut stop: watch::Receiver<bool>,
        cut_off: CancellationToken,
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
                    let ends = (graceful.watcher(), stop.clone(), cut_off.clone());
                    if let Err(error) = self.connection(stream, peer, permit, &cores, ends) {
                        tracing::debug!(%error, "a connection could not be accepted");
                    }
                }
                (Err(_), _) => break,
                (_, Err(error)) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    sleep(ACCEPT_RETRY).await;
                }
            }
        }
        drop(listener);
        self.dispatch.stop();
        if cut_off
            .run_until_cancelled(graceful.shutdown())
            .await
            .is_none()
        {
            tracing::warn!("closing connections at the end of the grace period");
        }
    }

    fn connection(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        permit: OwnedSemaphorePermit,
        cores: &Cores,
        (watcher, mut stop, cut_off): (Watcher, watch::Receiver<bool>, CancellationToken),
    ) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let (index, core, place) = cores.place();
        let trigger = Arc::clone(self);
        let service = service_fn(move |request| {
            let trigger = Arc::clone(&trigger);
            // Boxed, so that its memory is freed before the answer is read.
            Box::pin(async move {
                let is_http2 = request.version() == http::Version::HTTP_2;
                let answer = trigger.dispatch.answer(request, peer.ip(), index).await;
                Ok::<_, Infallible>(match is_http2 {
                    true => trigger.stream(answer),
                    false => answer,
                })
            })
        });
        let trigger = Arc::clone(self);
        let measured = self.metrics.as_ref().map(|of| of.http.connection());
        core.runtime().spawn(async move {
            // A socket belongs to the runtime of its thread.
            let stream = match TcpStream::from_std(stream) {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be registered");
                    return;
                }
            };
            let mut stream = TimeoutStream::new(stream, HEADER_TIMEOUT, WRITE_TIMEOUT);
            let first = tokio::select! {
                first = stream.peek() => first,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            // The preface of HTTP/2 begins with `PRI`.
            let server = match first {
                Ok(Some(b'P')) => &trigger.server,
                Ok(_) => &trigger.http1,
                Err(error) => {
                    tracing::debug!(%peer, %error, "a connection ended early");
                    return;
                }
            };
            // Boxed: each future that it is moved into would have room for it.
            let connection = server.serve_connection(TokioIo::new(stream), service);
            let connection = Box::pin(watcher.watch(connection));
            if let Some(Err(error)) = cut_off.run_until_cancelled(connection).await {
                tracing::debug!(%peer, error, "a connection ended early");
            }
            drop((permit, place, measured));
        });
        Ok(())
    }

    /// One answer of an HTTP/2 connection. The connection's own timeout does not
    /// see that nobody reads it, while others of the connection are read.
    fn stream(&self, answer: http::Response<WasiBody>) -> http::Response<WasiBody> {
        match Arc::clone(&self.streams).try_acquire_owned() {
            Ok(permit) => answer.map(|body| write_timeout::limited(body, WRITE_TIMEOUT, permit)),
            Err(_) => answer::overloaded(),
        }
    }
}

/// Tells HTTP/2 from HTTP/1 by a connection's first bytes; [`TimeoutStream`]
/// bounds how long they may take.
fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADERS);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEADERS).unwrap_or(u32::MAX))
        .keep_alive_interval(HEADER_TIMEOUT)
        .keep_alive_timeout(HEADER_TIMEOUT);
    server
}

/// Binds the address, so that the caller knows the port.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // As the standard library does, so that a restart can bind the same
        // port.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().with_context(|| format!("cannot listen on {address}"))
}
