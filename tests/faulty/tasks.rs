//! The task store and the concepts in it.

use std::future::ready;
use std::sync::Arc;

use concept_refinement_capability::Answer;
use concept_refinement_capability::intercept::{Interceptor, Operations as _};
use concept_refinement_capability::tasks::{TaskOperation, TaskReply, TaskStore};
use concept_refinement_domain::capability::{CapabilityError, Lease};
use concept_refinement_domain::task::Stage;
use concept_refinement_tests::faults::Call;
use concept_refinement_tests::flaws::{is_confirmed, lease_of};

use crate::faults::Faults;

pub struct FaultyTasks {
    faults: Arc<Faults>,
}

impl FaultyTasks {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults }
    }

    async fn observed<'a>(
        &'a self,
        mut operation: TaskOperation<'a>,
        inner: &'a Arc<dyn TaskStore>,
    ) -> Result<TaskReply, CapabilityError> {
        let lease = lease_of(&mut operation).copied();
        let note = |what: &str, lease: &Lease| {
            let Lease {
                task_id, attempt, ..
            } = lease;
            self.faults.note(&format!("{what} {task_id} {attempt}"));
        };
        if let Some(lease) = lease {
            note("writes", lease);
        }
        match &operation {
            TaskOperation::Submit { task } => self.faults.note(&format!("submits {}", task.id)),
            TaskOperation::Claim { id, .. } => self.faults.note(&format!("claims {id}")),
            _ => {}
        }
        let reply = inner.run(operation).await?;
        if let TaskReply::Claimed(Some(claimed)) = &reply {
            note("claimed", &claimed.lease);
        }
        if let Some(lease) = lease
            && is_confirmed(&reply)
        {
            note("wrote", lease);
        }
        Ok(reply)
    }
}

impl Interceptor<dyn TaskStore> for FaultyTasks {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        inner: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        Box::pin(async move {
            if let TaskOperation::ClaimDeliveries { .. } = &operation {
                let claimed = inner.run(operation).await?;
                let is_empty =
                    matches!(&claimed, TaskReply::Deliveries(claimed) if claimed.is_empty());
                return match is_empty {
                    true => Ok(claimed),
                    false => {
                        self.faults
                            .around(Call::DeliveryClaim, ready(Ok(claimed)))
                            .await
                    }
                };
            }
            let call = call(&operation);
            if call == Some(Call::Finish) && self.faults.provokes(Call::Release) {
                return Err(CapabilityError::unavailable("A fault of the tests."));
            }
            let observed = self.observed(operation, inner);
            match call {
                Some(call) => self.faults.around(call, observed).await,
                None => observed.await,
            }
        })
    }
}

fn call(operation: &TaskOperation<'_>) -> Option<Call> {
    Some(match operation {
        TaskOperation::Submit { .. } => Call::Submit,
        TaskOperation::Withdraw { .. } => Call::Withdraw,
        TaskOperation::Get { .. } | TaskOperation::Used { .. } | TaskOperation::Spending { .. } => {
            Call::TaskGet
        }
        TaskOperation::List { .. } => Call::TaskList,
        TaskOperation::Cancel { .. } => Call::TaskCancel,
        TaskOperation::Delete { .. } => Call::TaskDelete,
        TaskOperation::EraseUser { .. } => Call::UserErase,
        TaskOperation::GetConcept { .. } => Call::ConceptGet,
        TaskOperation::ListConcepts { .. }
        | TaskOperation::Children { .. }
        | TaskOperation::FindImage { .. } => Call::ConceptList,
        TaskOperation::DeleteConcept { .. } => Call::ConceptDelete,
        TaskOperation::Claim { .. } => Call::Claim,
        TaskOperation::Renew { .. } => Call::Renew,
        TaskOperation::Finish { .. } => Call::Finish,
        TaskOperation::Fail { .. } => Call::Fail,
        TaskOperation::Release { .. } => Call::Release,
        TaskOperation::Pay { .. } => Call::Pay,
        TaskOperation::Progress { stage, .. } => match stage {
            Stage::Downloading => Call::Downloading,
            Stage::Refining => Call::Refining,
            Stage::StoringImage => Call::StoringImage,
            Stage::StoringConcept => Call::StoringConcept,
        },
        TaskOperation::Due { .. } => Call::Due,
        TaskOperation::Recover { .. } => Call::Recover,
        TaskOperation::Unreferenced { .. } => Call::Unreferenced,
        TaskOperation::RecordAttempt { .. } => Call::AttemptRecord,
        TaskOperation::ClaimDeliveries { .. }
        | TaskOperation::NextDelivery { .. }
        | TaskOperation::GetWebhook { .. }
        | TaskOperation::Redeliver { .. }
        | TaskOperation::Watch { .. }
        | TaskOperation::NextDue { .. }
        | TaskOperation::MissDeadlines { .. }
        | TaskOperation::NextDeadline { .. }
        | TaskOperation::ClaimOrder { .. }
        | TaskOperation::Expire { .. }
        | TaskOperation::RenewSession { .. }
        | TaskOperation::Abandon { .. }
        | TaskOperation::WithoutSession { .. }
        | TaskOperation::LastRound { .. }
        | TaskOperation::RememberRound { .. }
        | TaskOperation::Tally { .. }
        | TaskOperation::Check { .. } => return None,
    })
}
