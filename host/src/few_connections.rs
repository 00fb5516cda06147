//! Accepts the connections of listeners that only a few clients use, such as scrapers and
//! operators.
//!
//! Clients share the permits as users' clients share theirs: silent connections are
//! replaced, so that they cannot keep anybody out.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::permits::Subnet;
use concept_refinement_runtime::ingress::http::{Connection, Connections};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often to look for a free permit while all are in use, and for a free file
/// descriptor.
const RETRY: Duration = Duration::from_millis(50);

/// Serves each connection as long as it has a permit, until it is dropped. `client`:
/// the kind of client, for the log.
pub async fn accept<S>(
    listener: TcpListener,
    places: Arc<Connections>,
    client: &'static str,
    serve: impl Fn(TcpStream, Arc<Connection>) -> S,
) where
    S: Future<Output = ()> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let place = place(&places, Some(Subnet::of(peer.ip()))).await;
                let served = serve(stream, Arc::clone(&place));
                tokio::spawn(while_it_has(place, served));
            }
            Err(error) => {
                // Probably out of file descriptors; wait for some to be closed.
                log_throttled!(warn every minute, "accepting {client} failed", %error);
                sleep(RETRY).await;
            }
        }
    }
}

/// Waits for a permit. Only requests in progress can delay this, never silent
/// connections.
pub async fn place(places: &Arc<Connections>, client: Option<Subnet>) -> Arc<Connection> {
    loop {
        if let Some(place) = places.open(client, CancellationToken::new()) {
            return Arc::new(place);
        }
        sleep(RETRY).await;
    }
}

/// Serves until the connection ends, or its permit is given to another connection.
pub async fn while_it_has(place: Arc<Connection>, served: impl Future<Output = ()>) {
    tokio::select! {
        () = served => {}
        () = place.closed() => {}
    }
}
