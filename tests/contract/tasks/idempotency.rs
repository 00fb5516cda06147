//! A submission that is sent again under its key.

use concept_refinement_domain::capability::{Accepted, NewTask, Submission};
use concept_refinement_domain::task::Task;

use super::{Store, TaskBackend, at_once, created, new_task, with_key};

/// The same request once more: another id, as it is drawn for each.
fn again(new: &NewTask) -> NewTask {
    NewTask {
        id: new_task("").id,
        ..new.clone()
    }
}

async fn assert_replayed<B: TaskBackend>(
    store: &Store<B>,
    new: &NewTask,
    first: &Task,
    when: &str,
) {
    let expected = Submission::Replayed(Accepted {
        task: first.clone(),
        quota: None,
    });
    assert_eq!(store.submit(again(new)).await, expected, "{when}");
}

pub async fn twenty_at_once_create_one<B: TaskBackend>() {
    let store = Store::<B>::start();
    let new = with_key("ada", "key");
    let submissions = at_once(20, |_| {
        let (tasks, new) = (store.tasks.clone(), again(&new));
        async move { tasks.submit(new).await.unwrap() }
    })
    .await;
    let (first, repeats): (Vec<_>, Vec<_>) = submissions
        .into_iter()
        .partition(|submission| matches!(submission, Submission::Created(_)));
    assert_eq!(first.len(), 1);
    let first = created(first.into_iter().next().unwrap());
    for repeat in repeats {
        let Submission::Replayed(accepted) = repeat else {
            panic!("{repeat:?}")
        };
        assert_eq!(accepted.task, first);
    }
}

pub async fn a_key_belongs_to_its_user<B: TaskBackend>() {
    let store = Store::<B>::start();
    let ada = created(store.submit(with_key("ada", "key")).await);
    let bob = created(store.submit(with_key("bob", "key")).await);
    assert_ne!(ada.id, bob.id);
    assert_replayed(&store, &with_key("ada", "key"), &ada, "ada").await;
    assert_replayed(&store, &with_key("bob", "key"), &bob, "bob").await;
    let case = store.submit(with_key("ada", "KEY")).await;
    assert!(matches!(case, Submission::Active(_)), "{case:?}");
}
