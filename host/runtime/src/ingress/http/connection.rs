//! Serves one connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use concept_refinement_capability::cores::Cores;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::permits::Subnet;
use futures::FutureExt as _;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::WasiBody;

use super::HttpTrigger;
use super::connections::{Busy, Connection};
use super::dispatch::MAX_HEADERS;
use super::protocol::Protocol;
use super::timeout_stream::TimeoutStream;
use crate::metrics::http::CONNECTIONS;

/// Timeout for the bytes that tell the protocol, for receiving headers, and for an idle
/// keep-alive connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may go without reading its answer.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Most concurrent streams of an HTTP/2 connection.
const HTTP2_STREAMS: u32 = 128;

/// How long an HTTP/2 connection may have no streams; pings would otherwise keep it open
/// for ever.
const HTTP2_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a connection lasts if its client is over its share.
const BRIEF_TIMEOUT: Duration = Duration::from_secs(5);

/// hyper's servers, by protocol.
pub struct Servers {
    http1: auto::Builder<TokioExecutor>,
    http2: auto::Builder<TokioExecutor>,
}

impl Servers {
    pub fn new() -> Self {
        let mut http1 = auto::Builder::new(TokioExecutor::new()).http1_only();
        http1
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADERS);
        let mut http2 = auto::Builder::new(TokioExecutor::new()).http2_only();
        http2
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(HTTP2_STREAMS)
            .max_header_list_size(u32::try_from(MAX_HEADERS).unwrap_or(u32::MAX))
            .keep_alive_interval(HEADER_TIMEOUT)
            .keep_alive_timeout(HEADER_TIMEOUT);
        Self { http1, http2 }
    }

    fn of(&self, protocol: Protocol) -> &auto::Builder<TokioExecutor> {
        match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        }
    }
}

/// How a connection is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Full,
    /// By another server, whose timeouts are not known.
    Foreign,
    /// The client is over its share of connections: each request is answered with that.
    Brief,
}

impl HttpTrigger {
    /// Serves a connection on one of the cores. Once `stop` is set, it finishes its
    /// requests; it is closed once `cut_off` is cancelled.
    pub(super) fn connection(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        cores: &Cores,
        stop: watch::Receiver<bool>,
        cut_off: &CancellationToken,
    ) -> io::Result<()> {
        let Some((place, form)) = self.place(peer, cut_off) else {
            return Ok(());
        };
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let (index, core, load) = cores.least_loaded();
        let trigger = Arc::clone(self);
        let measured = self.metrics.connection();
        let open = self.tracker.token();
        core.runtime().spawn(async move {
            // A socket has to be registered with the runtime of its own thread.
            match TcpStream::from_std(stream) {
                Ok(stream) => {
                    let session = Session {
                        trigger,
                        peer,
                        core: index,
                        place,
                        form,
                        stop,
                    };
                    session.serve(stream).await;
                }
                Err(error) => log_throttled!(warn, "a connection could not be registered", %error),
            }
            drop((load, measured, open));
        });
        Ok(())
    }

    fn place(
        &self,
        peer: SocketAddr,
        cut_off: &CancellationToken,
    ) -> Option<(Arc<Connection>, Form)> {
        let client = (!self.dispatch.is_proxy(peer.ip())).then(|| Subnet::of(peer.ip()));
        if let Some(place) = self.connections.open(client, cut_off.child_token()) {
            return Some((Arc::new(place), Form::Full));
        }
        self.metrics.refused(CONNECTIONS);
        log_throttled!(
            warn every Duration::from_secs(10),
            "connections run short: who has most gets no more",
            %peer
        );
        let place = self.brief.open(None, cut_off.child_token())?;
        Some((Arc::new(place), Form::Brief))
    }
}

/// Context of a connection that is being served.
struct Session {
    trigger: Arc<HttpTrigger>,
    peer: SocketAddr,
    core: usize,
    place: Arc<Connection>,
    form: Form,
    stop: watch::Receiver<bool>,
}

impl Session {
    async fn serve(self, stream: TcpStream) {
        let session = Arc::new(self);
        let mut end = pin!(session.end());
        let protocol = tokio::select! {
            biased;
            protocol = timeout(HEADER_TIMEOUT, Protocol::of(&stream)) => protocol,
            () = session.place.closed() => return,
            () = &mut end => return,
        };
        let server = match protocol.map_err(io::Error::from).flatten() {
            Ok(protocol) => session.trigger.servers.of(protocol),
            Err(error) => return session.ended(Err(error)),
        };
        let stream = TimeoutStream::new(stream, WRITE_TIMEOUT);
        let answering = Arc::clone(&session);
        let service = service_fn(move |request| {
            // Boxed, so that its memory is freed before the answer is read.
            let (session, busy) = (Arc::clone(&answering), answering.place.busy());
            Box::pin(session.answer(request, busy).map(Ok::<_, Infallible>))
        });
        // Boxed, since otherwise every future that contains it would reserve its size
        // again.
        let mut connection = Box::pin(server.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            biased;
            ended = connection.as_mut() => return session.ended(ended),
            () = session.place.closed() => return,
            () = &mut end => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => session.ended(ended),
            () = session.place.closed() => {}
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, busy: Busy) -> Response<WasiBody> {
        let dispatch = &self.trigger.dispatch;
        let answer = dispatch.answer(request, self.peer.ip(), self.core, self.form, busy);
        answer.await
    }

    /// Completes when no more requests should be taken.
    async fn end(&self) {
        let mut stop = self.stop.clone();
        let expired = async {
            match self.form {
                Form::Full | Form::Foreign => self.place.idle_for(HTTP2_IDLE_TIMEOUT).await,
                Form::Brief => sleep(BRIEF_TIMEOUT).await,
            }
        };
        tokio::select! {
            () = expired => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    fn ended<E: fmt::Display>(&self, ended: Result<(), E>) {
        if let Err(error) = ended {
            tracing::debug!(peer = %self.peer, %error, "a connection ended early");
        }
    }
}
