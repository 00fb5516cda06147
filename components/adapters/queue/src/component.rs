//! The imports of a worker as its ports.

use concept_refinement_domain::capability::{CapabilityError, Claimed, Fenced, Lease, TaskFailure};
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_guest::Imports;
use concept_refinement_guest::bindings::processor::{self, Outcome};
use concept_refinement_guest::bindings::task_store;

use crate::delivery::Attempt;
use crate::worker::{Leases, Processor};

impl Leases for Imports {
    async fn claim(
        &self,
        task_id: &str,
        user_id: Option<&str>,
    ) -> Result<Option<Claimed>, CapabilityError> {
        let claimed = task_store::claim(task_id.to_owned(), user_id.map(str::to_owned)).await;
        claimed.convert()
    }

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError> {
        task_store::renew(lease.clone().convert()).await.convert()
    }

    async fn fail(&self, lease: &Lease, error_message: &str) -> Result<Fenced, CapabilityError> {
        let lease = lease.clone().convert();
        let failure = TaskFailure::new(error_message);
        task_store::fail(lease, failure.convert()).await.convert()
    }

    async fn release(&self, lease: &Lease) -> Result<Fenced, CapabilityError> {
        task_store::release(lease.clone().convert()).await.convert()
    }
}

impl Processor for Imports {
    async fn process(&self, claimed: Claimed) -> Attempt {
        match processor::process(claimed.convert()).await {
            Outcome::Done | Outcome::Skipped => Attempt::Taken,
            Outcome::RetryLater(reason) => Attempt::Again(reason),
            Outcome::Rejected(reason) => Attempt::Refused(reason),
        }
    }
}
