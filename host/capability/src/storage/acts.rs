//! What operators do to tasks.

use concept_refinement_domain::rulebook::{Choice, Operation, Retry};

use crate::administration::{Act, Action};

/// What an operator does to a task.
pub enum TaskAct<T> {
    /// Changes it by a rule.
    Change(Operation<T>),
    /// Deletes it without reading it, so that a task that cannot be read can be deleted.
    Delete {
        /// The task.
        id: String,
        /// The answer, by whether there was one.
        answer: fn(bool) -> T,
    },
    /// Submits it again as a new task; see
    /// [`retry`](concept_refinement_domain::rulebook::retry).
    Retry {
        /// The task.
        id: String,
        /// How it was chosen.
        choice: Choice,
        /// The id of the new task.
        new_id: String,
        /// The answer. None: there is no such task.
        answer: fn(Option<Retry>) -> T,
    },
}

/// What becomes an entry of the audit.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Who acts, and why.
    pub act: Act,
    /// See [`AuditEntry::action`](crate::administration::AuditEntry::action).
    pub action: &'static str,
    /// See [`AuditEntry::target`](crate::administration::AuditEntry::target).
    pub target: String,
    /// See [`AuditEntry::count`](crate::administration::AuditEntry::count).
    pub count: u64,
}

impl Audit {
    /// Of an action on one task.
    pub(super) fn of(act: Act, action: Action, id: &str) -> Self {
        Self {
            act,
            action: action.as_str(),
            target: id.to_owned(),
            count: 1,
        }
    }
}
