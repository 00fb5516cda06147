//! Holding a task for a while, and writing under the lease.

use std::future::ready;

use concept_refinement_domain::capability::{
    Claimed, Fenced, Finished, Lease, RefinedImage, TaskFailure,
};
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::rulebook::{Claim, Operation, late};
use concept_refinement_domain::step::{Step, StepKind};
use concept_refinement_domain::task::Stage;
use futures::future::BoxFuture;

use super::Storage;
use crate::Answer;
use crate::tasks::Leases;

impl<S: Storage> Leases for S {
    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
        Box::pin(async move {
            let lease = self.context().options.lease;
            let claim = self.apply(Operation::claim(id, user_id, lease));
            Ok(match claim.await? {
                Claim::Claimed(claimed) => Some(*claimed),
                Claim::Refused => None,
                Claim::GivenUp => {
                    self.context().hub.count_given_up();
                    None
                }
            })
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>> {
        self.apply(Operation::renew(lease, self.context().options.lease))
    }

    fn finish<'a>(&'a self, lease: &'a Lease, image: RefinedImage) -> Answer<'a, Finished> {
        Box::pin(async move {
            let path = image.stored.path.clone();
            match self.apply(Operation::finish(lease, image)).await? {
                Fenced::Done => Ok(Finished::Done),
                Fenced::Lost => {
                    let left = self.unreferenced(vec![path]).await?;
                    Ok(late(!left.is_empty()))
                }
            }
        })
    }

    fn fail<'a>(&'a self, lease: &'a Lease, failure: &'a TaskFailure) -> Answer<'a, Fenced> {
        self.apply(Operation::fail(lease, failure))
    }

    fn pay<'a>(&'a self, lease: &'a Lease, payment: &'a Payment) -> Answer<'a, Fenced> {
        self.apply(Operation::pay(lease, payment))
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced> {
        self.apply(Operation::release(lease))
    }

    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> Answer<'a, ()> {
        if let Some(revision) = self.context().hub.began(lease, stage) {
            let (id, attempt) = (&lease.task_id, lease.attempt);
            self.tell_of_stage(id, revision, stage);
            self.add_step(id, attempt, StepKind::Stage, stage.as_str());
        }
        Box::pin(ready(Ok(())))
    }

    fn add_step(&self, task_id: &str, attempt: u32, kind: StepKind, detail: &str) {
        let now = self.context().clock.now();
        let step = Step::new(kind, attempt, now).with(detail);
        self.context().hub.add_step(task_id, step);
    }

    fn revocation(&self, id: &str) -> BoxFuture<'static, ()> {
        Box::pin(self.context().hub.revocation(id).wait())
    }
}
