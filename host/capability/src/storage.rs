//! What an engine does to its tasks. Whatever follows from it is written here, once for
//! all engines of our host: leases, webhooks and the operators' actions.
//!
//! An engine loads, applies and saves, in its own atomic way. It must never decide anything
//! that a rule of the domain decides.

mod acts;
mod administration;
mod jobs;
mod leases;
mod search;
mod webhooks;

use std::sync::Arc;

use concept_refinement_domain::rulebook::{Operation, TaskRecord};
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{DeliveryPermits, DueDelivery};

use crate::administration::{Job, JobProgress, Oversight, Seat, Seats, TaskFilter};
use crate::tasks::hub::Hub;
use crate::tasks::{Maintenance, Options};
use crate::{Answer, Clock};

pub use acts::{Audit, TaskAct};
pub use jobs::{Acted, Part};
pub use search::{FoundTask, Walk};

/// An engine for tasks.
pub trait Storage: Maintenance + Oversight {
    /// What its process has besides the tables.
    fn context(&self) -> Context<'_>;

    /// The whole record of a task; if a user is given, only of that user's. None: there is
    /// none.
    fn record<'a>(
        &'a self,
        user_id: Option<&'a str>,
        id: &'a str,
    ) -> Answer<'a, Option<TaskRecord>>;

    /// Applies an operation and saves all that it decides, in one step; then tells
    /// everybody who has to know.
    fn apply<T: Send + Sync + 'static>(&self, operation: Operation<T>) -> Answer<'_, T>;

    /// See [`Webhooks::claim_deliveries`](crate::webhooks::Webhooks::claim_deliveries).
    fn begin_deliveries(&self, permits: DeliveryPermits) -> Answer<'_, Vec<DueDelivery>>;

    /// See [`Webhooks::next_delivery`](crate::webhooks::Webhooks::next_delivery).
    fn next_due_delivery(&self) -> Answer<'_, Option<Timestamp>>;

    /// Does what an operator requests, together with an entry of the audit if that changes
    /// anything.
    fn act<T>(&self, act: TaskAct<T>, audit: Audit) -> Answer<'_, T>
    where
        T: Clone + Send + Sync + 'static;

    /// The next tasks of a walk: fewer than `limit` only if there are no more. Leaves out
    /// tasks without a readable place in the order.
    fn look(&self, walk: Walk, limit: usize) -> Answer<'_, Vec<FoundTask>>;

    /// How many tasks match a filter that is not [deep](TaskFilter::is_deep).
    fn count_rows(&self, filter: TaskFilter, seat: Seat) -> Answer<'_, u64>;

    /// Those of these tasks that exist and can be read, in this order.
    fn some(&self, ids: Vec<String>, seat: Seat) -> Answer<'_, Vec<TaskRecord>>;

    /// Stores a new job with its entry of the audit; then tells other hosts. If there is a
    /// job with its id already, stores nothing and returns that one, or none if it cannot be
    /// read.
    fn insert_job(&self, job: Job, audit: Audit) -> Answer<'_, Option<Job>>;

    /// Does a part of a job, and replaces the job, in one step. The outcome for a task that
    /// cannot be read is [`Obstacle::Changed`](crate::administration::Obstacle::Changed).
    /// None: the job is no longer as the part found it, or another host is working on it.
    fn advance(&self, part: Part) -> Answer<'_, Option<JobProgress>>;

    /// Tells other hosts that a stage began, in a task of this revision. There are none
    /// unless the store is shared.
    fn tell_of_stage(&self, _id: &str, _revision: u64, _stage: Stage) {}
}

/// What a process has besides the tables of its engine.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Whom it tells about changes.
    pub hub: &'a Arc<Hub>,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The options of the store.
    pub options: &'a Options,
    /// The seats of operators. Whoever looks for one keeps the seat until the tables are no
    /// longer read, even if nobody waits for the result any more.
    pub seats: &'a Seats,
}
