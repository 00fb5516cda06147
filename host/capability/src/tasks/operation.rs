//! The operations of the task store as values, and the one place that forwards
//! them.

use concept_refinement_domain::capability::{
    Cancellation, Claimed, ConceptPage, Erased, Fenced, Finished, Lease, NewTask, Position,
    RefinedImage, Submission, TaskFailure, TaskPage,
};
use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::task::{Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryPermits, DueDelivery, Redelivery, WebhookDelivery,
};
use futures::future::BoxFuture;

use super::{Changes, Expired, Leases, Maintenance, Tally, TaskStore, Tasks};
use crate::Answer;
use crate::concepts::Concepts;
use crate::intercept::operations;
use crate::webhooks::Webhooks;

operations! {
    /// An operation of the task store with its arguments.
    #[derive(Clone, Debug)]
    TaskOperation<'a> of TaskStore;

    /// The reply to an operation of the task store.
    TaskReply {
        Submission(Submission),
        Fenced(Fenced),
        Task(Option<Task>),
        TaskPage(TaskPage),
        Cancelled(Option<Cancellation>),
        Deleted(bool),
        Erased(Erased),
        Finished(Finished),
        Changes(Option<Changes>),
        Concept(Option<Concept>),
        Concepts(Vec<Concept>),
        ConceptPage(ConceptPage),
        Webhook(Option<WebhookDelivery>),
        Redelivery(Redelivery),
        Deliveries(Vec<DueDelivery>),
        Claimed(Option<Claimed>),
        Lease(Option<Lease>),
        Text(Option<String>),
        Tasks(Vec<Task>),
        Time(Option<Timestamp>),
        Count(u32),
        Spending(Spending),
        ImagePaths(Vec<String>),
        Expired(Expired),
        Round(Option<LastRound>),
        Tally(Tally),
        Done(()),
    }

    Tasks {
        "tasks submit" Submit = submit(task: NewTask) -> Submission;
        "tasks withdraw" Withdraw = withdraw(id: &'a str, error_message: &'a str) -> Fenced;
        "tasks get" Get = get(user_id: &'a str, id: &'a str) -> Option<Task>;
        "tasks list" List = list(
            user_id: &'a str,
            status: Option<Status>,
            limit: u32,
            after: Option<Position>
        ) -> TaskPage;
        "tasks renew-session" RenewSession =
            renew_session(user_id: &'a str, until: Timestamp, owns_images: bool) -> ();
        "tasks used" Used = used(user_id: &'a str, window: Window) -> u32;
        "tasks spending" Spending = spending(user_id: &'a str, window: Window) -> Spending;
        "tasks cancel" Cancel = cancel(user_id: &'a str, id: &'a str) -> Option<Cancellation>;
        "tasks delete" Delete = delete(user_id: &'a str, id: &'a str) -> bool;
        "tasks erase-user" EraseUser = erase_user(user_id: &'a str, limit: u32) -> Erased;
        "tasks watch" Watch = watch(user_id: &'a str, id: &'a str) -> Option<Changes>;
    }

    Concepts {
        "concepts get" GetConcept = get(user_id: &'a str, id: &'a str) -> Option<Concept>;
        "concepts list" ListConcepts = list(
            user_id: &'a str,
            limit: u32,
            after: Option<Position>
        ) -> ConceptPage;
        "concepts children" Children =
            children(user_id: &'a str, id: &'a str, limit: u32) -> Vec<Concept>;
        "concepts find-image" FindImage = find_image(sha256: &'a str) -> Option<Timestamp>;
        "concepts delete" DeleteConcept = delete(user_id: &'a str, id: &'a str) -> Option<String>;
    }

    Webhooks {
        "webhooks get" GetWebhook =
            webhook(user_id: &'a str, task_id: &'a str) -> Option<WebhookDelivery>;
        "webhooks redeliver" Redeliver =
            redeliver(user_id: &'a str, task_id: &'a str) -> Redelivery;
        "webhooks claim" ClaimDeliveries = claim_deliveries(permits: DeliveryPermits) -> Vec<DueDelivery>;
        "webhooks record" RecordAttempt = record_attempt(
            lease: &'a DeliveryLease,
            outcome: DeliveryOutcome,
            jitter: f64
        ) -> Fenced;
        "webhooks next" NextDelivery = next_delivery() -> Option<Timestamp>;

        unnamed {
            /// Not intercepted: it only waits.
            fn delivery_due(&self) -> BoxFuture<'static, ()> {
                self.inner.delivery_due()
            }
        }
    }

    Leases {
        "tasks claim" Claim = claim(id: &'a str, user_id: Option<&'a str>) -> Option<Claimed>;
        "tasks renew" Renew = renew(lease: &'a Lease) -> Option<Lease>;
        "tasks finish" Finish = finish(lease: &'a Lease, image: RefinedImage) -> Finished;
        "tasks fail" Fail = fail(lease: &'a Lease, failure: &'a TaskFailure) -> Fenced;
        "tasks pay" Pay = pay(lease: &'a Lease, payment: &'a Payment) -> Fenced;
        "tasks release" Release = release(lease: &'a Lease) -> Fenced;
        "tasks progress" Progress = progress(lease: &'a Lease, stage: Stage) -> ();

        unnamed {
            /// Not intercepted: it stores nothing.
            fn add_step(&self, task_id: &str, attempt: u32, kind: StepKind, detail: &str) {
                self.inner.add_step(task_id, attempt, kind, detail);
            }

            /// Not intercepted: it only waits.
            fn revocation(&self, id: &str) -> BoxFuture<'static, ()> {
                self.inner.revocation(id)
            }
        }
    }

    Maintenance {
        "tasks due" Due = due(limit: u32) -> Vec<Task>;
        "tasks miss-deadlines" MissDeadlines = miss_deadlines(limit: u32) -> u32;
        "tasks next-deadline" NextDeadline = next_deadline() -> Option<Timestamp>;
        "tasks claim-order" ClaimOrder = claim_order(limit: u32) -> Vec<String>;
        "tasks next-due" NextDue = next_due() -> Option<Timestamp>;
        "tasks recover" Recover = recover(are_messages_lost: bool) -> u32;
        "tasks unreferenced" Unreferenced = unreferenced(image_paths: Vec<String>) -> Vec<String>;
        "tasks expire" Expire = expire(before: Timestamp, limit: u32) -> Expired;
        "tasks abandon" Abandon = abandon(before: Timestamp, limit: u32) -> Expired;
        "tasks without-session" WithoutSession =
            without_session(users: Vec<String>, before: Timestamp) -> Vec<String>;
        "tasks last-round" LastRound = last_round() -> Option<LastRound>;
        "tasks remember-round" RememberRound = remember_round(round: LastRound) -> ();
        "tasks tally" Tally = tally() -> Tally;
        "tasks check" Check = check() -> ();
    }
}
