//! How many tasks a user may create.

use concept_refinement_domain::capability::{Cancellation, Fenced, Submission, TaskFailure};
use concept_refinement_domain::lease::MAX_DEATHS;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::Task;

use super::{LEASE, Store, TaskBackend, assert_over_quota, at_once, created, with_quota};

/// Twenty users, each from six places at once, as long as it goes. More at once take longer
/// than a store may on a machine that has other work, and meet each other no more closely.
pub async fn it_is_exact_under_concurrency<B: TaskBackend>() {
    const LIMIT: u32 = 3;
    const USERS: usize = 20;
    let store = Store::<B>::start();
    let created = at_once(USERS * 6, |n| {
        let store = store.backend.store();
        async move {
            let user = format!("user {}", n % USERS);
            let mut created = 0;
            loop {
                let new = with_quota(&user, LIMIT, Window::Hour);
                match store.submit(new).await.unwrap() {
                    Submission::Created(accepted) => {
                        created += 1;
                        let claimed = store.claim(&accepted.task.id, None).await.unwrap();
                        let _ = store
                            .fail(&claimed.unwrap().lease, &TaskFailure::new("No."))
                            .await
                            .unwrap();
                    }
                    Submission::Active(_) => tokio::task::yield_now().await,
                    Submission::QuotaExceeded(_) => return (user, created),
                    other => panic!("{other:?}"),
                }
            }
        }
    })
    .await;
    for n in 0..USERS {
        let user = format!("user {n}");
        let total: u32 = created
            .iter()
            .filter(|(who, _)| *who == user)
            .map(|(_, count)| count)
            .sum();
        // As many as failed for nothing are given back, and no more.
        assert_eq!(total, LIMIT * 2, "{user}");
    }
}

pub async fn each_user_has_their_own<B: TaskBackend>() {
    let store = Store::<B>::start();
    for user in ["ada", "Ada", "ada ", "bob", ""] {
        let quota = || with_quota(user, 1, Window::Month);
        let claimed = store.claim(&created(store.submit(quota()).await)).await;
        store.finish(&claimed).await;
        assert_over_quota(&store.submit(quota()).await);
    }
}

/// How a task ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Failed,
    /// After a call that may have been accepted.
    FailedPaid,
    /// After a call that was not accepted.
    FailedRefused,
    Died,
    Withdrawn,
    Cancelled,
    Deleted,
    Completed,
}

pub async fn what_failed_for_nothing_is_given_back<B: TaskBackend>() {
    use End::{Cancelled, Completed, Deleted, Died, Failed, FailedPaid, FailedRefused, Withdrawn};
    let store = Store::<B>::start();
    let used = async |user: &str| {
        let mut used = Vec::new();
        for window in Window::ALL {
            used.push(store.tasks.used(user, window).await.unwrap());
        }
        used
    };
    for (end, counted) in [
        (Failed, 0),
        (FailedPaid, 1),
        (FailedRefused, 0),
        (Died, 0),
        (Withdrawn, 0),
        (Cancelled, 1),
        (Deleted, 1),
        (Completed, 1),
    ] {
        let user = format!("{end:?}");
        assert_eq!(used(&user).await, [0; 3], "{end:?}");
        let task = created(store.submit(with_quota(&user, 5, Window::Day)).await);
        assert_eq!(used(&user).await, [1; 3], "{end:?}");
        store.end(&task, end).await;
        assert_eq!(used(&user).await, [counted; 3], "{end:?}");
    }
}

impl<B: TaskBackend> Store<B> {
    async fn end(&self, task: &Task, end: End) {
        match end {
            End::Failed => self.fail(&self.claim(task).await.lease).await,
            End::FailedPaid | End::FailedRefused => {
                let lease = self.claim(task).await.lease;
                let begun = Payment::default().call_begun("openai", None);
                let _ = self.leases.pay(&lease, &begun).await.unwrap();
                if let End::FailedRefused = end {
                    let refused = begun.call_not_accepted("openai");
                    let _ = self.leases.pay(&lease, &refused).await.unwrap();
                }
                self.fail(&lease).await;
            }
            End::Died => {
                for _ in 0..MAX_DEATHS {
                    self.claim(task).await;
                    self.pass(LEASE);
                }
                assert!(self.try_claim(task).await.is_none());
            }
            End::Withdrawn => {
                let withdrawn = self.tasks.withdraw(&task.id, "No.").await.unwrap();
                assert_eq!(withdrawn, Fenced::Done);
            }
            End::Cancelled => {
                let cancelled = self.tasks.cancel(&task.user_id, &task.id).await.unwrap();
                assert!(matches!(cancelled, Some(Cancellation::Cancelled(_))));
            }
            End::Deleted => {
                assert!(self.tasks.delete(&task.user_id, &task.id).await.unwrap());
            }
            End::Completed => {
                let claimed = self.claim(task).await;
                self.finish(&claimed).await;
            }
        }
    }
}
