//! Hostile or broken clients: what happens to their connections, and that
//! others are not affected.

mod framing;
mod http2;
pub mod raw;
mod sharing;
mod slow;
mod targets;
mod watching;

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::service::Service;

/// Longer than a machine that is busy with other tests takes, and far shorter
/// than any of the limits that a hostile client runs into.
const QUICK: Duration = Duration::from_secs(5);

/// Somebody else, on a connection of their own, is answered at once.
async fn assert_quick(service: &Service, meanwhile: &str) {
    let begin = Instant::now();
    let answer = Client::new(service.url()).get("/api/health").await;
    let took = begin.elapsed();
    assert_eq!(answer.status, 200, "{meanwhile}");
    assert!(took < QUICK, "{meanwhile}: {took:?}");
}
