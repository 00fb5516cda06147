//! What an operator does to a single task.

use std::sync::Arc;

use concept_refinement_domain::capability::{
    Cancellation, Fenced, NewTask, Submission, TaskFailure,
};
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::{Quota, Window};
use concept_refinement_domain::rulebook::Retry;
use concept_refinement_domain::sentence::CANCELLED_BY_OPERATOR;
use concept_refinement_domain::spending::{Reservation, Spending};
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::task::{Change, Parent, Status, Task};
use futures::StreamExt as _;

use super::{MOMENT, Operated, act};
use crate::tasks::webhooks::with_webhook;
use crate::tasks::{Store, assert_over_quota, at_once, created, with_quota};

/// Of one call.
const PRICE: MicroDollars = MicroDollars(60);

impl<B: Operated> Store<B> {
    async fn retry(&self, id: &str) -> Option<Retry> {
        self.pass(MOMENT);
        let operator = self.operator();
        operator.retry(id, self.new_id(), act()).await.unwrap()
    }

    async fn cancel_as_operator(&self, id: &str) -> Option<Cancellation> {
        self.operator().cancel(id, act()).await.unwrap()
    }

    async fn limited(&self, user: &str, limit: u32) -> Submission {
        let NewTask { id, .. } = self.later(user);
        let new = with_quota(user, limit, Window::Month);
        self.submit(NewTask { id, ..new }).await
    }

    async fn spending(&self, user: &str) -> Spending {
        self.tasks.spending(user, Window::Month).await.unwrap()
    }

    async fn entries(&self) -> usize {
        self.operator().audit(1_000, None).await.unwrap().len()
    }
}

pub async fn only_a_failed_task_is_retried<B: Operated>() {
    let store = Store::<B>::start();
    let pending = store.pending("pending").await;
    let processing = store.pending("processing").await;
    store.claim(&processing).await;
    let completed = store.pending("completed").await;
    let claimed = store.claim(&completed).await;
    store.finish(&claimed).await;
    for task in [pending, processing, completed] {
        let before = store.record(&task.id).await;
        let retry = store.retry(&task.id).await;
        assert_eq!(retry, Some(Retry::NotFailed), "{}", task.user_id);
        assert_eq!(store.record(&task.id).await, before);
    }
    for unknown in ["x", &store.new_id()] {
        assert_eq!(store.retry(unknown).await, None);
    }
    assert_eq!(store.entries().await, 0);
}

pub async fn a_retry_goes_on_where_its_task_failed<B: Operated>() {
    let store = Store::<B>::start();
    let quota = Quota {
        limit: 1,
        window: Window::Month,
    };
    let new = NewTask {
        id: store.new_id(),
        original_path: Some("refined/a/b.png".into()),
        mask_path: Some("uploads/a/b.png".into()),
        parent: Some(Parent {
            id: "a".into(),
            image_url: "https://refine.example/b.png".into(),
        }),
        quota: Some(quota),
        reservation: Some(Reservation {
            model: "fast".into(),
            price: PRICE,
        }),
        idempotency_key: Some("key".into()),
        ..with_webhook("ada", "receiver")
    };
    let task = created(store.submit(new).await);
    let claimed = store.claim(&task).await;
    let paid = Payment::default().call_begun("fast", Some(PRICE));
    let paid = paid.with_receipt("fast", b"receipt").unwrap();
    let _ = store.leases.pay(&claimed.lease, &paid).await.unwrap();
    store.fail(&claimed.lease).await;
    let failed = store.record(&task.id).await;
    assert_eq!(store.counted("ada").await, 1);
    let spent = Spending::spent(PRICE);
    assert_eq!(store.spending("ada").await, spent);

    let Some(Retry::Created(retried)) = store.retry(&task.id).await else {
        panic!("not retried");
    };
    let new = &retried.task;
    assert_eq!(store.record(&new.id).await, *retried);
    assert_eq!(store.tasks.get("ada", &new.id).await, Ok(Some(new.clone())));
    assert_eq!((new.status, new.created_at), (Status::Pending, store.now()));
    assert_eq!(new.refinement, task.refinement);
    assert_eq!(new.original_path, task.original_path);
    assert_eq!(new.mask_path, task.mask_path);
    assert_eq!(new.parent, task.parent);
    assert_eq!(new.error_message, None);
    assert_eq!(retried.retry_of.as_ref(), Some(&task.id));
    let delivery = retried.delivery.as_ref().unwrap();
    assert_eq!(delivery.webhook, failed.delivery.as_ref().unwrap().webhook);
    assert_eq!(delivery.retry_of.as_ref(), Some(&task.id));
    assert_eq!(store.kinds(&new.id).await, [StepKind::Submitted]);

    // The failed one is what it was, but for its story.
    let now = store.record(&task.id).await;
    assert_eq!(now.task, failed.task);
    assert_eq!(now.delivery, failed.delivery);
    let last = now.steps.iter().last().unwrap();
    assert_eq!(
        (last.kind, last.detail.as_ref()),
        (StepKind::Retried, Some(&new.id))
    );

    // Its user has an active task, and is not charged for it.
    assert_eq!(store.retry(&task.id).await, Some(Retry::Active));
    assert_eq!(store.counted("ada").await, 1);
    let reserved = Spending::reserved(PRICE);
    assert_eq!(store.spending("ada").await, spent.plus(reserved));
    let claimed = store.claim(new).await;
    assert_eq!(claimed.payment, paid.of_retry());
    assert_eq!(claimed.payment.receipt("fast").unwrap(), b"receipt");
    store.fail(&claimed.lease).await;
    assert_eq!(store.counted("ada").await, 1, "nothing is given back");
    let due = crate::tasks::webhooks::claim(&store).await;
    assert_eq!(due.len(), 2);
    assert_eq!(store.entries().await, 1);

    // What its receipt fetches is paid for already.
    let Some(Retry::Created(retried)) = store.retry(&new.id).await else {
        panic!("not retried");
    };
    store.finish(&store.claim(&retried.task).await).await;
    assert_eq!(store.spending("ada").await, spent);
}

/// Nor what its retry, or a retry of that, has done.
pub async fn what_a_retry_has_completed_is_not_retried<B: Operated>() {
    let store = Store::<B>::start();
    let first = store.failed("ada", "No.").await;
    let retry_and = async |id: &str, completes: bool| {
        let Some(Retry::Created(retried)) = store.retry(id).await else {
            panic!("not retried");
        };
        let claimed = store.claim(&retried.task).await;
        match completes {
            true => drop(store.finish(&claimed).await),
            false => store.fail(&claimed.lease).await,
        }
        retried.task.id
    };
    let second = retry_and(&first.id, false).await;
    retry_and(&first.id, false).await;
    assert_eq!(store.record(&first.id).await.retries().len(), 2);
    // Whatever else its user has completed.
    store.completed("ada").await;
    retry_and(&second, true).await;
    for id in [&first.id, &second] {
        assert_eq!(store.retry(id).await, Some(Retry::Retried));
    }
    assert_eq!(store.entries().await, 3);
}

pub async fn of_many_retries_one_wins<B: Operated>() {
    let store = Store::<B>::start();
    let mut tasks = Vec::new();
    for _ in 0..2 {
        tasks.push(store.failed("ada", "No.").await.id);
    }
    let operator = store.operator();
    let retries = at_once(20, |number| {
        let (operator, task) = (Arc::clone(&operator), tasks[number % 2].clone());
        let new_id = store.new_id();
        async move { operator.retry(&task, new_id, act()).await.unwrap() }
    })
    .await;
    let is_created = |retry: &&Option<Retry>| matches!(retry, Some(Retry::Created(_)));
    assert_eq!(retries.iter().filter(is_created).count(), 1);
    let active = retries
        .iter()
        .filter(|retry| **retry == Some(Retry::Active));
    assert_eq!(active.count(), 19);
    assert_eq!(store.entries().await, 1);
}

pub async fn what_an_operator_cancels_is_given_back_up_to_the_quota<B: Operated>() {
    let store = Store::<B>::start();
    for (expected, used) in [(true, 0), (true, 0), (false, 1), (false, 2)] {
        let task = created(store.limited("ada", 2).await);
        let before = store.counted("ada").await;
        let Some(Cancellation::Cancelled(cancelled)) = store.cancel_as_operator(&task.id).await
        else {
            panic!("not cancelled");
        };
        assert_eq!(store.task(&task).await, cancelled);
        assert_eq!(cancelled.status, Status::Failed);
        assert_eq!(
            cancelled.error_message.as_deref(),
            Some(CANCELLED_BY_OPERATOR)
        );
        assert_eq!(store.counted("ada").await < before, expected);
        assert_eq!(store.counted("ada").await, used);
        let repeated = store.cancel_as_operator(&task.id).await;
        assert_eq!(repeated, Some(Cancellation::Ended(cancelled)));
    }
    assert_over_quota(&store.limited("ada", 2).await);
    assert_eq!(store.cancel_as_operator("x").await, None);
    assert_eq!(store.cancel_as_operator(&store.new_id()).await, None);
    assert_eq!(store.entries().await, 4);
}

/// A worker and all watchers learn of it as if the user had done it.
pub async fn who_works_or_watches_is_told<B: Operated>() {
    let store = Store::<B>::start();
    for is_deleted in [false, true] {
        let user = format!("deleted {is_deleted}");
        let task = store.pending(&user).await;
        let claimed = store.claim(&task).await;
        let mut changes = store.tasks.watch(&user, &task.id).await.unwrap().unwrap();
        let revocation = store.leases.revocation(&task.id);
        changes.next().await.unwrap();
        let last = match is_deleted {
            true => {
                assert_eq!(store.operator().delete(&task.id, act()).await, Ok(true));
                Change::Deleted
            }
            false => {
                store.cancel_as_operator(&task.id).await.unwrap();
                Change::Task(Box::new(store.task(&task).await))
            }
        };
        assert_eq!(changes.next().await, Some(last));
        assert_eq!(changes.next().await, None);
        revocation.await;
        let failed = store
            .leases
            .fail(&claimed.lease, &TaskFailure::new("No."))
            .await;
        assert_eq!(failed, Ok(Fenced::Lost));
        created(store.submit(store.later(&user)).await);
    }
}

pub async fn a_task_in_any_state_is_deleted<B: Operated>() {
    let store = Store::<B>::start();
    let pending = store.pending("pending").await;
    let failed = store.failed("failed", "No.").await;
    let (completed, concept) = store.completed("completed").await;
    let gone = async |task: &Task| {
        assert_eq!(store.operator().delete(&task.id, act()).await, Ok(true));
        assert_eq!(store.find(task).await, None);
        assert_eq!(store.operator().find(&task.id).await, Ok(None));
        assert_eq!(store.operator().delete(&task.id, act()).await, Ok(false));
    };
    for task in [&pending, &failed, &completed] {
        gone(task).await;
    }
    let concept = store.concepts.get("completed", &concept).await.unwrap();
    assert!(concept.is_some(), "it stays");
    assert_eq!(store.operator().delete("x", act()).await, Ok(false));
    assert_eq!(store.entries().await, 3);
}
