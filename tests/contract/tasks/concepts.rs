//! Refined concepts.

use std::time::Duration;

use concept_refinement_domain::capability::{ErrorKind, Position};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::task::Task;
use uuid::Uuid;

use super::{LEASE, MICROSECOND, Store, TaskBackend, concept};

async fn list<B: TaskBackend>(store: &Store<B>, user: &str) -> Vec<Concept> {
    let page = store.concepts.list(user, 100, None).await.unwrap();
    assert_eq!(page.next, None);
    page.items
}

pub async fn a_concept_is_seen_once_its_task_is_completed<B: TaskBackend>() {
    let store = Store::<B>::start();
    let claimed = store.claimed("ada").await;
    let content = NewConcept {
        is_anonymous: true,
        logo_description: None,
        theme_description: Some("☕️ \" \0".into()),
        color_palettes: vec!["#123456".into(), "\"quoted\"".into()],
        ..concept(&claimed.task)
    };
    let put = store
        .leases
        .put_concept(&claimed.lease, content.clone())
        .await;
    let id = put.unwrap().unwrap();
    assert_eq!(Uuid::parse_str(&id).unwrap().to_string(), id);
    assert_eq!(store.concepts.get("ada", &id).await.unwrap(), None);
    assert_eq!(list(&store, "ada").await, []);
    assert_eq!(store.concepts.delete("ada", &id).await.unwrap(), None);

    store.pass(MICROSECOND);
    let _ = store.leases.complete(&claimed.lease, &id).await.unwrap();
    let expected = Concept {
        id: id.clone(),
        created_at: store.now(),
        content,
    };
    assert_eq!(
        store.concepts.get("ada", &id).await.unwrap(),
        Some(expected.clone())
    );
    assert_eq!(list(&store, "ada").await, [expected]);
}

pub async fn a_repeat_replaces_what_was_prepared<B: TaskBackend>() {
    let store = Store::<B>::start();
    let first = store.claimed("ada").await;
    let id = store.prepare(&first).await;
    assert_eq!(store.prepare(&first).await, id);
    store.pass(LEASE);
    let second = store.claim(&first.task).await;
    let content = NewConcept {
        image_path: "refined/another".into(),
        ..concept(&first.task)
    };
    let put = store
        .leases
        .put_concept(&second.lease, content.clone())
        .await;
    assert_eq!(put.unwrap(), Some(id.clone()));
    let _ = store.leases.complete(&second.lease, &id).await.unwrap();
    let concepts = list(&store, "ada").await;
    assert_eq!(concepts.len(), 1);
    assert_eq!(concepts[0].content, content);
    let task = store.task(&first.task).await;
    assert_eq!(task.image_path.as_deref(), Some("refined/another"));
}

pub async fn a_task_that_fails_leaves_no_concept<B: TaskBackend>() {
    let store = Store::<B>::start();
    let failed = store.claimed("failed").await;
    let id = store.prepare(&failed).await;
    store.fail(&failed.lease).await;
    assert_eq!(store.concepts.get("failed", &id).await.unwrap(), None);

    let deleted = store.claimed("deleted").await;
    let id = store.prepare(&deleted).await;
    store
        .tasks
        .delete("deleted", &deleted.task.id)
        .await
        .unwrap();
    assert_eq!(store.concepts.get("deleted", &id).await.unwrap(), None);

    let withdrawn = store.claimed("withdrawn").await;
    let id = store.prepare(&withdrawn).await;
    let _ = store.leases.release(&withdrawn.lease).await.unwrap();
    let _ = store
        .tasks
        .withdraw(&withdrawn.task.id, "No.")
        .await
        .unwrap();
    assert_eq!(store.concepts.get("withdrawn", &id).await.unwrap(), None);

    for user in ["failed", "deleted", "withdrawn"] {
        assert_eq!(list(&store, user).await, [], "{user}");
    }
}

pub async fn a_concept_is_that_of_its_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let ada = store.claimed("ada").await;
    let bob = store.claimed("bob").await;
    let for_bob = NewConcept {
        user_id: "bob".into(),
        ..concept(&ada.task)
    };
    for foreign in [concept(&bob.task), for_bob] {
        let error = store
            .leases
            .put_concept(&ada.lease, foreign)
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    }
    let ids = [store.complete(&ada).await, store.complete(&bob).await];
    assert_ne!(ids[0], ids[1]);
}

pub async fn deleting_it_takes_the_image_from_its_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (task, id) = store.completed("ada").await;
    let (other, _) = store.completed("ada").await;
    let image = store.concepts.delete("ada", &id).await.unwrap();
    assert_eq!(image, task.image_path);
    assert!(image.is_some());
    let expected = Task {
        image_path: None,
        ..task.clone()
    };
    assert_eq!(store.task(&task).await, expected);
    assert_eq!(expected.result_id, Some(id.clone()));
    assert_eq!(store.task(&other).await, other);
    assert_eq!(store.concepts.get("ada", &id).await.unwrap(), None);
    assert_eq!(store.concepts.delete("ada", &id).await.unwrap(), None);
    assert_eq!(list(&store, "ada").await.len(), 1);
}

pub async fn a_user_sees_their_own_concepts_only<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (task, id) = store.completed("ada").await;
    store.completed("bob").await;
    for (user, id) in [
        ("bob", id.as_str()),
        ("", &id),
        ("Ada", &id),
        ("ada", ""),
        ("ada", &id.to_uppercase()),
        ("ada", &task.id),
        ("ada", &Uuid::new_v4().to_string()),
    ] {
        assert_eq!(
            store.concepts.get(user, id).await.unwrap(),
            None,
            "{user} {id}"
        );
        assert_eq!(
            store.concepts.delete(user, id).await.unwrap(),
            None,
            "{user} {id}"
        );
    }
    assert_eq!(list(&store, "ada").await.len(), 1);
    assert_eq!(list(&store, "eve").await, []);
    assert_eq!(store.task(&task).await, task);
}

pub async fn concepts_are_paged_newest_first<B: TaskBackend>() {
    let store = Store::<B>::start();
    let mut expected = Vec::new();
    for n in 0..9 {
        let (_, id) = store.completed("ada").await;
        expected.push(store.concepts.get("ada", &id).await.unwrap().unwrap());
        if n % 3 == 2 {
            store.pass(Duration::from_secs(1));
        }
    }
    let place = |concept: &Concept| Position {
        created_at: concept.created_at,
        id: concept.id.clone(),
    };
    expected.sort_by_key(|concept| std::cmp::Reverse((concept.created_at, concept.id.clone())));
    for limit in 1..=10 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.concepts.list("ada", limit, after).await.unwrap();
            assert!(page.items.len() <= limit as usize);
            found.extend(page.items);
            assert_eq!(page.next.is_none(), found.len() >= 9, "{limit} a page");
            assert!(page.next.is_none() || page.next == found.last().map(place));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{limit} a page");
    }
}
