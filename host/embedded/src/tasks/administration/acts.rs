//! What operators do to tasks.

use concept_refinement_capability::storage::TaskAct;
use concept_refinement_domain::rulebook::Retry;

use super::super::fault::Fault;
use super::super::writer::Tx;
use super::super::{change, delete, retry};

/// The answer, and whether anything has changed.
pub(in super::super) fn act<T>(tx: &mut Tx<'_>, act: TaskAct<T>) -> Result<(T, bool), Fault> {
    match act {
        TaskAct::Change(operation) => change::apply(tx, operation),
        TaskAct::Delete { id, answer } => {
            let is_deleted = delete::delete(tx, &id, None)?;
            Ok((answer(is_deleted), is_deleted))
        }
        TaskAct::Retry {
            id,
            choice,
            new_id,
            answer,
        } => {
            let retry = retry::retry(tx, &id, choice, new_id)?;
            let is_created = matches!(retry, Some(Retry::Created(_)));
            Ok((answer(retry), is_created))
        }
    }
}
