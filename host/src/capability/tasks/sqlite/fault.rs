//! What can go wrong inside, and what a caller may be told of it.

use concept_refinement_domain::capability::CapabilityError;
use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
    /// A file of the store cannot be found by its name any more.
    #[error(transparent)]
    Nameless(std::io::Error),
    /// The caller asked for something that cannot be: the sentence is for it.
    #[error("{0}")]
    Invalid(&'static str),
}

impl Fault {
    /// Logs the details, which may name paths, and answers a sentence that does
    /// not.
    pub(super) fn tell(self) -> CapabilityError {
        match self {
            Self::Invalid(sentence) => CapabilityError::invalid(sentence),
            Self::Nameless(error) => {
                tracing::error!(%error, "a file of the task store was removed or replaced");
                unavailable()
            }
            Self::Engine(error) => {
                tracing::error!(%error, "the task store failed");
                match error.sqlite_error_code() {
                    Some(ErrorCode::DiskFull) => {
                        CapabilityError::full("The task store has no room left.")
                    }
                    _ => unavailable(),
                }
            }
        }
    }
}

pub(super) fn unavailable() -> CapabilityError {
    CapabilityError::unavailable("The task store cannot be used at the moment.")
}
