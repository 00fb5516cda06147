//! Load tests over minutes: the real executable under load over HTTP, measured
//! from outside by its process statistics. Run by `cargo xtask soak` in the
//! release profile, not by a plain `cargo test`.
//!
//! `REFINEMENT_SOAK_MINUTES` is how long the steady load lasts, 10 by default.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this runs in tests only"
)]

mod attacks;
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
