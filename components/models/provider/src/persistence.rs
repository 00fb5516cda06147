//! Polls for work that a provider has accepted.

use concept_refinement_domain::retry::backoff;

use crate::outcome::Error;
use crate::ports::Ports;

/// After this many attempts the wait no longer grows: about 4 s.
const LONGEST: u32 = 2;

/// Repeats a poll that costs nothing, with backoff, until it is answered or refused. Only
/// the caller's deadline ends this: giving up here would mean paying for the work twice.
pub async fn persistently<T>(
    ports: &impl Ports,
    mut look: impl AsyncFnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut tries = 0;
    loop {
        let retry_after = match look().await {
            Err(Error::Unavailable { retry_after, .. }) => retry_after,
            Err(Error::Unknown(_)) => None,
            answer => return answer,
        };
        tries = LONGEST.min(tries + 1);
        let wait = backoff(tries, jitter(ports), retry_after);
        ports.sleep(wait).await;
    }
}

/// From 0 to 1.
fn jitter(ports: &impl Ports) -> f64 {
    let random = u32::try_from(ports.random() >> 96).unwrap_or_default();
    f64::from(random) / f64::from(u32::MAX)
}
