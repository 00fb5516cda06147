//! What the service costs and withstands over minutes: the real executable,
//! loaded through its doors and measured from outside by what the system says
//! of its process. `cargo xtask soak` runs it, in the release profile; a plain
//! `cargo test` does not.
//!
//! `REFINEMENT_SOAK_MINUTES` is how long the steady load lasts, 10 by default.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod growth;
mod idle;
mod in_flight;
mod load;
mod outage;
mod samples;

use tokio::sync::{Mutex, MutexGuard};

/// One at a time: what one measures another would disturb.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
