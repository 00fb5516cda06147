//! Accepts the connections of listeners that only a few clients use, such as scrapers and
//! operators.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Serves each connection, at most `limit` at a time, until it is dropped; further ones
/// wait. `client`: who connects, for the log.
pub async fn accept<S>(
    listener: TcpListener,
    limit: usize,
    client: &'static str,
    serve: impl Fn(TcpStream) -> S,
) where
    S: Future<Output = ()> + Send + 'static,
{
    let connections = Arc::new(Semaphore::new(limit));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = serve(stream);
                tokio::spawn(async move {
                    served.await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Probably out of file descriptors; wait for some to be closed.
                tracing::warn!(%error, "accepting {client} failed");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
