//! How many tasks a user may create.

use concept_refinement_domain::capability::{Submission, TaskFailure};
use concept_refinement_domain::quota::Window;

use super::{Store, TaskBackend, assert_over_quota, at_once, created, with_quota};

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
