//! Ending a task that its user does not want any longer.

use concept_refinement_domain::capability::{Cancellation, Fenced, Submission};
use concept_refinement_domain::sentence::CANCELLED_BY_USER;
use concept_refinement_domain::task::{Status, Task};

use super::{Store, TaskBackend, image, new_task};

impl<B: TaskBackend> Store<B> {
    async fn cancel(&self, user: &str, task: &Task) -> Option<Cancellation> {
        self.tasks.cancel(user, &task.id).await.unwrap()
    }
}

pub async fn a_task_that_has_not_ended_fails_and_stays<B: TaskBackend>() {
    let store = Store::<B>::start();
    for (user, is_claimed) in [("pending", false), ("processing", true)] {
        let task = store.created(user).await;
        if is_claimed {
            store.claim(&task).await;
        }
        let Some(Cancellation::Cancelled(cancelled)) = store.cancel(user, &task).await else {
            panic!("{user}: not cancelled");
        };
        assert_eq!(cancelled.status, Status::Failed, "{user}");
        assert_eq!(cancelled.error_message.as_deref(), Some(CANCELLED_BY_USER));
        assert!(cancelled.completed_at.is_some() && cancelled.lease_until.is_none());
        assert_eq!(store.task(&task).await, cancelled, "{user}");
        let repeated = store.cancel(user, &task).await;
        assert_eq!(repeated, Some(Cancellation::Ended(cancelled)), "{user}");
        assert!(store.try_claim(&task).await.is_none(), "{user}");
        let next = store.submit(new_task(user)).await;
        assert!(matches!(next, Submission::Created(_)), "{user}: {next:?}");
    }
}

pub async fn what_has_ended_or_is_another_users_stays_as_it_is<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (completed, _) = store.completed("ada").await;
    let told = store.cancel("ada", &completed).await;
    assert_eq!(told, Some(Cancellation::Ended(completed.clone())));
    assert_eq!(store.cancel("eve", &completed).await, None);
    let task = store.created("bob").await;
    assert_eq!(store.cancel("eve", &task).await, None);
    assert_eq!(store.task(&task).await, task);
    assert!(store.tasks.delete("bob", &task.id).await.unwrap());
    assert_eq!(store.cancel("bob", &task).await, None);
}

/// Who worked on it can write nothing more, and what it stored is nobody's.
pub async fn its_worker_has_lost_it<B: TaskBackend>() {
    let store = Store::<B>::start();
    let claimed = store.claimed("ada").await;
    store.cancel("ada", &claimed.task).await;
    let lease = &claimed.lease;
    assert!(store.leases.renew(lease).await.unwrap().is_none());
    let failed = store.leases.fail(lease, None, "No.").await.unwrap();
    assert_eq!(failed, Fenced::Lost);
    let image = image(&claimed.task);
    let finished = store.leases.finish(lease, image.clone().into()).await;
    assert_eq!(finished.unwrap(), super::Finished::Over);
    let task = store.task(&claimed.task).await;
    assert_eq!(task.error_message.as_deref(), Some(CANCELLED_BY_USER));
}
