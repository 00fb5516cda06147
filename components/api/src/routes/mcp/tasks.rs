//! The Tasks extension: a call of `refine_image` is a task of ours, under the same id.

use concept_refinement_domain::sentence;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::validation;
use concept_refinement_mcp as mcp;
use concept_refinement_mcp::{Error, Params, TaskStatus, Terms, task_id};

use super::{Exchange, SERVER, internal, outcome};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::routes::tasks::find;

/// How long a client should wait before it asks again, in milliseconds.
const POLL_INTERVAL: u32 = 2_000;

impl<P: Ports> Exchange<'_, P> {
    pub async fn get_task(&self, terms: Terms, params: &Params) -> Result<Params, Error> {
        let task = self.named(params).await?;
        let now = self.state.ports.now();
        self.state.republisher.republish_if_overdue(&task, now);
        let mut answer = of(&task);
        if answer.status == TaskStatus::Completed {
            let ports = &self.state.ports;
            let outcome = outcome::of(ports, &task, &self.origin).await;
            answer.result = Some(outcome.map_err(|problem| internal(&problem))?);
        }
        SERVER.task(terms, &answer)
    }

    /// A task of ours asks its client nothing, so there is nothing that could be answered.
    pub async fn update_task(&self, terms: Terms, params: &Params) -> Result<Params, Error> {
        self.named(params).await?;
        SERVER.acknowledged(terms)
    }

    /// One that has ended stays as it is.
    pub async fn cancel_task(&self, terms: Terms, params: &Params) -> Result<Params, Error> {
        let id = validation::uuid(task_id(params)?).ok_or_else(no_such_task)?;
        let cancelled = self.state.ports.cancel(&self.caller.user, &id).await;
        let cancelled = cancelled.map_err(|error| internal(&error.into()))?;
        cancelled.ok_or_else(no_such_task)?;
        SERVER.acknowledged(terms)
    }

    /// The caller's task of this id; another's is not told apart from none.
    async fn named(&self, params: &Params) -> Result<Task, Error> {
        let task = find(&self.state.ports, &self.caller.user, task_id(params)?).await;
        let task = task.map_err(|error| internal(&Problem::from(error)))?;
        task.ok_or_else(no_such_task)
    }
}

/// Without its result.
pub fn of(task: &Task) -> mcp::Task {
    let is_cancelled = task.error_message.as_deref() == Some(sentence::CANCELLED_BY_USER);
    mcp::Task {
        task_id: task.id.clone(),
        status: match task.status {
            Status::Pending | Status::Processing => TaskStatus::Working,
            Status::Failed if is_cancelled => TaskStatus::Cancelled,
            Status::Completed | Status::Failed => TaskStatus::Completed,
        },
        status_message: Some(match &task.error_message {
            Some(why) => why.clone(),
            None => sentence::task_is(task.status).to_owned(),
        }),
        created_at: task.created_at.to_string(),
        last_updated_at: task.updated_at.unwrap_or(task.created_at).to_string(),
        ttl_ms: None,
        poll_interval_ms: POLL_INTERVAL,
        result: None,
    }
}

fn no_such_task() -> Error {
    Error::invalid_params("There is no such task.")
}
