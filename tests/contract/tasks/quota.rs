//! How many tasks a user may create.

use concept_refinement_domain::capability::Submission;
use concept_refinement_domain::quota::Window;

use super::{Store, TaskBackend, at_once, with_quota};

/// Fifty users, each from eight places at once, as long as it goes.
pub async fn it_is_exact_under_concurrency<B: TaskBackend>() {
    const LIMIT: u32 = 3;
    let store = Store::<B>::start();
    let created = at_once(50 * 8, |n| {
        let store = store.backend.store();
        async move {
            let user = format!("user {}", n % 50);
            let mut created = 0;
            loop {
                let new = with_quota(&user, LIMIT, Window::Hour);
                match store.submit(new).await.unwrap() {
                    Submission::Created(accepted) => {
                        created += 1;
                        let claimed = store.claim(&accepted.task.id, None).await.unwrap();
                        let _ = store
                            .fail(&claimed.unwrap().lease, None, "No.")
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
    for n in 0..50 {
        let user = format!("user {n}");
        let total: u32 = created
            .iter()
            .filter(|(who, _)| *who == user)
            .map(|(_, count)| count)
            .sum();
        assert_eq!(total, LIMIT, "{user}");
    }
}

pub async fn each_user_has_their_own<B: TaskBackend>() {
    let store = Store::<B>::start();
    for user in ["ada", "Ada", "ada ", "bob", ""] {
        let first = store.submit(with_quota(user, 1, Window::Month)).await;
        let Submission::Created(accepted) = first else {
            panic!("{user:?}: {first:?}")
        };
        let claimed = store.claim(&accepted.task).await;
        store.fail(&claimed.lease).await;
        let second = store.submit(with_quota(user, 1, Window::Month)).await;
        assert!(
            matches!(second, Submission::QuotaExceeded(_)),
            "{user:?}: {second:?}"
        );
    }
}
