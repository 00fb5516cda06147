//! Forgetting tasks.

use concept_refinement_domain::capability::Deleted;
use uuid::Uuid;

use super::{LEASE, Store, TaskBackend};

pub async fn a_task_can_be_deleted_in_each_state<B: TaskBackend>() {
    let store = Store::<B>::start();
    let pending = store.created("ada").await;
    let processing = store.claimed("bob").await.task;
    let (completed, _) = store.completed("eve").await;
    let failed = store.claimed("joe").await;
    store.fail(&failed.lease).await;
    for task in [pending, processing, completed, failed.task] {
        let deleted = store.tasks.delete(&task.user_id, &task.id).await.unwrap();
        let nothing_left = Deleted {
            unpublished_image: None,
        };
        assert_eq!(deleted, Some(nothing_left), "{:?}", task.status);
        assert_eq!(store.find(&task).await, None);
        let repeated = store.tasks.delete(&task.user_id, &task.id).await.unwrap();
        assert_eq!(repeated, None);
        let list = store
            .tasks
            .list(&task.user_id, None, 10, None)
            .await
            .unwrap();
        assert_eq!(list.items, []);
        store.pass(LEASE);
        assert!(store.try_claim(&task).await.is_none());
        store.created(&task.user_id).await;
    }
}

pub async fn what_was_not_published_is_handed_over<B: TaskBackend>() {
    let store = Store::<B>::start();
    let image = |path: &str| {
        Some(Deleted {
            unpublished_image: Some(path.into()),
        })
    };
    let stored = async |user: &str| {
        let claimed = store.claimed(user).await;
        let path = format!("refined/{user}");
        let _ = store
            .leases
            .checkpoint(&claimed.lease, &path)
            .await
            .unwrap();
        claimed
    };
    let delete = async |user: &str, id: &str| store.tasks.delete(user, id).await.unwrap();

    let processing = stored("processing").await.task.id;
    assert_eq!(
        delete("processing", &processing).await,
        image("refined/processing")
    );
    let released = stored("released").await;
    let _ = store.leases.release(&released.lease).await.unwrap();
    assert_eq!(
        delete("released", &released.task.id).await,
        image("refined/released")
    );
    let failed = stored("failed").await;
    store.fail(&failed.lease).await;
    assert_eq!(
        delete("failed", &failed.task.id).await,
        image("refined/failed")
    );
    let completed = stored("completed").await;
    store.complete(&completed).await;
    let deleted = delete("completed", &completed.task.id).await.unwrap();
    assert_eq!(deleted.unpublished_image, None, "it is the concept's");
}

pub async fn only_its_user_deletes_a_task<B: TaskBackend>() {
    let store = Store::<B>::start();
    let task = store.created("ada").await;
    for (user, id) in [
        ("bob", task.id.clone()),
        ("", task.id.clone()),
        ("ada", Uuid::new_v4().to_string()),
        ("ada", String::new()),
    ] {
        assert_eq!(
            store.tasks.delete(user, &id).await.unwrap(),
            None,
            "{user} {id}"
        );
    }
    assert_eq!(store.task(&task).await, task);
}

pub async fn a_finished_tasks_concept_stays<B: TaskBackend>() {
    let store = Store::<B>::start();
    let (task, concept) = store.completed("ada").await;
    let before = store.concepts.get("ada", &concept).await.unwrap();
    assert!(before.is_some());
    store.tasks.delete("ada", &task.id).await.unwrap().unwrap();
    assert_eq!(store.concepts.get("ada", &concept).await.unwrap(), before);
    let image = store.concepts.delete("ada", &concept).await.unwrap();
    assert_eq!(image, task.image_path);
}
