//! What leases, webhooks and the operators' actions need of this engine.

use concept_refinement_capability::Answer;
use concept_refinement_capability::administration::{Job, JobProgress, Seat, TaskFilter};
use concept_refinement_capability::storage::{
    Audit, Context, FoundTask, Part, Storage, TaskAct, Walk,
};
use concept_refinement_domain::rulebook::{Operation, TaskRecord};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{DeliveryPermits, DueDelivery};

use super::administration::{acts, audit, jobs, search};
use super::{SqliteTasks, change, reads, webhooks};

impl Storage for SqliteTasks {
    fn context(&self) -> Context<'_> {
        Context {
            hub: &self.hub,
            clock: &*self.clock,
            options: &self.options,
            seats: &self.seats,
        }
    }

    fn record<'a>(
        &'a self,
        user_id: Option<&'a str>,
        id: &'a str,
    ) -> Answer<'a, Option<TaskRecord>> {
        let (user_id, id) = (user_id.map(str::to_owned), id.to_owned());
        self.read(move |connection| reads::get(connection, user_id.as_deref(), &id))
    }

    fn apply<T: Send + Sync + 'static>(&self, operation: Operation<T>) -> Answer<'_, T> {
        self.write(move |tx| Ok(change::apply(tx, operation)?.0))
    }

    fn act<T>(&self, act: TaskAct<T>, audit: Audit) -> Answer<'_, T>
    where
        T: Clone + Send + Sync + 'static,
    {
        self.write(move |tx| {
            let (answer, is_changed) = acts::act(tx, act)?;
            if is_changed {
                audit::add(tx, audit)?;
            }
            Ok(answer)
        })
    }

    fn look(&self, walk: Walk, limit: usize) -> Answer<'_, Vec<FoundTask>> {
        self.scan_for(walk.seat.clone(), move |connection| {
            search::look(connection, &walk, limit)
        })
    }

    fn count_rows(&self, filter: TaskFilter, seat: Seat) -> Answer<'_, u64> {
        self.scan_for(Some(seat), move |connection| {
            search::count(connection, &filter)
        })
    }

    fn some(&self, ids: Vec<String>, seat: Seat) -> Answer<'_, Vec<TaskRecord>> {
        self.scan_for(Some(seat), move |connection| search::some(connection, &ids))
    }

    fn insert_job(&self, job: Job, audit: Audit) -> Answer<'_, Option<Job>> {
        self.write(move |tx| jobs::insert(tx, job, audit))
    }

    fn advance(&self, part: Part) -> Answer<'_, Option<JobProgress>> {
        self.write(move |tx| jobs::advance(tx, part))
    }

    fn begin_deliveries(&self, permits: DeliveryPermits) -> Answer<'_, Vec<DueDelivery>> {
        Box::pin(async move {
            // A read looks for due deliveries, and the writer decides.
            let now = self.clock.now();
            let due = self.scan(move |connection| webhooks::due(connection, permits, now));
            let due = due.await?;
            if due.is_empty() {
                return Ok(vec![]);
            }
            self.write(move |tx| webhooks::begin(tx, &due)).await
        })
    }

    fn next_due_delivery(&self) -> Answer<'_, Option<Timestamp>> {
        self.read(webhooks::next)
    }
}
