//! Limits how many operators may search many tasks at a time.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many operators may search many tasks at a time. A store has as many connections
/// for them, which users do not share.
pub const SEATS: usize = 2;

/// How long a request waits for a seat.
const SEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// A seat, until its last copy is dropped.
pub type Seat = Arc<OwnedSemaphorePermit>;

/// The seats of a store.
#[derive(Debug)]
pub struct Seats(Arc<Semaphore>);

impl Seats {
    /// A store with this many seats.
    pub fn new(seats: usize) -> Self {
        Self(Arc::new(Semaphore::new(seats)))
    }

    /// A seat, in the order of arrival. It has to be kept until the store is done, even
    /// if nobody waits for the result any more.
    ///
    /// # Errors
    ///
    /// No seat is free in time.
    pub async fn take(&self) -> Result<Seat, CapabilityError> {
        match timeout(SEAT_TIMEOUT, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(seat)) => Ok(Arc::new(seat)),
            Ok(Err(_)) | Err(_) => Err(CapabilityError::unavailable(
                "Others search at the moment. Try again.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_seat_is_told_in_time() {
        let seats = Seats::new(2);
        let taken = [seats.take().await.unwrap(), seats.take().await.unwrap()];
        let refused = seats.take().await.unwrap_err();
        assert_eq!(refused.message, "Others search at the moment. Try again.");
        drop(taken);
        drop(seats.take().await.unwrap());
    }
}
