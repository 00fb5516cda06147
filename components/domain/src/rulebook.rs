//! The life of a task, decided once for every store.
//!
//! A backend loads a [`TaskRecord`], applies a rule and saves what that changed,
//! all in one atomic step. A rule answers what the caller is told, and which
//! [`Event`] happened; the event says what else has to be done in that step. A
//! backend that decides something in one statement of its engine is held to
//! these rules by a test. No rule reads a clock or waits for anything.

mod cancel;
mod claim;
mod event;
mod finish;
mod pay;
mod record;
mod retention;
mod submit;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub use cancel::cancel;
pub use claim::{Claim, claim, release, renew};
pub use event::{Event, next_status};
pub use finish::{Finish, fail, finish, late};
pub use pay::pay;
pub use record::TaskRecord;
pub use retention::{ImageFacts, concept_has_expired, is_unreferenced, task_has_expired};
pub use submit::{Account, BACKLOG_RETRY_AFTER, submit, withdraw};

/// What a rule decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision<T> {
    /// What the caller is told.
    pub answer: T,
    /// None: the record is as it was, and nothing is to be saved.
    pub event: Option<Event>,
}

/// The caller asked for something that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Ids are drawn at random, so this is a fault of the caller's.
    #[error("There is a task of this id already.")]
    IdTaken,
}

impl<T> Decision<T> {
    fn unchanged(answer: T) -> Self {
        Self {
            answer,
            event: None,
        }
    }

    fn changed(event: Event, answer: T) -> Self {
        Self {
            answer,
            event: Some(event),
        }
    }
}
