//! Internal errors, and their messages for callers.

use std::fmt::Display;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::room::NoRoom;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::rulebook::Refusal;
use concept_refinement_domain::sentence::TASK_STORE_FULL;

use super::damage::Damage;
use crate::sqlite::{is_damage, is_full};
use crate::tasks::damage;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Engine(#[from] rusqlite::Error),
    /// A file of the store has lost its name.
    #[error(transparent)]
    Nameless(std::io::Error),
    /// There is no space for a task's refined image.
    #[error(transparent)]
    NoRoom(NoRoom),
    /// The request is invalid; the sentence is for the caller.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Fault {
    /// Logs the details, which may name paths, and returns a sentence without
    /// them. Records damage.
    pub(super) fn report(self, damage: &Damage) -> CapabilityError {
        match self {
            Self::Refused(refusal) => CapabilityError::invalid(refusal.to_string()),
            Self::Nameless(error) => {
                log_throttled!(error, "a file of the task store was removed or replaced", %error);
                unavailable()
            }
            Self::NoRoom(error) => {
                log_throttled!(error, "new tasks are refused", %error);
                CapabilityError::full(error.refusal())
            }
            Self::Engine(error) if is_full(&error) => {
                log_throttled!(error, "the task store has no room left", %error);
                CapabilityError::full(TASK_STORE_FULL)
            }
            Self::Engine(error) if is_damage(&error) => {
                damage.found(&error);
                damage::damage_error()
            }
            Self::Engine(error) => {
                log_throttled!(error, "the task store failed", %error);
                unavailable()
            }
        }
    }
}

/// For lists, which show the other rows. None: this row has a value that this version does
/// not know, which is logged.
pub(super) fn readable<T>(
    row: impl Display,
    read: rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    match read {
        Err(error) if is_unreadable(&error) => {
            log_throttled!(error, "a row of the task store cannot be read, and is left out", %row, %error);
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// Whether only the value of a row is at fault, and not the file.
pub(super) fn is_unreadable(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
    };
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..)
    )
}

pub(super) fn unavailable() -> CapabilityError {
    CapabilityError::unavailable("The task store cannot be used at the moment.")
}
