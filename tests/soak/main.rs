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
mod process;
mod samples;

use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::{AUDIENCE, ISSUER, SECRET};
use tokio::sync::{Mutex, MutexGuard};

/// One at a time: what one measures another would disturb.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// A service for many users, with the scripted model.
fn launch(origin: &Origin) -> Launch {
    Launch::new()
        .scripted()
        .set("auth", "secret")
        .variable("REFINEMENT_JWT_SECRET", SECRET)
        .set("jwt-audience", AUDIENCE)
        .set("jwt-issuer", ISSUER)
        .set("allow-sources", &origin.authority())
        .set("rate-limit", "unlimited")
}

/// The largest picture of the tests' that has at most so many bytes.
fn picture_within(bytes: usize) -> Picture {
    let sizes = (1..).map(|step| 64 * step);
    let pictures = sizes.map(|size| pictures::jpeg(size, size));
    pictures
        .take_while(|picture| picture.bytes.len() <= bytes)
        .last()
        .unwrap()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
