//! What can go wrong inside, and what a caller may be told of it.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::rulebook::Refusal;
use rusqlite::{ErrorCode, ffi};

use super::damage::{self, Damage};
use crate::log_throttle::LogThrottle;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
    /// A file of the store cannot be found by its name any more.
    #[error(transparent)]
    Nameless(std::io::Error),
    /// The caller asked for something that cannot be: the sentence is for it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Fault {
    /// Logs the details, which may name paths, and answers a sentence that does
    /// not. Damage is remembered.
    pub(super) fn tell(self, damage: &Damage) -> CapabilityError {
        match self {
            Self::Refused(refusal) => CapabilityError::invalid(refusal.to_string()),
            Self::Nameless(error) => {
                static FAULT: LogThrottle = LogThrottle::new();
                if let Some(times) = FAULT.times() {
                    tracing::error!(%error, times, "a file of the task store was removed or replaced");
                }
                unavailable()
            }
            Self::Engine(error) if is_full(&error) => {
                static FAULT: LogThrottle = LogThrottle::new();
                if let Some(times) = FAULT.times() {
                    tracing::error!(%error, times, "the task store has no room left");
                }
                CapabilityError::full("The task store has no room left.")
            }
            Self::Engine(error) if damage::is_damage(&error) => {
                damage.found(&error);
                damage::told()
            }
            Self::Engine(error) => {
                static FAULT: LogThrottle = LogThrottle::new();
                if let Some(times) = FAULT.times() {
                    tracing::error!(%error, times, "the task store failed");
                }
                unavailable()
            }
        }
    }
}

/// The engine's memory beside the file is a file as well, and grows only where
/// there is room.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || extended == Some(ffi::SQLITE_IOERR_SHMSIZE)
}

pub(super) fn unavailable() -> CapabilityError {
    CapabilityError::unavailable("The task store cannot be used at the moment.")
}
