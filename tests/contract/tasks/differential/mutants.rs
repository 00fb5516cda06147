//! Stores that break one rule each, around a sound one: a comparison that does
//! not find them proves nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::clock::{Clock as _, ManualClock};
use concept_refinement_capability::intercept::{Interceptor, Operations as _};
use concept_refinement_capability::tasks::{
    Leases, Tally, TaskOperation, TaskReply, TaskStore, Tasks,
};
use concept_refinement_domain::capability::{
    Accepted, CapabilityError, Erased, Fenced, Finished, Lease, NewTask, Submission, TaskFailure,
};
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::sentence::WORKER_DIED;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::DeliveryPermits;
use concept_refinement_tests::flaws::lease_of;
use tokio::sync::Mutex;

concept_refinement_tests::listed! {
    pub enum Mutant {
        /// A task is taken from a worker whose lease holds.
        ClaimIgnoresLease,
        ClaimIgnoresUser,
        FenceIgnoresAttempt,
        FinishIsForgotten,
        DeathsAreNotCounted,
        ReleaseCountsAsDeath,
        FinishesWithAnotherImage,
        LateImagesAreDeleted,
        LateImagesAreLeft,
        WithdrawnQuotaIsLost,
        WithdrawnKeyIsRemembered,
        KeyIsForgottenOnDelete,
        /// The active task is judged before the idempotency key.
        ActiveComesFirst,
        /// Whether the original is there is judged after the active task.
        OriginalComesLate,
        CancelIgnoresUser,
        CancelIsForgotten,
        FailedQuotaIsLost,
        DeleteIgnoresUser,
        ErasureIsForgotten,
        ErasesAnother,
        GetIgnoresUser,
        ListIgnoresStatus,
        QuotaIgnoresWindow,
        RenewIsForgotten,
        ReleaseIsForgotten,
        FailIsForgotten,
        WithdrawIsForgotten,
        ConceptIsNotDeleted,
        NothingIsDue,
        DueIgnoresLimit,
        DeadlinesAreForgotten,
        ClaimOrderIsByAge,
        RecoverDoesNothing,
        ExpiresOneTooMany,
        ExpireIgnoresLimit,
        NothingIsCounted,
        NoImageIsUnreferenced,
        WebhookIsForgotten,
        RedeliverIgnoresUser,
        NothingIsDelivered,
        PermitsAreIgnored,
        AttemptIsForgotten,
        BudgetIsIgnored,
        ReservationIsLost,
        IsSettledTwice,
        UnknownIsZero,
    }
}

impl Mutant {
    /// What it breaks is offered by our host's backends alone.
    pub fn is_of_hosts(self) -> bool {
        matches!(
            self,
            Self::FailedQuotaIsLost
                | Self::NothingIsDue
                | Self::DueIgnoresLimit
                | Self::DeadlinesAreForgotten
                | Self::ClaimOrderIsByAge
                | Self::RecoverDoesNothing
                | Self::ExpiresOneTooMany
                | Self::ExpireIgnoresLimit
                | Self::NothingIsCounted
                | Self::NoImageIsUnreferenced
                | Self::NothingIsDelivered
                | Self::PermitsAreIgnored
                | Self::AttemptIsForgotten
                | Self::IsSettledTwice
                | Self::UnknownIsZero
        )
    }
}

pub struct Mutated {
    mutant: Mutant,
    clock: Arc<ManualClock>,
    seen: Mutex<Seen>,
}

/// What has passed so far.
#[derive(Default)]
struct Seen {
    /// As they were created, by their ids.
    tasks: HashMap<String, Task>,
    /// Ids, by users and keys.
    keys: HashMap<(String, String), String>,
    withdrawn: Vec<String>,
    deleted: Vec<String>,
    /// The newest of each task.
    leases: HashMap<String, Lease>,
    /// How often it was given back, or its lease found to have run out.
    abandoned: HashMap<String, u32>,
}

impl Mutated {
    pub fn new(mutant: Mutant, clock: Arc<ManualClock>) -> Self {
        Self {
            mutant,
            clock,
            seen: Mutex::default(),
        }
    }

    async fn submit(
        &self,
        mut task: NewTask,
        seen: &mut Seen,
        sound: &Arc<dyn TaskStore>,
    ) -> Result<Submission, CapabilityError> {
        let place = task
            .idempotency_key
            .clone()
            .map(|key| (task.user_id.clone(), key));
        let earlier = place.as_ref().and_then(|place| seen.keys.get(place));
        let earlier = earlier.and_then(|id| seen.tasks.get(id)).cloned();
        match self.mutant {
            Mutant::QuotaIgnoresWindow => {
                if let Some(quota) = &mut task.quota {
                    quota.window = Window::Month;
                }
            }
            Mutant::BudgetIsIgnored => task.budget = None,
            Mutant::ReservationIsLost => task.reservation = None,
            Mutant::ActiveComesFirst | Mutant::OriginalComesLate => {
                let is_key_first = self.mutant == Mutant::OriginalComesLate;
                let tasks = Tasks::list(&**sound, &task.user_id, None, 100, None).await?;
                let mut tasks = tasks.items.iter();
                if tasks.any(|task| !task.status.is_final())
                    && !(is_key_first && task.idempotency_key.is_some())
                {
                    task.idempotency_key = None;
                    task.images_found = true;
                }
            }
            Mutant::WithdrawnKeyIsRemembered => {
                if let Some(first) = earlier.filter(|task| seen.withdrawn.contains(&task.id)) {
                    let accepted = Accepted {
                        task: first,
                        quota: None,
                    };
                    return Ok(Submission::Replayed(accepted));
                }
            }
            Mutant::KeyIsForgottenOnDelete
                if earlier.is_some_and(|task| seen.deleted.contains(&task.id)) =>
            {
                task.idempotency_key = None;
            }
            _ => {}
        }
        let user_id = task.user_id.clone();
        let mut submission = sound.submit(task).await?;
        if let Submission::Created(accepted) = &mut submission {
            let task = accepted.task.clone();
            if let Some(place) = place {
                seen.keys.insert(place, task.id.clone());
            }
            if self.mutant == Mutant::WithdrawnQuotaIsLost
                && let Some(quota) = &mut accepted.quota
            {
                let withdrawn = seen.withdrawn.iter().filter_map(|id| seen.tasks.get(id));
                let lost = withdrawn.filter(|task| task.user_id == user_id).count();
                let lost = u32::try_from(lost).unwrap_or(u32::MAX);
                quota.remaining = quota.remaining.saturating_sub(lost);
            }
            seen.tasks.insert(task.id.clone(), task);
        }
        Ok(submission)
    }

    /// Done before a claim. False: it is to be refused.
    async fn before_claim(
        &self,
        id: &str,
        user_id: Option<&str>,
        seen: &mut Seen,
        sound: &Arc<dyn TaskStore>,
    ) -> Result<bool, CapabilityError> {
        let (Some(task), Some(lease)) = (seen.tasks.get(id), seen.leases.get(id)) else {
            return Ok(true);
        };
        if user_id.is_some_and(|user_id| user_id != task.user_id) {
            return Ok(true);
        }
        let task = Tasks::get(&**sound, &task.user_id, id).await?;
        let until = task.and_then(|task| task.lease_until);
        let has_run_out = until.map(|until| until <= self.clock.now());
        match self.mutant {
            Mutant::ClaimIgnoresLease if has_run_out == Some(false) => {
                let _ = sound.release(lease).await?;
            }
            Mutant::DeathsAreNotCounted if has_run_out == Some(true) => {
                let _ = sound.release(lease).await?;
            }
            Mutant::ReleaseCountsAsDeath if has_run_out == Some(true) => {
                let abandoned = seen.abandoned.entry(id.to_owned()).or_default();
                *abandoned += 1;
                if *abandoned < MAX_DEATHS {
                    return Ok(true);
                }
                if let Some(claimed) = sound.claim(id, None).await? {
                    let _ = sound
                        .fail(&claimed.lease, &TaskFailure::new(WORKER_DIED))
                        .await?;
                }
                return Ok(false);
            }
            _ => {}
        }
        Ok(true)
    }
}

impl Interceptor<dyn TaskStore> for Mutated {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        sound: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        Box::pin(async move {
            let mut seen = self.seen.lock().await;
            let (newest, owner);
            let mut operation = operation;
            match (&mut operation, self.mutant) {
                (TaskOperation::Submit { task }, Mutant::WebhookIsForgotten) => {
                    task.webhook = None;
                }
                (TaskOperation::Submit { task }, _) => {
                    let submission = self.submit(task.clone(), &mut seen, sound).await?;
                    return Ok(submission.into());
                }
                (TaskOperation::Claim { user_id, .. }, Mutant::ClaimIgnoresUser) => {
                    *user_id = None;
                }
                (TaskOperation::Claim { id, user_id }, _) => {
                    let is_passed_on = self.before_claim(id, *user_id, &mut seen, sound).await?;
                    if !is_passed_on {
                        return Ok(TaskReply::Claimed(None));
                    }
                }
                (TaskOperation::Finish { .. }, Mutant::FinishIsForgotten) => {
                    return Ok(TaskReply::Finished(Finished::Done));
                }
                (TaskOperation::Finish { image, .. }, Mutant::FinishesWithAnotherImage) => {
                    image.stored.path.push('x');
                }
                (TaskOperation::Cancel { .. }, Mutant::CancelIsForgotten) => {
                    return Ok(TaskReply::Cancelled(None));
                }
                (TaskOperation::EraseUser { .. }, Mutant::ErasureIsForgotten) => {
                    return Ok(TaskReply::Erased(Erased::default()));
                }
                (TaskOperation::EraseUser { user_id, .. }, Mutant::ErasesAnother) => {
                    let is_ada = *user_id == "ada";
                    *user_id = if is_ada { "bob" } else { "ada" };
                }
                (TaskOperation::Fail { lease, .. }, Mutant::FailedQuotaIsLost) => {
                    // As one that has cost something.
                    let paid = Payment::default().call_begun("openai", None);
                    let _ = Leases::pay(&**sound, lease, &paid).await?;
                }
                (TaskOperation::Cancel { user_id, id }, Mutant::CancelIgnoresUser)
                | (TaskOperation::Delete { user_id, id }, Mutant::DeleteIgnoresUser)
                | (TaskOperation::Get { user_id, id }, Mutant::GetIgnoresUser) => {
                    if let Some(task) = seen.tasks.get(*id) {
                        owner = task.user_id.clone();
                        *user_id = &owner;
                    }
                }
                (TaskOperation::List { status, .. }, Mutant::ListIgnoresStatus) => *status = None,
                (TaskOperation::Renew { lease }, Mutant::RenewIsForgotten) => {
                    return Ok(TaskReply::Lease(Some(lease.clone())));
                }
                (TaskOperation::Release { .. }, Mutant::ReleaseIsForgotten)
                | (TaskOperation::Fail { .. }, Mutant::FailIsForgotten)
                | (TaskOperation::Withdraw { .. }, Mutant::WithdrawIsForgotten) => {
                    return Ok(TaskReply::Fenced(Fenced::Done));
                }
                (TaskOperation::DeleteConcept { .. }, Mutant::ConceptIsNotDeleted) => {
                    return Ok(TaskReply::Text(None));
                }
                (TaskOperation::Redeliver { user_id, task_id }, Mutant::RedeliverIgnoresUser) => {
                    if let Some(task) = seen.tasks.get(*task_id) {
                        owner = task.user_id.clone();
                        *user_id = &owner;
                    }
                }
                (TaskOperation::ClaimDeliveries { .. }, Mutant::NothingIsDelivered) => {
                    return Ok(TaskReply::Deliveries(vec![]));
                }
                (TaskOperation::ClaimDeliveries { permits }, Mutant::PermitsAreIgnored) => {
                    *permits = DeliveryPermits::new(1_000, 1_000, []);
                }
                (TaskOperation::RecordAttempt { .. }, Mutant::AttemptIsForgotten) => {
                    return Ok(TaskReply::Fenced(Fenced::Done));
                }
                (TaskOperation::Due { .. }, Mutant::NothingIsDue) => {
                    return Ok(TaskReply::Tasks(vec![]));
                }
                (TaskOperation::MissDeadlines { .. }, Mutant::DeadlinesAreForgotten) => {
                    return Ok(TaskReply::Count(0));
                }
                (TaskOperation::ClaimOrder { limit }, Mutant::ClaimOrderIsByAge) => {
                    let mut order = sound.claim_order(*limit).await?;
                    // Ids are given in the order of submission.
                    order.sort_unstable();
                    return Ok(TaskReply::ImagePaths(order));
                }
                (TaskOperation::Due { limit }, Mutant::DueIgnoresLimit)
                | (TaskOperation::Expire { limit, .. }, Mutant::ExpireIgnoresLimit) => {
                    *limit = u32::MAX;
                }
                (TaskOperation::Recover { .. }, Mutant::RecoverDoesNothing) => {
                    return Ok(TaskReply::Count(0));
                }
                (TaskOperation::Tally {}, Mutant::NothingIsCounted) => {
                    return Ok(TaskReply::Tally(Tally::default()));
                }
                (TaskOperation::Expire { before, .. }, Mutant::ExpiresOneTooMany) => {
                    *before = Timestamp(before.0).plus(Duration::from_micros(1));
                }
                (TaskOperation::Unreferenced { .. }, Mutant::NoImageIsUnreferenced) => {
                    return Ok(TaskReply::ImagePaths(vec![]));
                }
                (_, Mutant::FenceIgnoresAttempt) => {
                    if let Some(lease) = lease_of(&mut operation)
                        && let Some(found) = seen.leases.get(&lease.task_id)
                    {
                        newest = found.clone();
                        *lease = &newest;
                    }
                }
                _ => {}
            }
            let mut reply = sound.run(operation.clone()).await?;
            if let TaskReply::Finished(finished) = &mut reply {
                match (self.mutant, &finished) {
                    (Mutant::LateImagesAreDeleted, Finished::Lost) => *finished = Finished::Over,
                    (Mutant::LateImagesAreLeft, Finished::Over) => *finished = Finished::Lost,
                    _ => {}
                }
            }
            if let TaskReply::Spending(spending) = &mut reply {
                match self.mutant {
                    Mutant::IsSettledTwice => spending.spent *= 2,
                    Mutant::UnknownIsZero => spending.unknown_calls = 0,
                    _ => {}
                }
            }
            match (&operation, &reply) {
                (_, TaskReply::Claimed(Some(claimed))) => {
                    let lease = claimed.lease.clone();
                    seen.leases.insert(lease.task_id.clone(), lease);
                }
                (TaskOperation::Release { lease }, TaskReply::Fenced(Fenced::Done)) => {
                    *seen.abandoned.entry(lease.task_id.clone()).or_default() += 1;
                }
                (TaskOperation::Withdraw { id, .. }, TaskReply::Fenced(Fenced::Done)) => {
                    seen.withdrawn.push((*id).to_owned());
                }
                (TaskOperation::Delete { id, .. }, TaskReply::Deleted(true)) => {
                    seen.deleted.push((*id).to_owned());
                }
                _ => {}
            }
            Ok(reply)
        })
    }
}
