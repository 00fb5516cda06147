//! Creating tasks, and taking them back.

use std::time::Duration;

use concept_refinement_domain::capability::{Accepted, NewTask, Submission};
use concept_refinement_domain::task::{Refinement, Status, Task};

use super::{Rules, Store, TaskBackend, at_once, created, new_task};

pub async fn a_new_task_is_pending_and_has_nothing_else<B: TaskBackend>() {
    let store = Store::<B>::start();
    let new = NewTask {
        is_anonymous: true,
        original_path: Some("uploads/a".into()),
        ..new_task("ada")
    };
    let expected = Task {
        id: new.id.clone(),
        user_id: "ada".into(),
        is_anonymous: true,
        status: Status::Pending,
        refinement: new.refinement.clone(),
        original_path: Some("uploads/a".into()),
        created_at: store.now(),
        updated_at: None,
        completed_at: None,
        result_id: None,
        image_path: None,
        notes: Vec::new(),
        error_message: None,
        lease_until: None,
    };
    let Submission::Created(accepted) = store.submit(new).await else {
        panic!("not created")
    };
    let unlimited = Accepted {
        task: expected.clone(),
        quota: None,
    };
    assert_eq!(accepted, unlimited);
    assert_eq!(store.task(&expected).await, expected);
}

pub async fn twenty_at_once_create_one<B: TaskBackend>() {
    let store = Store::<B>::start();
    let submissions = at_once(20, |_| {
        let tasks = store.tasks.clone();
        async move { tasks.submit(new_task("ada")).await.unwrap() }
    })
    .await;
    let winners: Vec<_> = submissions
        .iter()
        .filter_map(|submission| match submission {
            Submission::Created(accepted) => Some(accepted.task.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(winners.len(), 1);
    let active = Submission::Active(Accepted {
        task: winners[0].clone(),
        quota: None,
    });
    let others = submissions.iter().filter(|other| **other == active).count();
    assert_eq!(others, 19, "{submissions:?}");
    let all = store.tasks.list("ada", None, 100, None).await.unwrap();
    assert_eq!(all.items, winners);
}

/// The others are told the oldest. The limit is that of each submission.
pub async fn as_many_are_active_as_the_limit_allows<B: TaskBackend>() {
    let store = Store::<B>::start();
    let new = |active_tasks| NewTask {
        active_tasks,
        ..new_task("ada")
    };
    let submissions = at_once(12, |_| {
        let (tasks, new) = (store.tasks.clone(), new(3));
        async move { tasks.submit(new).await.unwrap() }
    })
    .await;
    let is_created = |one: &&Submission| matches!(one, Submission::Created(_));
    let count = submissions.iter().filter(is_created).count();
    assert_eq!(count, 3, "{submissions:?}");
    let listed = async || {
        store
            .tasks
            .list("ada", None, 100, None)
            .await
            .unwrap()
            .items
    };
    let [newest, middle, oldest] = <[Task; 3]>::try_from(listed().await).unwrap();
    let refused = async |active_tasks, expected: &Task| match store.submit(new(active_tasks)).await
    {
        Submission::Active(accepted) => assert_eq!(accepted.task, *expected),
        other => panic!("{other:?}"),
    };
    refused(3, &store.task(&oldest).await).await;
    refused(1, &store.task(&oldest).await).await;

    // Each has its own worker, and ends when it ends.
    let (of_newest, of_oldest) = (store.claim(&newest).await, store.claim(&oldest).await);
    store.finish(&of_newest).await;
    assert_eq!(store.task(&oldest).await, of_oldest.task);
    assert_eq!(store.task(&middle).await, middle);
    refused(2, &of_oldest.task).await;
    store.pass(Duration::from_secs(1));
    let next = created(store.submit(new(3)).await);
    assert!(store.tasks.delete("ada", &oldest.id).await.unwrap());
    assert_eq!(store.leases.renew(&of_oldest.lease).await, Ok(None));
    refused(2, &middle).await;
    let of_next = store.claim(&next).await;
    store.fail(&of_next.lease).await;
    store.finish(&store.claim(&middle).await).await;
    let concepts = store.concepts.list("ada", 100, None).await.unwrap().items;
    let of_tasks: Vec<_> = concepts.iter().map(|one| &*one.content.task_id).collect();
    assert_eq!(of_tasks.len(), 2);
    assert!(of_tasks.contains(&&*newest.id) && of_tasks.contains(&&*middle.id));
    let ids: Vec<_> = listed().await.into_iter().map(|task| task.id).collect();
    assert_eq!(ids, [next.id, newest.id, middle.id]);
    created(store.submit(new(1)).await);
}

pub async fn users_do_not_wait_for_each_other<B: TaskBackend>() {
    let store = Store::<B>::start();
    let submissions = at_once(100, |n| {
        let tasks = store.tasks.clone();
        async move { tasks.submit(new_task(&format!("user {n}"))).await.unwrap() }
    })
    .await;
    let mut ids: Vec<_> = submissions.into_iter().map(|one| created(one).id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

pub async fn a_full_backlog_refuses_until_a_task_is_taken<B: TaskBackend>() {
    let store = Store::<B>::start_with(Rules {
        max_backlog: 3,
        ..Rules::default()
    });
    let submissions = at_once(20, |n| {
        let tasks = store.tasks.clone();
        async move { tasks.submit(new_task(&format!("user {n}"))).await.unwrap() }
    })
    .await;
    let mut accepted = Vec::new();
    for submission in submissions {
        match submission {
            Submission::Created(one) => accepted.push(one.task),
            Submission::BacklogFull(seconds) => assert!((1..=600).contains(&seconds)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(accepted.len(), 3);

    let refused = async || {
        let judged = store.submit(new_task("late")).await;
        assert!(matches!(judged, Submission::BacklogFull(_)), "{judged:?}");
    };
    let accepts = async |user: &str| created(store.submit(new_task(user)).await);
    let claimed = store.claim(&accepted[0]).await;
    accepts("after a claim").await;
    refused().await;
    let _ = store.leases.release(&claimed.lease).await.unwrap();
    refused().await;
    let _ = store.tasks.withdraw(&accepted[1].id, "No.").await.unwrap();
    refused().await;
    let last = &accepted[2];
    store.tasks.delete(&last.user_id, &last.id).await.unwrap();
    accepts("after a deletion").await;
    refused().await;
}

pub async fn any_text_is_kept_as_it_is<B: TaskBackend>() {
    let store = Store::<B>::start();
    let texts = [
        "",
        " ",
        "'; DROP TABLE task; --",
        "%_?*[]{}\\\"",
        "line\nbreak\ttab\0nul",
        "☕️ 日本語 \u{202e}",
    ];
    for text in texts {
        let new = NewTask {
            refinement: Refinement {
                original_image_url: text.into(),
                refinement_prompt: text.into(),
                logo_description: Some(text.into()),
                theme_description: Some(text.into()),
            },
            idempotency_key: Some(format!("key {text}")),
            ..new_task(&format!("user {text}"))
        };
        let task = created(store.submit(new.clone()).await);
        assert_eq!(task.refinement, new.refinement);
        assert_eq!(store.task(&task).await, task);
        let replayed = store.submit(new).await;
        assert!(matches!(replayed, Submission::Replayed(_)), "{text:?}");
        let claimed = store.claim(&task).await;
        let _ = store.leases.fail(&claimed.lease, None, text).await.unwrap();
        assert_eq!(store.task(&task).await.error_message.as_deref(), Some(text));
    }
}
