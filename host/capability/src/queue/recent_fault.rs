//! Remembers that calls failed which a check cannot make: a queue that can be looked at need
//! not take a message, or give one.

use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, ErrorKind};
use parking_lot::Mutex;
use tokio::time::Instant;

/// The latest fault of calls of one kind, until one of them succeeds.
pub struct RecentFault {
    duration: Duration,
    latest: Mutex<Option<(Instant, CapabilityError)>>,
}

impl RecentFault {
    /// `duration`: how long a fault counts if no call follows it.
    pub fn lasting(duration: Duration) -> Self {
        Self {
            duration,
            latest: Mutex::default(),
        }
    }

    /// Takes the outcome of a call. A call that was impossible, or that found no room, says
    /// nothing about others.
    pub fn note<T>(&self, outcome: &Result<T, CapabilityError>) {
        match outcome {
            Ok(_) => *self.latest.lock() = None,
            Err(error) if error.kind == ErrorKind::Unavailable => {
                *self.latest.lock() = Some((Instant::now(), error.clone()));
            }
            Err(_) => {}
        }
    }

    /// Whether such calls work, as far as is known.
    ///
    /// # Errors
    ///
    /// That of the latest call.
    pub fn check(&self) -> Result<(), CapabilityError> {
        match &*self.latest.lock() {
            Some((at, error)) if at.elapsed() < self.duration => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fault_counts_until_a_call_succeeds_or_for_a_time() {
        let fault = RecentFault::lasting(Duration::from_secs(4));
        let refused = Err(CapabilityError::unavailable("away"));
        assert_eq!(fault.check(), Ok(()));
        fault.note(&refused);
        assert_eq!(fault.check(), refused);
        fault.note(&Ok(()));
        assert_eq!(fault.check(), Ok(()));

        fault.note(&refused);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(fault.check(), refused);
        fault.note(&refused);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(fault.check(), refused);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(fault.check(), Ok(()));
    }

    #[tokio::test]
    async fn what_is_full_or_impossible_says_nothing_of_other_calls() {
        let fault = RecentFault::lasting(Duration::from_secs(4));
        fault.note::<()>(&Err(CapabilityError::full("no room")));
        fault.note::<()>(&Err(CapabilityError::invalid("too long")));
        assert_eq!(fault.check(), Ok(()));
    }
}
