//! How many tasks a user may create.

use std::time::Duration;

use concept_refinement_domain::capability::{NewTask, Submission};
use concept_refinement_domain::quota::{Quota, QuotaState, Window};
use concept_refinement_domain::timestamp::Timestamp;

use super::{MICROSECOND, START, Store, TaskBackend, at_once, new_task, with_key, with_quota};

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

pub async fn each_window_starts_again<B: TaskBackend>() {
    // From 12:00:00.123456 on 20 November.
    let ends = [
        (Window::Hour, 1_795_179_600),
        (Window::Day, 1_795_219_200),
        (Window::Month, 1_796_083_200),
    ];
    for (window, end) in ends {
        let store = Store::<B>::start();
        let reset = Timestamp::from_secs(end);
        let submit = async |expected_remaining: Option<u32>| {
            let state = |remaining| QuotaState {
                limit: 2,
                remaining,
                reset: if store.now() < reset {
                    reset
                } else {
                    window.end(store.now())
                },
            };
            match (
                store.submit(with_quota("ada", 2, window)).await,
                expected_remaining,
            ) {
                (Submission::Created(accepted), Some(remaining)) => {
                    assert_eq!(accepted.quota, Some(state(remaining)), "{window:?}");
                    let active = store.submit(with_quota("ada", 2, window)).await;
                    let Submission::Active(active) = active else {
                        panic!("{active:?}")
                    };
                    assert_eq!(active.quota, Some(state(remaining)), "{window:?}");
                    let claimed = store.claim(&accepted.task).await;
                    store.fail(&claimed.lease).await;
                }
                (Submission::QuotaExceeded(exceeded), None) => {
                    assert_eq!(exceeded, state(0), "{window:?}");
                }
                (other, _) => panic!("{window:?}: {other:?}"),
            }
        };
        submit(Some(1)).await;
        submit(Some(0)).await;
        submit(None).await;
        store.clock.set(Timestamp(reset.0 - 1));
        submit(None).await;
        store.pass(MICROSECOND);
        submit(Some(1)).await;
        submit(Some(0)).await;
        submit(None).await;
        // A clock that is set back finds the count of then.
        store.clock.set(START);
        submit(None).await;
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

pub async fn what_is_refused_costs_nothing<B: TaskBackend>() {
    let store = Store::<B>::start();
    let limited = || with_quota("ada", 2, Window::Day);
    let missing = NewTask {
        original_found: false,
        ..limited()
    };
    assert_eq!(store.submit(missing).await, Submission::OriginalMissing);

    let keyed = NewTask {
        quota: limited().quota,
        ..with_key("ada", "key")
    };
    let Submission::Created(first) = store.submit(keyed.clone()).await else {
        panic!()
    };
    for _ in 0..3 {
        let active = store.submit(limited()).await;
        assert!(matches!(active, Submission::Active(_)), "{active:?}");
        let replayed = store.submit(keyed.clone()).await;
        assert!(matches!(replayed, Submission::Replayed(_)), "{replayed:?}");
    }
    let claimed = store.claim(&first.task).await;
    store.fail(&claimed.lease).await;
    let Submission::Created(second) = store.submit(limited()).await else {
        panic!()
    };
    assert_eq!(second.quota.unwrap().remaining, 0);
    let claimed = store.claim(&second.task).await;
    store.fail(&claimed.lease).await;

    for _ in 0..3 {
        let refused = store.submit(limited()).await;
        assert!(
            matches!(refused, Submission::QuotaExceeded(_)),
            "{refused:?}"
        );
    }
    let one_more = with_quota("ada", 3, Window::Day);
    let third = store.submit(one_more).await;
    assert!(
        matches!(third, Submission::Created(_)),
        "refusals were counted: {third:?}"
    );
}

pub async fn deleting_or_failing_gives_nothing_back<B: TaskBackend>() {
    let store = Store::<B>::start();
    let limited = || with_quota("ada", 3, Window::Day);
    let Submission::Created(pending) = store.submit(limited()).await else {
        panic!()
    };
    store.tasks.delete("ada", &pending.task.id).await.unwrap();
    let Submission::Created(completed) = store.submit(limited()).await else {
        panic!()
    };
    let claimed = store.claim(&completed.task).await;
    store.complete(&claimed).await;
    store.tasks.delete("ada", &completed.task.id).await.unwrap();
    let Submission::Created(failed) = store.submit(limited()).await else {
        panic!()
    };
    let claimed = store.claim(&failed.task).await;
    store.fail(&claimed.lease).await;
    let refused = store.submit(limited()).await;
    assert!(
        matches!(refused, Submission::QuotaExceeded(_)),
        "{refused:?}"
    );
}

/// An operator may set a limit, or another window, at any time.
pub async fn what_was_unlimited_is_counted_too<B: TaskBackend>() {
    let store = Store::<B>::start();
    for hour in 0..3 {
        store
            .clock
            .set(START.plus(Duration::from_secs(hour * 3600)));
        let Submission::Created(accepted) = store.submit(new_task("ada")).await else {
            panic!()
        };
        assert_eq!(accepted.quota, None);
        let claimed = store.claim(&accepted.task).await;
        store.fail(&claimed.lease).await;
    }
    let used = [(Window::Hour, 1), (Window::Day, 3), (Window::Month, 3)];
    for (window, used) in used {
        let refused = store.submit(with_quota("ada", used, window)).await;
        let expected = Quota {
            limit: used,
            window,
        }
        .state(used, store.now());
        assert_eq!(refused, Submission::QuotaExceeded(expected), "{window:?}");
    }
    let accepted = store.submit(with_quota("ada", 2, Window::Hour)).await;
    assert!(matches!(accepted, Submission::Created(_)), "{accepted:?}");
}
