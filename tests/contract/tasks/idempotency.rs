//! A submission that is sent again under its key.

use std::time::Duration;

use concept_refinement_domain::capability::{NewTask, Submission};

use super::{Store, TaskBackend, at_once, created, replayed, with_key};

pub async fn twenty_at_once_create_one<B: TaskBackend>() {
    let store = Store::<B>::start();
    let submissions = at_once(20, |_| {
        let tasks = store.tasks.clone();
        async move { tasks.submit(with_key("ada", "key")).await.unwrap() }
    })
    .await;
    let (first, repeats): (Vec<_>, Vec<_>) = submissions
        .into_iter()
        .partition(|submission| matches!(submission, Submission::Created(_)));
    assert_eq!(first.len(), 1);
    let first = created(first.into_iter().next().unwrap());
    for repeat in repeats {
        assert_eq!(replayed(repeat), first);
    }
}

pub async fn a_key_belongs_to_its_user<B: TaskBackend>() {
    let store = Store::<B>::start();
    let ada = created(store.submit(with_key("ada", "key")).await);
    let bob = created(store.submit(with_key("bob", "key")).await);
    assert_ne!(ada.id, bob.id);
    for (user, first) in [("ada", ada), ("bob", bob)] {
        let repeat = store.submit(with_key(user, "key")).await;
        assert_eq!(replayed(repeat), first);
    }
    let case = store.submit(with_key("ada", "KEY")).await;
    assert!(matches!(case, Submission::Active(_)), "{case:?}");
}

/// A key that is a hash of the request passes to the newest task, and is followed for as long
/// as a request asks.
pub async fn a_hash_of_a_request_is_followed_for_a_while<B: TaskBackend>() {
    let store = Store::<B>::start();
    let hash = |replayed_within, path: &str| NewTask {
        replayed_within: Some(replayed_within),
        original_path: Some(path.into()),
        active_tasks: 9,
        ..with_key("ada", "hash")
    };
    let first = created(store.submit(hash(600, "a.png")).await);
    // The upload that it came with is another one.
    let repeat = replayed(store.submit(hash(600, "b.png")).await);
    assert_eq!(repeat.id, first.id);
    assert_eq!(repeat.original_path.as_deref(), Some("a.png"));
    let second = created(store.submit(hash(0, "c.png")).await);
    assert_ne!(second.id, first.id);
    store.clock.advance(Duration::from_secs(599));
    let repeat = replayed(store.submit(hash(600, "d.png")).await);
    assert_eq!(repeat.id, second.id);
    // Some stores create no two tasks of a user at the same time.
    store.clock.advance(Duration::from_secs(2));
    let third = created(store.submit(hash(600, "e.png")).await);
    assert_ne!(third.id, second.id);
}
