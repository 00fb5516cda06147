//! Waiting for what has to happen.

use std::time::{Duration, Instant};

/// How long anything may take that is only slow on a busy machine. (A minute was too short
/// on two cores with other suites beside.)
pub const SOON: Duration = Duration::from_secs(180);

/// How late readiness may follow a change.
pub const READINESS: Duration = Duration::from_secs(15);

/// Looks again and again until there is something, and panics if there is
/// nothing at the deadline.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
