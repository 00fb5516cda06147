//! The operators' actions.

use std::convert::identity;

use concept_refinement_domain::capability::{Cancellation, Page, Position};
use concept_refinement_domain::rulebook::{Choice, Operation, Retry, TaskRecord};

use super::acts::{Audit, TaskAct};
use super::{Storage, jobs, search};
use crate::Answer;
use crate::administration::{
    Act, Action, Administration, JobProgress, JobStart, NewJob, TaskFilter,
};

impl<S: Storage> Administration for S {
    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<TaskRecord>> {
        self.record(None, id)
    }

    fn search(
        &self,
        filter: TaskFilter,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'_, Page<TaskRecord>> {
        Box::pin(search::page(self, filter, limit, after))
    }

    fn count(&self, filter: TaskFilter) -> Answer<'_, u64> {
        Box::pin(search::count(self, filter))
    }

    fn retry<'a>(&'a self, id: &'a str, new_id: String, act: Act) -> Answer<'a, Option<Retry>> {
        let retry = TaskAct::Retry {
            id: id.to_owned(),
            choice: Choice::Id,
            new_id,
            answer: identity,
        };
        self.act(retry, Audit::of(act, Action::Retry, id))
    }

    fn cancel<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, Option<Cancellation>> {
        let cancel = TaskAct::Change(Operation::cancel_as_operator(id, identity));
        self.act(cancel, Audit::of(act, Action::Cancel, id))
    }

    fn delete<'a>(&'a self, id: &'a str, act: Act) -> Answer<'a, bool> {
        let delete = TaskAct::Delete {
            id: id.to_owned(),
            answer: identity,
        };
        self.act(delete, Audit::of(act, Action::Delete, id))
    }

    fn start_job(&self, job: NewJob) -> Answer<'_, JobStart> {
        Box::pin(jobs::start(self, job))
    }

    fn advance_job<'a>(
        &'a self,
        id: &'a str,
        new_ids: Vec<String>,
    ) -> Answer<'a, Option<JobProgress>> {
        Box::pin(jobs::advance(self, id, new_ids))
    }
}
