//! Runs work until the host stops.

use tokio::sync::watch;

/// Runs `work` until it ends or `stop` is set. It may be dropped at any await point, so
/// it has to be cancel-safe.
pub async fn until_stop(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = work => {}
    }
}
