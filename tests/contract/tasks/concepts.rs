//! Refined concepts.

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
