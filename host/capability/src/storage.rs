//! What an engine does to its tasks. Whatever follows from it is written here, once for
//! all engines of our host: leases, webhooks and the operators' actions.
//!
//! An engine loads, applies and saves, in its own atomic way. It must never decide anything
//! that a rule of the domain decides.

mod leases;
mod webhooks;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use concept_refinement_domain::capability::Claimed;
use concept_refinement_domain::rulebook::{Operation, TaskRecord};
use concept_refinement_domain::task::Stage;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{DeliveryPermits, DueDelivery};

use crate::tasks::Options;
use crate::tasks::hub::Hub;
use crate::{Answer, Clock};

/// An engine for tasks.
pub trait Storage: Send + Sync {
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

    /// The claim that was already made for the worker that asks for it. None: there is
    /// none, and there never is where fetching a message does not claim its task.
    fn handed_over<'a>(
        &'a self,
        _id: &'a str,
        _user_id: Option<&'a str>,
    ) -> Answer<'a, Option<Claimed>> {
        Box::pin(async { Ok(None) })
    }

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
    /// How many tasks failed because their workers died too often.
    pub given_up: &'a AtomicU64,
}
