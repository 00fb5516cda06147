//! Creating tasks, and taking them back.

use concept_refinement_domain::capability::{Accepted, NewTask, Submission, TaskFailure};
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::task::Refinement;
use sha2::{Digest as _, Sha256};

use super::{Rules, Store, TaskBackend, at_once, created, new_task, replayed, with_key};

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
                original_image_url: Some(text.into()),
                refinement_prompt: text.into(),
                logo_description: Some(text.into()),
                theme_description: Some(text.into()),
                ..Refinement::default()
            },
            idempotency_key: Some(format!("key {text}")),
            ..new_task(&format!("user {text}"))
        };
        let task = created(store.submit(new.clone()).await);
        assert_eq!(task.refinement, new.refinement);
        assert_eq!(store.task(&task).await, task);
        replayed(store.submit(new).await);
        let claimed = store.claim(&task).await;
        let _ = store
            .leases
            .fail(&claimed.lease, &TaskFailure::new(text))
            .await
            .unwrap();
        assert_eq!(store.task(&task).await.error_message.as_deref(), Some(text));
    }
}

/// The longest `sub` of a token, with the longest name of a user of its own behind it, beside
/// the longest key. They do not repeat, since an index may compress them.
pub async fn the_longest_user_is_kept<B: TaskBackend>() {
    let store = Store::<B>::start();
    let various = |length: usize| -> String {
        let hashes = (0_u32..).flat_map(|n| hex(&Sha256::digest(n.to_le_bytes())).into_bytes());
        hashes.take(length).map(char::from).collect()
    };
    let user = format!("{}/{}", various(1_024), various(4 * 128));
    let new = with_key(&user, &various(255));
    let task = created(store.submit(new.clone()).await);
    assert_eq!(store.task(&task).await, task);
    replayed(store.submit(new).await);
}
