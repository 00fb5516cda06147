//! Connections of operators: few and short-lived, so that they cannot exhaust a host.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_runtime::ingress::http::Connection;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::access::Caller;
use super::{AdminServer, router};
use crate::few_connections::accept;

/// Most connections at a time, of the socket and the address together.
pub const CONNECTIONS: usize = 64;

/// Timeout for a request's headers, and for the next request of an idle connection: longer
/// than the page's polling interval, so that a poll does not meet a connection that is
/// just closed.
const HEADERS: Duration = Duration::from_secs(10);

/// After this time a connection finishes its current response and is closed.
const CONNECTION: Duration = Duration::from_secs(60);

/// Timeout for that last response.
const LAST_ANSWER: Duration = Duration::from_secs(30);

/// Largest request head, in bytes.
const MAX_HEADERS: usize = 16 * 1024;

/// Serves requesters with a token, until it is dropped.
pub async fn serve(listener: TcpListener, server: Arc<AdminServer>) {
    let serve = |stream: TcpStream, place| {
        // Without it, small answers may wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        serve_connection(stream, Arc::clone(&server), place, None)
    };
    accept(listener, Arc::clone(&server.places), "an operator", serve).await;
}

/// Serves one connection. `peer`: who connected to the socket; none: each request has a token.
pub async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    server: Arc<AdminServer>,
    place: Arc<Connection>,
    peer: Option<Caller>,
) {
    let service = service_fn(move |request| {
        let (server, peer, busy) = (Arc::clone(&server), peer.clone(), place.busy());
        async move {
            let answer = router::answer(&server, peer.as_ref(), request).await;
            drop(busy);
            Ok::<_, Infallible>(answer)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => Ok(ended),
        () = sleep(CONNECTION) => {
            serving.as_mut().graceful_shutdown();
            timeout(LAST_ANSWER, serving).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an operator's connection ended early"),
        Err(_) => tracing::debug!("an operator's connection took too long"),
    }
}
