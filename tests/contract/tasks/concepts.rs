//! Refined concepts.

use std::time::Duration;

use concept_refinement_domain::capability::{ErrorKind, Position};
use concept_refinement_domain::concept::{Concept, NewConcept};
use uuid::Uuid;

use super::{MICROSECOND, Store, TaskBackend, concept};

async fn list<B: TaskBackend>(store: &Store<B>, user: &str) -> Vec<Concept> {
    let page = store.concepts.list(user, 100, None).await.unwrap();
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
