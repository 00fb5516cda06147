//! What leases, webhooks and the operators' actions need of this engine.

use concept_refinement_capability::Answer;
use concept_refinement_capability::administration::{Job, JobProgress, Seat, TaskFilter};
use concept_refinement_capability::storage::{
    Audit, Context, FoundTask, Part, Storage, TaskAct, Walk,
};
use concept_refinement_domain::rulebook::{Operation, TaskRecord};
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{DeliveryPermits, DueDelivery};

use crate::PostgresTasks;
use crate::admin::acts::Acts;
use crate::admin::{audit, jobs, search};
use crate::changes::message::Message;
use crate::connection::database::DEADLINE;
use crate::tasks::{change, reads, webhooks};

impl Storage for PostgresTasks {
    fn context(&self) -> Context<'_> {
        Context {
            hub: &self.hub,
            clock: &*self.clock,
            options: &self.options,
            seats: &self.database.seats,
        }
    }

    fn record<'a>(
        &'a self,
        user_id: Option<&'a str>,
        id: &'a str,
    ) -> Answer<'a, Option<TaskRecord>> {
        self.answer(reads::get(self, user_id, id))
    }

    fn apply<T: Send + Sync + 'static>(&self, operation: Operation<T>) -> Answer<'_, T> {
        self.answer(async move {
            let applied = change::apply(self, &operation).await?;
            Ok(applied.unwrap_or(operation.gone))
        })
    }

    fn act<T>(&self, act: TaskAct<T>, audit: Audit) -> Answer<'_, T>
    where
        T: Clone + Send + Sync + 'static,
    {
        self.answer(async move {
            let mut acts = Acts::begin(self, DEADLINE).await?;
            let (answer, is_changed) = acts.act(&act).await?;
            match is_changed {
                true => {
                    audit::add(&acts, &audit).await?;
                    acts.commit().await?;
                }
                false => acts.roll_back().await?,
            }
            Ok(answer)
        })
    }

    fn look(&self, walk: Walk, limit: usize) -> Answer<'_, Vec<FoundTask>> {
        self.answer(async move {
            let session = self.database.session_to_scan(walk.seat.clone()).await?;
            search::look(&session, &walk, limit).await
        })
    }

    fn count_rows(&self, filter: TaskFilter, seat: Seat) -> Answer<'_, u64> {
        self.answer(async move {
            let session = self.database.session_to_scan(Some(seat)).await?;
            search::count(&session, &filter).await
        })
    }

    fn some(&self, ids: Vec<String>, seat: Seat) -> Answer<'_, Vec<TaskRecord>> {
        self.answer(async move {
            let session = self.database.session_to_scan(Some(seat)).await?;
            let found = reads::some(&session, &ids).await?;
            Ok(found.into_iter().filter_map(|(_, record)| record).collect())
        })
    }

    fn insert_job(&self, job: Job, audit: Audit) -> Answer<'_, Option<Job>> {
        self.answer(async move {
            let inserted = jobs::insert(self, job, &audit).await?;
            self.changes.tell(Message::Operated);
            Ok(inserted)
        })
    }

    fn advance(&self, part: Part) -> Answer<'_, Option<JobProgress>> {
        self.answer(async move { jobs::advance(self, &part).await })
    }

    fn begin_deliveries(&self, permits: DeliveryPermits) -> Answer<'_, Vec<DueDelivery>> {
        self.answer(webhooks::claim(self, permits))
    }

    fn next_due_delivery(&self) -> Answer<'_, Option<Timestamp>> {
        self.answer(webhooks::next(self))
    }

    fn tell_of_stage(&self, id: &str, revision: u64, stage: Stage) {
        self.changes.tell(Message::Began {
            id: id.to_owned(),
            revision,
            stage,
        });
    }
}
