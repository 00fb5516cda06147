//! What goes on until the host stops.

use tokio::sync::watch;

/// Does this until it ends or `stop` is set. It is dropped wherever it waits, so
/// it must lose nothing by that.
pub async fn until_stop(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = work => {}
    }
}
