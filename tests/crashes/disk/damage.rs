//! A damaged page in the tasks' file is reported as damage and left unchanged
//! for a restore.

use std::fs;
use std::path::{Path, PathBuf};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::service::Launch;
use rusqlite::Connection;

use crate::disk::shared::{
    assert_completed, assert_degraded, assert_unavailable, launch, original, user,
};

const DAMAGED: &str = "The task store is damaged.";

/// A store with a task of Ada's and more concepts of Eve's than a page holds,
/// not in use.
async fn filled() -> (Launch, Client, String) {
    let launch = launch();
    let service = launch.start();
    let ada = user(&service, "ada");
    let task = ada.refined(&original(), "echo it").await;
    assert_completed(&task);
    let launch = launch.at(&service);
    assert!(service.stop().status.success());
    let connection = Connection::open(file(&launch)).unwrap();
    connection
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) \
             INSERT INTO concept (id, task_id, user_id, is_anonymous, image_path, created_at, \
                content) \
             SELECT 'id-' || n, 'task-' || n, 'eve', 0, 'refined/x/' || n || '-1.png', n, \
                json_object('v', 1, 'task_id', 'task-' || n, 'user_id', 'eve', \
                    'is_anonymous', json('false'), 'image_path', 'refined/x/' || n || '-1.png', \
                    'image_url', '', 'original_image_url', 'https://example.com/', \
                    'refinement_prompt', printf('%.500c', 'x'), 'color_palettes', json('[]')) \
             FROM n",
        )
        .unwrap();
    let path = format!("/api/tasks/{}", task["task_id"].as_str().unwrap());
    (launch, ada.reconnected(), path)
}

fn file(launch: &Launch) -> PathBuf {
    launch.data().join("tasks.sqlite")
}

/// The pages of a table or an index that hold its rows, in order.
fn leaves(file: &Path, name: &str) -> Vec<u32> {
    let connection = Connection::open(file).unwrap();
    let mut leaves = connection
        .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
        .unwrap();
    let leaves = leaves.query_map([name], |row| row.get(0)).unwrap();
    leaves.map(Result::unwrap).collect()
}

/// Answers the bytes as they are then.
fn garble(file: &Path, page: u32) -> Vec<u8> {
    let page = page as usize;
    let mut bytes = fs::read(file).unwrap();
    bytes[(page - 1) * 4096..page * 4096].fill(0xa5);
    fs::write(file, &bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_start_on_it_is_refused_and_changes_nothing() {
    let (launch, ada, path) = filled().await;
    let file = file(&launch);
    let whole = fs::read(&file).unwrap();
    let due = leaves(&file, "task_due")[0];
    let tasks = leaves(&file, "task")[0];
    for page in [1, tasks, due] {
        let damaged = garble(&file, page);
        let ended = launch.run();
        let why = "tasks.sqlite is damaged, and nothing in it was changed or deleted: \
             restore a backup";
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.log.trim_end().ends_with(why), "{ended:?}");
        assert!(fs::read(&file).unwrap() == damaged, "page {page}");
        // Restored as a backup would be: without what belongs to the other.
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(launch.data().join(format!("tasks.sqlite{end}")));
        }
        fs::write(&file, &whole).unwrap();
    }
    let service = launch.start();
    assert_eq!(ada.reconnected().get(&path).await.status, 200);
    assert!(service.stop().status.success());
}

/// Where a start does not look.
#[tokio::test]
async fn it_is_told_from_when_it_is_found() {
    let (launch, ada, path) = filled().await;
    let leaves = leaves(&file(&launch), "concept");
    assert!(leaves.len() > 4, "{leaves:?}");
    garble(&file(&launch), leaves[leaves.len() / 2]);

    let service = launch.start();
    let ada = ada.reconnected();
    assert_completed(&ada.get(&path).await.json());
    let eve = user(&service, "eve");
    eventually("it is found", SOON, async || {
        let found = eve.get("/api/concepts?limit=100").await;
        (found.status == 503).then(|| assert_unavailable(&found, DAMAGED))
    })
    .await;
    for _ in 0..3 {
        assert_degraded(&ada, DAMAGED, "ok").await;
        let refused = ada.refine(&original(), "echo it").await;
        assert_unavailable(&refused, DAMAGED);
        assert_completed(&ada.get(&path).await.json());
    }
    let ended = service.stop();
    assert!(ended.status.success(), "{ended:?}");
    let lines = ended.log.matches("the task store is damaged: ").count();
    assert_eq!(lines, 1, "{}", ended.log);
}
