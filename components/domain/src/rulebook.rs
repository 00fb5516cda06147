//! The life cycle of a task, the same for every store.
//!
//! A backend loads a [`TaskRecord`], applies a rule and saves the changes, all in one
//! atomic step. A rule returns the answer for the caller and the [`Effects`], which say
//! what else has to be saved in that step. An [`Operation`] is a rule with its arguments, so
//! that a backend applies all of them by one function. If a backend makes a decision in a
//! single statement of its engine, a test ensures that it follows these rules. No rule
//! reads a clock or waits for anything.

mod cancel;
mod claim;
mod deadline;
mod deliver;
mod effects;
mod event;
mod finish;
mod operation;
mod pay;
mod record;
mod retention;
mod retry;
mod submit;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub use cancel::{cancel, cancel_as_operator};
pub use claim::{Claim, claim, release, renew};
pub use deadline::miss_deadline;
pub use deliver::{record_attempt, redeliver};
pub use effects::Effects;
pub use event::{Event, next_status};
pub use finish::{fail, finish, late};
pub use operation::Operation;
pub use pay::pay;
pub use record::TaskRecord;
pub use retention::{ImageFacts, concept_has_expired, is_unreferenced, task_has_expired};
pub use retry::{Choice, Others, Retry, retry};
pub use submit::{Account, ActiveTasks, BACKLOG_RETRY_AFTER, Creation, submit, withdraw};

/// The decision of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision<T, E = Effects> {
    /// The answer for the caller.
    pub answer: T,
    /// What has to be saved (along with the record, if there is one). None: nothing.
    pub effects: Option<E>,
}

/// The caller requested something impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Ids are random, so this is the caller's mistake.
    #[error("There is a task of this id already.")]
    IdTaken,
}

impl<T, E> Decision<T, E> {
    /// Nothing has to be saved.
    pub fn unchanged(answer: T) -> Self {
        Self {
            answer,
            effects: None,
        }
    }

    fn with(effects: E, answer: T) -> Self {
        Self {
            answer,
            effects: Some(effects),
        }
    }
}

impl<T> Decision<T> {
    /// The same decision with another answer.
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> Decision<U> {
        Decision {
            answer: answer(self.answer),
            effects: self.effects,
        }
    }

    fn changed(record: &TaskRecord, event: Event, answer: T) -> Self {
        Self::with(Effects::of(record, event), answer)
    }
}
