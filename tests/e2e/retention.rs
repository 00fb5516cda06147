//! What is old and what nobody needs goes by itself.

use std::collections::BTreeSet;
use std::fs;

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::shape::unsigned;
use concept_refinement_tests::stored_images;
use serde_json::json;

use crate::shared::{new_user, origin, scripted_launch};

/// The names of the stored images of a kind.
fn images(launch: &Launch, kind: &str) -> BTreeSet<String> {
    let mut images = launch.images();
    images.retain(|name| name.starts_with(kind));
    images
}

fn path_of(task: &serde_json::Value) -> String {
    format!("/api/tasks/{}", task["task_id"].as_str().unwrap())
}

#[tokio::test]
async fn what_is_too_old_goes_with_its_files_and_what_is_under_way_stays() {
    let launch = scripted_launch()
        .set("retention", "3s")
        .set("concurrency", "1");
    let service = launch.start();
    let picture = pictures::png(8, 8);
    let [waiting, busy, done] = [(); 3].map(|()| new_user(&service));

    let upload = done.uploaded(&picture).await;
    let task = done.completed(&upload, "echo it").await;
    let (url, gate) = origin().gated(&picture);
    let under_way = busy.accepted(&url, "echo it").await;
    busy.task_is(&under_way, "processing").await;
    // The upload that is needed is older than the last one that goes.
    let needed = waiting.uploaded(&picture).await;
    let pending = waiting.accepted(&needed, "echo it").await;
    let last = done.uploaded(&picture).await;

    let concept = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());
    let image = task["image_url"].as_str().unwrap();
    for path in [&path_of(&task), &concept, image, &upload, &last] {
        eventually(&format!("{path} goes"), SOON, async || {
            (done.get(path).await.status == 404).then_some(())
        })
        .await;
    }
    assert_eq!(done.get("/api/tasks").await.json()["tasks"], json!([]));
    let concepts = done.get("/api/concepts").await.json();
    assert_eq!(concepts["concepts"], json!([]));
    assert_eq!(images(&launch, "refined"), [].into());

    assert_eq!(waiting.task(&pending).await["status"], "pending");
    assert_eq!(busy.task(&under_way).await["status"], "processing");
    assert_eq!(waiting.get(&needed).await.body, picture.bytes);
    assert_eq!(images(&launch, "uploads").len(), 1);

    gate.open();
    let task = waiting.finished(&pending).await;
    assert_eq!(task["status"], "completed", "{task}");
    eventually("everything goes", SOON, async || {
        let left = [images(&launch, "refined"), images(&launch, "uploads")];
        left.iter().all(BTreeSet::is_empty).then_some(())
    })
    .await;
    assert_eq!(waiting.get(&path_of(&task)).await.status, 404);
    let again = waiting.uploaded(&picture).await;
    waiting.completed(&again, "echo it").await;
    assert!(service.stop().status.success());
}

/// What a crash may leave: images of attempts that came to nothing, and of tasks that
/// are gone.
#[tokio::test]
async fn what_nothing_refers_to_goes_at_the_start_and_nothing_else() {
    let launch = scripted_launch();
    let service = launch.start();
    let client = new_user(&service);
    let picture = pictures::png(8, 8);
    let upload = client.uploaded(&picture).await;
    let task = client.refined(&upload, "echo it").await;
    let other = client.refined(&upload, "echo it").await;
    let deleted = client.refined(&upload, "echo it").await;
    assert_eq!(client.delete(&path_of(&other)).await.status, 204);
    let concept = format!("/api/concepts/{}", deleted["result_id"].as_str().unwrap());
    assert_eq!(client.delete(&concept).await.status, 204);
    let concepts = client.get("/api/concepts").await;
    let launch = launch.at(&service);
    assert!(service.stop().status.success());

    let uploads = images(&launch, "uploads");
    let refined = images(&launch, "refined");
    assert_eq!((uploads.len(), refined.len()), (1, 2));
    let of = |task: &serde_json::Value, attempt: u32| {
        format!("{}-{attempt}", task["task_id"].as_str().unwrap())
    };
    let some = refined.first().unwrap();
    let (folder, _) = some.rsplit_once('/').unwrap();
    let elsewhere = "refined/0123456789abcdef0123456789abcdef";
    let orphans = [
        format!("{folder}/{}", of(&task, 2)),
        format!("{folder}/{}", of(&other, 7)),
        format!("{folder}/{}", of(&deleted, 1)),
        format!("{elsewhere}/{}", of(&task, 1)),
    ];
    // All that may be left of a task after the loss of a database, and a name
    // that tells nothing.
    let kept = [
        format!("{folder}/01234567-89ab-4def-8123-456789abcdef-1"),
        format!("{folder}/logo"),
    ];
    for name in orphans.iter().chain(&kept) {
        launch.copy_image(some, name);
    }
    assert_eq!(images(&launch, "refined").len(), 8);

    let _service = launch.start();
    let kept: BTreeSet<String> = refined.iter().cloned().chain(kept).collect();
    eventually("the orphans go", SOON, async || {
        let left = images(&launch, "refined");
        assert!(left.is_superset(&kept), "{left:?}");
        (left == kept).then_some(())
    })
    .await;
    assert_eq!(images(&launch, "uploads"), uploads);
    let client = client.reconnected();
    assert_eq!(client.get(&upload).await.body, picture.bytes);
    let image = client.get(task["image_url"].as_str().unwrap()).await;
    assert_eq!(image.body, marked(&picture));
    for (path, before) in [
        ("/api/concepts", &concepts.json()),
        (&path_of(&task), &task),
    ] {
        let after = client.get(path).await.json();
        assert_eq!(unsigned(&after), unsigned(before), "{path}");
    }
}

/// In a data directory, where an image is written before it has its name.
#[tokio::test]
async fn half_an_image_goes_at_the_start_and_so_do_empty_folders() {
    let launch = scripted_launch().embedded();
    let service = launch.start();
    let client = new_user(&service);
    let original = origin().picture(&pictures::large_png(stored_images::LARGE));
    let task = client.refined(&original, "echo it").await;
    let launch = launch.at(&service);
    assert!(service.stop().status.success());

    let draft = launch.data().join("images/drafts/17");
    fs::write(&draft, "half an image").unwrap();
    let refined = images(&launch, "refined");
    let elsewhere = "refined/0123456789abcdef0123456789abcdef";
    let orphan = format!("{elsewhere}/{}-1", task["task_id"].as_str().unwrap());
    launch.copy_image(refined.first().unwrap(), &orphan);
    let folder = launch.data().join("images").join(elsewhere);
    assert!(folder.exists());

    let _service = launch.start();
    assert!(!draft.exists(), "before it was ready");
    eventually("the folder goes", SOON, async || {
        (!folder.exists()).then_some(())
    })
    .await;
}
