//! Inbound HTTP: connections and their limits.
//!
//! Limits the cost of a client before any component runs: the number of concurrent
//! connections and answers, the time for headers and answers, and each client's share of
//! all that. It knows no routes except those that it is given.

pub(super) mod body;
mod client;
mod connection;
mod connections;
mod cors;
mod credentials;
mod dispatch;
mod host_names;
mod max_body;
mod open_files;
mod origin;
mod protocol;
mod push;
mod refusal;
pub mod request_id;
mod service;
mod throttle;
mod timeout_stream;
mod write_timeout;

use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use connection::Servers;
pub use connections::{Connection, Connections};
use dispatch::Dispatch;
pub use dispatch::{Access, CALLS};
pub use host_names::HostNames;
pub use max_body::MaxBody;
pub use push::{Proof, PushTrigger};
pub use refusal::{PROTECTION, error_code};
pub use throttle::Limit;
pub use wasmtime_wasi_http::WasiBody as Body;

use concept_refinement_capability::cores::Cores;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::traces::Traces;

use super::Handler;
use crate::metrics::http::Requests;

/// Limit of connections beyond a client's share, which only tell the client so.
const BRIEF_CONNECTIONS: usize = 64;

/// Connections that the system queues until they are accepted: this many clients may
/// reconnect at once after a restart.
const BACKLOG: u32 = 4096;

/// Delay after an error of `accept`: most likely there are no free file descriptors until
/// other connections end.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves the API component over HTTP/1.1 and HTTP/2, both without TLS.
pub struct HttpTrigger {
    servers: Servers,
    dispatch: Dispatch,
    connections: Arc<Connections>,
    brief: Arc<Connections>,
    /// The open connections.
    tracker: TaskTracker,
    metrics: Arc<Requests>,
}

impl HttpTrigger {
    /// `concurrency`: tasks in flight in this process, which need file descriptors too.
    /// `push`: handles pushed messages.
    ///
    /// # Errors
    ///
    /// The limit of open files of this process is too low.
    pub fn new(
        max_body: MaxBody,
        access: Access,
        concurrency: usize,
        push: Option<Arc<PushTrigger>>,
        metrics: Arc<Requests>,
        traces: Traces,
    ) -> anyhow::Result<Self> {
        let connections = open_files::connections(open_files::limit(), concurrency)?;
        Ok(Self {
            servers: Servers::new(),
            dispatch: Dispatch::new(
                max_body,
                access,
                connections,
                push,
                Arc::clone(&metrics),
                traces,
            ),
            connections: Connections::new(connections),
            brief: Connections::new(BRIEF_CONNECTIONS),
            tracker: TaskTracker::new(),
            metrics,
        })
    }

    /// Sets the handlers for requests from now on, one per core. Requests in flight stay
    /// with their handlers. Only the first call has an effect.
    pub fn hand_to(&self, handlers: Vec<Handler>) {
        let _ = self.dispatch.handlers.set(handlers);
    }

    /// Sets the handlers for requests until [`HttpTrigger::hand_to`] is called. Only the
    /// first call has an effect.
    pub fn hand_first_to(&self, handlers: Vec<Handler>) {
        let _ = self.dispatch.first_handlers.set(handlers);
    }

    /// Serves until `stop` is set, then lets each connection finish its requests;
    /// connections that are left are closed once `cut_off` is cancelled.
    ///
    /// Without a listener there are only requests of [`HttpTrigger::answer`].
    pub async fn serve(
        self: Arc<Self>,
        listener: Option<TcpListener>,
        cores: Arc<Cores>,
        mut stop: watch::Receiver<bool>,
        cut_off: CancellationToken,
    ) {
        loop {
            let accepted = tokio::select! {
                accepted = accept(listener.as_ref()) => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let stop = stop.clone();
                    if let Err(error) = self.connection(stream, peer, &cores, stop, &cut_off) {
                        tracing::debug!(%error, "a connection could not be accepted");
                    }
                }
                Err(error) => {
                    log_throttled!(
                        warn every Duration::from_secs(10),
                        "accepting a connection failed",
                        %error
                    );
                    sleep(ACCEPT_RETRY).await;
                }
            }
        }
        drop(listener);
        self.dispatch.stop();
        self.tracker.close();
        if cut_off
            .run_until_cancelled(self.tracker.wait())
            .await
            .is_none()
        {
            tracing::warn!("closing connections at the end of the grace period");
        }
    }
}

/// Never completes without a listener.
async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => future::pending().await,
    }
}

/// Binds the address of this setting, so that the caller knows the port.
pub async fn listen(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // Like the standard library, so that the port can be bound again right after a
        // restart.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().with_context(|| format!("{setting}: cannot listen on {address}"))
}
