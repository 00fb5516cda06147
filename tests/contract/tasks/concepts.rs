//! Refined concepts.

use concept_refinement_domain::capability::{Claimed, Finished, RefinedImage};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::task::Parent;
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

/// A claimed task that refines the image of a concept.
async fn claimed_child<B: TaskBackend>(store: &Store<B>, user: &str, parent_id: &str) -> Claimed {
    let mut new = new_task(user);
    new.parent = Some(Parent {
        id: parent_id.to_owned(),
        image_url: "https://refine.example/api/images/a.png".into(),
    });
    let task = created(store.submit(new).await);
    store.pass(MICROSECOND);
    let claimed = store.claim(&task).await;
    assert_eq!(claimed.task.parent, task.parent);
    claimed
}

/// The id of a concept that was refined from another one.
async fn child<B: TaskBackend>(store: &Store<B>, user: &str, parent_id: &str) -> String {
    let claimed = claimed_child(store, user, parent_id).await;
    store.finish(&claimed).await
}

pub async fn a_concept_is_found_by_what_it_was_refined_from<B: TaskBackend>() {
    let store = Store::<B>::start();
    let children = async |user: &str, id: &str, limit: u32| {
        let found = store.concepts.children(user, id, limit).await.unwrap();
        found
            .into_iter()
            .map(|concept| concept.id)
            .collect::<Vec<_>>()
    };
    let (_, parent) = store.completed("ada").await;
    assert_eq!(children("ada", &parent, 10).await, Vec::<String>::new());
    let first = child(&store, "ada", &parent).await;
    let second = child(&store, "ada", &parent).await;
    let grandchild = child(&store, "ada", &second).await;
    // Another user cannot have such a task; if one had, nobody would see more.
    child(&store, "bob", &parent).await;
    let failed = claimed_child(&store, "ada", &parent).await;
    store.fail(&failed.lease).await;
    let both = [first.clone(), second.clone()];
    assert_eq!(children("ada", &parent, 10).await, both);
    assert_eq!(children("ada", &parent, 1).await, both[..1]);
    assert_eq!(children("ada", &second, 10).await, [grandchild.as_str()]);
    assert_eq!(children("mallory", &parent, 10).await, Vec::<String>::new());
    for id in ["", "1", "0190c0de-0000-7000-8000-000000000001"] {
        assert_eq!(children("ada", id, 10).await, Vec::<String>::new(), "{id}");
    }

    store.concepts.delete("ada", &first).await.unwrap();
    assert_eq!(children("ada", &parent, 10).await, [second.as_str()]);
    store.concepts.delete("ada", &second).await.unwrap();
    assert_eq!(children("ada", &parent, 10).await, Vec::<String>::new());
    let kept = store
        .concepts
        .get("ada", &grandchild)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.content.parent_id, Some(second));
}

pub async fn a_concept_is_found_by_its_image<B: TaskBackend>() {
    let store = Store::<B>::start();
    let sha256 = "5a".repeat(32);
    let found = async |sha256: &str| store.concepts.find_image(sha256).await.unwrap();
    assert_eq!(found(&sha256).await, None);
    let mut ids = Vec::new();
    for user in ["ada", "bob"] {
        let claimed = store.claimed(user).await;
        let mut image = image(&claimed.task);
        image.sha256 = Some(sha256.clone());
        store.pass(MICROSECOND);
        let image = RefinedImage::from(image);
        let finished = store.leases.finish(&claimed.lease, image).await;
        assert_eq!(finished, Ok(Finished::Done));
        let task = store.task(&claimed.task).await;
        ids.push((user, task.result_id.unwrap()));
    }
    let (user, first) = &ids[0];
    let first = store.concepts.get(user, first).await.unwrap().unwrap();
    assert_eq!(found(&sha256).await, Some(first.created_at));
    for other in ["", "5a", &"5A".repeat(32), &"5b".repeat(32), "../../secret"] {
        assert_eq!(found(other).await, None, "{other}");
    }
    for (user, id) in ids {
        store.concepts.delete(user, &id).await.unwrap();
    }
    assert_eq!(found(&sha256).await, None);
}
