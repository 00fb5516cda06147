//! Refined concepts.

use std::time::Duration;

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::concept::Concept;
use uuid::Uuid;

use super::{MICROSECOND, Store, TaskBackend, created, image, new_task, refined};

async fn list<B: TaskBackend>(store: &Store<B>, user: &str) -> Vec<Concept> {
    let page = store.concepts.list(user, 100, None).await.unwrap();
    page.items
}

pub async fn a_concept_is_seen_once_its_task_is_completed<B: TaskBackend>() {
    let store = Store::<B>::start();
    let mut new = new_task("ada");
    new.is_anonymous = true;
    new.refinement.logo_description = None;
    new.refinement.theme_description = Some("☕️ \" \0".into());
    let task = created(store.submit(new).await);
    let claimed = store.claim(&task).await;
    assert_eq!(list(&store, "ada").await, []);

    store.pass(MICROSECOND);
    let id = store.finish(&claimed).await;
    assert_eq!(Uuid::parse_str(&id).unwrap().to_string(), id);
    let expected = Concept::of(&task, refined(&task), store.now());
    assert_eq!(expected.content.notes.len(), 2);
    assert_eq!(expected.id, id);
    assert_eq!(
        store.concepts.get("ada", &id).await.unwrap(),
        Some(expected.clone())
    );
    assert_eq!(store.concepts.get("bob", &id).await.unwrap(), None);
    assert_eq!(list(&store, "ada").await, [expected]);
    let task = store.task(&task).await;
    assert_eq!(task.image_path, Some(image(&task).path));
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
