//! Runs a host from start to end and handles signals.
//!
//! The first signal stops the host with a grace period, a second one without. The process
//! ends even if a disk or a name server does not respond.

use std::net::SocketAddr;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::notify::{READY, STOPPING, notify};
use super::signals::Signals;
use super::terminal::print;
use crate::log;
use crate::wiring::Serving;

/// How long a stop may take, including the grace period.
const STOP: Duration = Duration::from_secs(30);

/// How long releasing tasks may take after a second signal. Tasks that are not
/// released are taken over when their lease expires.
const HURRIED_STOP: Duration = Duration::from_secs(1);

/// How long to wait for blocking threads at the end.
const LAST_CALLS: Duration = Duration::from_millis(500);

/// Starts and serves until a signal arrives.
pub fn until_stopped(start: impl Future<Output = anyhow::Result<Serving>>) -> anyhow::Result<()> {
    allow_many_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(start_and_stop(start));
    runtime.shutdown_timeout(LAST_CALLS);
    served
}

/// Connections and open images need file descriptors, and the usual soft limit
/// is low. Raises it to the hard limit.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

async fn start_and_stop(
    start: impl Future<Output = anyhow::Result<Serving>>,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let serving = tokio::select! {
        serving = start => serving?,
        // Nothing has been accepted yet: requests answered before this point store
        // nothing.
        _ = signals.next() => {
            tracing::info!("stopping before it was ready");
            return Ok(());
        }
    };
    announce(serving.address());
    signals.next().await;
    tracing::info!("stopping");
    notify(STOPPING);
    exit_after(STOP, 1);
    let second_signal = async {
        signals.next().await;
        tracing::info!("stopping at once");
        exit_after(HURRIED_STOP, 0);
    };
    serving.stop_before(second_signal).await;
    Ok(())
}

/// Notifies the service manager, and prints the address for clients, once per process. It
/// prints on a thread, since nobody may be reading the output.
pub fn announce(address: SocketAddr) {
    static ANNOUNCED: AtomicBool = AtomicBool::new(false);
    if ANNOUNCED.swap(true, Ordering::Relaxed) {
        return;
    }
    notify(READY);
    let line = format!("concept-refinement is ready at http://{address}\n");
    let print = move || {
        if let Err(error) = print(line) {
            tracing::warn!(%error, "standard output cannot be written to");
        }
    };
    if let Err(error) = thread::Builder::new().name("print".into()).spawn(print) {
        tracing::warn!(%error, "nothing can be printed");
    }
}

/// Exits the process after this time at the latest. Accepted tasks are stored.
fn exit_after(limit: Duration, status: i32) {
    let exit = move || {
        thread::sleep(limit);
        tracing::warn!("exiting without an end of what is under way");
        log::flush();
        process::exit(status);
    };
    if let Err(error) = thread::Builder::new().name("exit".into()).spawn(exit) {
        tracing::error!(%error, "nothing limits how long the stop takes");
    }
}
