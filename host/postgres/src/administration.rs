//! The operator's view of the tasks.

use concept_refinement_capability::Answer;
use concept_refinement_capability::administration::{
    Act, Administration, AuditEntry, Job, JobProgress, JobStart, NewJob, TaskFilter,
};
use concept_refinement_domain::capability::{Cancellation, Page, Position};
use concept_refinement_domain::rulebook::{Retry, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;

use super::database::Session;
use super::fault::Fault;
use super::{PostgresTasks, rows};

impl PostgresTasks {
    fn not_yet<T: Send + 'static>(&self) -> Answer<'_, T> {
        let fault = Fault::NotReady("it cannot do this yet".to_owned());
        self.answer(std::future::ready(Err(fault)))
    }
}

impl Administration for PostgresTasks {
    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<TaskRecord>> {
        self.answer(async move {
            let session = self.database.session().await?;
            rows::find(&session, id).await
        })
    }

    fn search(&self, _: TaskFilter, _: u32, _: Option<Position>) -> Answer<'_, Page<TaskRecord>> {
        self.not_yet()
    }

    fn count(&self, _: TaskFilter) -> Answer<'_, u64> {
        self.not_yet()
    }

    fn retry<'a>(&'a self, _: &'a str, _: String, _: Act) -> Answer<'a, Option<Retry>> {
        self.not_yet()
    }

    fn cancel<'a>(&'a self, _: &'a str, _: Act) -> Answer<'a, Option<Cancellation>> {
        self.not_yet()
    }

    fn delete<'a>(&'a self, _: &'a str, _: Act) -> Answer<'a, bool> {
        self.not_yet()
    }

    fn start_job(&self, _: NewJob) -> Answer<'_, JobStart> {
        self.not_yet()
    }

    fn job<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Job>> {
        self.not_yet()
    }

    fn unfinished_jobs(&self) -> Answer<'_, Vec<String>> {
        self.answer(std::future::ready(Ok(Vec::new())))
    }

    fn advance_job<'a>(&'a self, _: &'a str, _: Vec<String>) -> Answer<'a, Option<JobProgress>> {
        self.not_yet()
    }

    fn is_paused(&self) -> Answer<'_, bool> {
        self.answer(async move {
            let session = self.database.session().await?;
            is_paused(&session).await
        })
    }

    fn set_paused(&self, _: bool, _: Act) -> Answer<'_, bool> {
        self.not_yet()
    }

    fn audit(&self, _: u32, _: Option<u64>) -> Answer<'_, Vec<AuditEntry>> {
        self.not_yet()
    }

    fn prune_audit(&self, _: Timestamp) -> Answer<'_, ()> {
        self.answer(std::future::ready(Ok(())))
    }
}

/// Nothing is claimed and nothing is due while it is.
pub(super) async fn is_paused(session: &Session<'_>) -> Result<bool, Fault> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM schema.queue_pause)";
    session.ask(SQL, &[]).await
}
