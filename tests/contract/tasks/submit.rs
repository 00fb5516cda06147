//! Creating tasks, and taking them back.

use concept_refinement_domain::capability::{Accepted, ErrorKind, Fenced, NewTask, Submission};
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::task::{Refinement, Status, Task};

use super::{
    LEASE, MICROSECOND, Rules, Store, TaskBackend, at_once, created, new_task, with_key, with_quota,
};

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

pub async fn the_active_task_is_answered_until_it_is_final<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    let active = async |expected: Status| {
        let Submission::Active(accepted) = store.submit(new_task("ada")).await else {
            panic!("a second task while one is {expected:?}")
        };
        assert_eq!(accepted.task, store.task(&task).await);
        assert_eq!(accepted.task.status, expected);
    };
    active(Status::Pending).await;
    let first = store.claim(&task).await;
    active(Status::Processing).await;
    store.pass(LEASE + MICROSECOND);
    active(Status::Processing).await;
    let second = store.claim(&task).await;
    assert!(second.lease.attempt > first.lease.attempt);
    let released = store.leases.release(&second.lease).await.unwrap();
    assert_eq!(released, Fenced::Done);
    active(Status::Pending).await;
    let third = store.claim(&task).await;
    store.complete(&third).await;
    store.created("ada").await;
}

/// Each case lacks the reason of the one before, and is judged by the next.
pub async fn each_judgement_has_its_place<B: TaskBackend>() {
    let store = Store::<B>::start();
    let first = with_key("ada", "key");
    created(store.submit(first.clone()).await);

    let every_reason = NewTask {
        original_found: false,
        idempotency_key: Some("key".into()),
        ..with_quota("ada", 1, Window::Day)
    };
    let other_refinement = NewTask {
        refinement: Refinement {
            refinement_prompt: "Make it darker".into(),
            ..every_reason.refinement.clone()
        },
        ..every_reason.clone()
    };
    let judged = store.submit(other_refinement).await;
    assert_eq!(judged, Submission::KeyReused);

    let judged = store.submit(every_reason.clone()).await;
    assert!(matches!(judged, Submission::Replayed(_)), "{judged:?}");

    let without_key = NewTask {
        idempotency_key: None,
        ..every_reason
    };
    let judged = store.submit(without_key.clone()).await;
    assert_eq!(judged, Submission::OriginalMissing);

    let with_original = NewTask {
        original_found: true,
        ..without_key
    };
    let judged = store.submit(with_original.clone()).await;
    assert!(matches!(judged, Submission::Active(_)), "{judged:?}");

    store.tasks.delete("ada", &first.id).await.unwrap();
    let judged = store.submit(with_original).await;
    assert!(matches!(judged, Submission::QuotaExceeded(_)), "{judged:?}");

    created(store.submit(with_quota("ada", 2, Window::Day)).await);
}

pub async fn a_full_backlog_is_judged_last<B: TaskBackend>() {
    let store = Store::<B>::start_with(Rules {
        max_backlog: 1,
        ..Rules::default()
    });
    let task = store.created("ada").await;
    let judged = store.submit(with_quota("ada", 1, Window::Day)).await;
    assert!(matches!(judged, Submission::Active(_)), "{judged:?}");

    store.tasks.delete("ada", &task.id).await.unwrap();
    store.created("somebody, who fills the backlog").await;
    let judged = store.submit(with_quota("ada", 1, Window::Day)).await;
    assert!(matches!(judged, Submission::QuotaExceeded(_)), "{judged:?}");

    let judged = store.submit(with_quota("ada", 2, Window::Day)).await;
    assert!(matches!(judged, Submission::BacklogFull(_)), "{judged:?}");
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

pub async fn an_id_is_given_once<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    let same_id = NewTask {
        id: task.id.clone(),
        ..with_quota("bob", 1, Window::Day)
    };
    let error = store.tasks.submit(same_id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(store.task(&task).await, task);
    created(store.submit(with_quota("bob", 1, Window::Day)).await);
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
        let (claimed, path) = (store.claim(&task).await, format!("path {text}"));
        let _ = store
            .leases
            .checkpoint(&claimed.lease, &path)
            .await
            .unwrap();
        let _ = store.leases.fail(&claimed.lease, None, text).await.unwrap();
        assert_eq!(store.task(&task).await.error_message.as_deref(), Some(text));
    }
}

pub async fn a_withdrawn_task_has_failed_and_cost_nothing<B: TaskBackend>() {
    let store = Store::<B>::start();
    let new = NewTask {
        idempotency_key: Some("key".into()),
        ..with_quota("ada", 1, Window::Month)
    };
    let task = created(store.submit(new.clone()).await);
    store.pass(MICROSECOND);
    let withdrawn = store.tasks.withdraw(&task.id, "Not today.").await.unwrap();
    assert_eq!(withdrawn, Fenced::Done);
    let expected = Task {
        status: Status::Failed,
        updated_at: Some(store.now()),
        completed_at: Some(store.now()),
        error_message: Some("Not today.".into()),
        ..task.clone()
    };
    assert_eq!(store.task(&task).await, expected);
    assert!(store.try_claim(&task).await.is_none());

    let again = NewTask {
        id: new_task("ada").id,
        ..new
    };
    let again = created(store.submit(again).await);
    assert_ne!(
        again.id, task.id,
        "neither the key nor the quota was used up"
    );
}

pub async fn only_a_pending_task_is_withdrawn<B: TaskBackend>() {
    let store = Store::<B>::start();
    let withdraw = async |task: &Task| store.tasks.withdraw(&task.id, "No.").await.unwrap();

    let twice = store.created("twice").await;
    assert_eq!(withdraw(&twice).await, Fenced::Done);
    let processing = store.claimed("processing").await.task;
    let (completed, _) = store.completed("completed").await;
    let deleted = store.created("deleted").await;
    store.tasks.delete("deleted", &deleted.id).await.unwrap();
    for task in [&twice, &processing, &completed, &deleted] {
        let before = store.find(task).await;
        store.pass(MICROSECOND);
        assert_eq!(withdraw(task).await, Fenced::Lost, "{}", task.user_id);
        assert_eq!(store.find(task).await, before, "{}", task.user_id);
    }
}
