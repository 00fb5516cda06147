//! Remembers whether the database was found to be damaged.
//!
//! SQLite notices damage only in pages that it reads. Once damage is found, nothing more
//! is written, since that could spread it or destroy evidence; reads continue. There is
//! no active search for damage, since checking a large file takes minutes.

use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_domain::capability::CapabilityError;

/// Shared by all connections. It is never reset: the file has to be replaced while no
/// process uses it.
#[derive(Debug, Default)]
pub(super) struct Damage(AtomicBool);

impl Damage {
    pub(super) fn is_detected(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Records damage, and logs it the first time.
    pub(super) fn found(&self, error: &rusqlite::Error) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::error!(
                %error,
                "the task store is damaged: stop the service and restore a backup"
            );
        }
    }

    /// Fails if damage was found.
    pub(super) fn check(&self) -> Result<(), CapabilityError> {
        if self.is_detected() {
            Err(damage_error())
        } else {
            Ok(())
        }
    }
}

/// The error is `Unavailable`, although trying again does not help, because the request
/// itself was valid.
pub(super) fn damage_error() -> CapabilityError {
    CapabilityError::unavailable("The task store is damaged.")
}

#[cfg(test)]
mod tests;
