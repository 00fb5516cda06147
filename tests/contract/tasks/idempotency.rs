//! A submission that is sent again under its key.

use std::time::Duration;

use concept_refinement_domain::capability::{Accepted, NewTask, Submission};
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::{Refinement, Task};

use super::{
    MICROSECOND, Rules, START, Store, TaskBackend, at_once, created, new_task, with_key, with_quota,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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

pub async fn a_repeat_answers_the_task_as_it_was_created<B: TaskBackend>() {
    let store = Store::<B>::start();
    let new = NewTask {
        is_anonymous: true,
        original_path: Some("uploads/a".into()),
        ..with_key("ada", "key")
    };
    let task = created(store.submit(new.clone()).await);
    assert_replayed(&store, &new, &task, "pending").await;
    let claimed = store.claim(&task).await;
    store.pass(MICROSECOND);
    assert_replayed(&store, &new, &task, "processing").await;
    store.complete(&claimed).await;
    assert_replayed(&store, &new, &task, "completed").await;
    store.tasks.delete("ada", &task.id).await.unwrap().unwrap();
    assert_replayed(&store, &new, &task, "deleted").await;
    let all = store.tasks.list("ada", None, 100, None).await.unwrap();
    assert_eq!(all.items, [], "nothing was created");
}

pub async fn a_repeat_comes_before_everything_else<B: TaskBackend>() {
    let store = Store::<B>::start_with(Rules {
        max_backlog: 1,
        ..Rules::default()
    });
    let new = NewTask {
        quota: with_quota("ada", 1, Window::Day).quota,
        ..with_key("ada", "key")
    };
    let task = created(store.submit(new.clone()).await);
    let gone = NewTask {
        original_found: false,
        ..again(&new)
    };
    let Submission::Replayed(replayed) = store.submit(gone).await else {
        panic!("not replayed")
    };
    assert_eq!(replayed.task, task);
    assert_eq!(replayed.quota.unwrap().remaining, 0);
}

pub async fn another_refinement_is_told_apart<B: TaskBackend>() {
    let store = Store::<B>::start();
    let refinement = Refinement {
        original_image_url: "ab".into(),
        refinement_prompt: "c".into(),
        logo_description: Some(String::new()),
        theme_description: None,
    };
    let new = NewTask {
        refinement: refinement.clone(),
        ..with_key("ada", "key")
    };
    let task = created(store.submit(new.clone()).await);
    let others = [
        Refinement {
            original_image_url: "a".into(),
            refinement_prompt: "bc".into(),
            ..refinement.clone()
        },
        Refinement {
            refinement_prompt: "c ".into(),
            ..refinement.clone()
        },
        Refinement {
            logo_description: None,
            ..refinement.clone()
        },
        Refinement {
            logo_description: None,
            theme_description: Some(String::new()),
            ..refinement.clone()
        },
        Refinement {
            theme_description: Some(String::new()),
            ..refinement.clone()
        },
    ];
    let claimed = store.claim(&task).await;
    store.fail(&claimed.lease).await;
    for other in others {
        let reused = NewTask {
            refinement: other.clone(),
            ..again(&new)
        };
        assert_eq!(
            store.submit(reused).await,
            Submission::KeyReused,
            "{other:?}"
        );
    }
    assert_replayed(&store, &new, &task, "after them").await;
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

pub async fn a_key_is_forgotten_after_a_day<B: TaskBackend>() {
    let store = Store::<B>::start();
    let new = with_key("ada", "key");
    let task = created(store.submit(new.clone()).await);
    store.tasks.delete("ada", &task.id).await.unwrap();
    store.clock.set(START.plus(DAY - MICROSECOND));
    assert_replayed(&store, &new, &task, "just before").await;
    store.clock.set(START.plus(DAY));
    let other = NewTask {
        refinement: Refinement {
            refinement_prompt: "Make it darker".into(),
            ..new.refinement.clone()
        },
        ..again(&new)
    };
    let second = created(store.submit(other.clone()).await);
    assert_ne!(second.id, task.id);
    assert_replayed(&store, &other, &second, "the key is used anew").await;
    assert_eq!(store.submit(again(&new)).await, Submission::KeyReused);
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

pub async fn only_a_created_task_is_remembered<B: TaskBackend>() {
    let store = Store::<B>::start();
    let keyed = with_key("ada", "key");
    let missing = NewTask {
        original_found: false,
        ..again(&keyed)
    };
    assert_eq!(store.submit(missing).await, Submission::OriginalMissing);

    let active = created(store.submit(new_task("ada")).await);
    let judged = store.submit(again(&keyed)).await;
    assert!(matches!(judged, Submission::Active(_)), "{judged:?}");
    store.tasks.delete("ada", &active.id).await.unwrap();

    let over = NewTask {
        quota: with_quota("ada", 1, Window::Day).quota,
        ..again(&keyed)
    };
    let judged = store.submit(over).await;
    assert!(matches!(judged, Submission::QuotaExceeded(_)), "{judged:?}");

    created(store.submit(again(&keyed)).await);
}

pub async fn what_a_full_backlog_refused_is_not_remembered<B: TaskBackend>() {
    let store = Store::<B>::start_with(Rules {
        max_backlog: 1,
        ..Rules::default()
    });
    let keyed = with_key("ada", "key");
    let other = store.created("bob").await;
    let judged = store.submit(again(&keyed)).await;
    assert!(matches!(judged, Submission::BacklogFull(_)), "{judged:?}");
    store.tasks.delete("bob", &other.id).await.unwrap();
    created(store.submit(again(&keyed)).await);
}
