//! A disk that nobody may write to.
//!
//! The system lets no disk become read-only while files are open for writing, so the
//! one under the tables of tasks and small images cannot; large images are opened one
//! by one.

use std::fs;
use std::path::Path;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::metadata::marked;

use crate::disk::shared::{
    NO_IMAGES, assert_completed, assert_degraded, assert_ready, assert_unavailable, large_picture,
    on_small_disk, original, stop_and_check, user,
};
use crate::disk::starting::assert_refused;

const READ_ONLY: &str = "Read-only file system (os error 30)";

#[tokio::test]
async fn a_start_on_it_is_refused() {
    let launch = on_small_disk();
    launch.disk().make_read_only("");
    assert_refused(&launch.run(), READ_ONLY);
    launch.disk().make_writable("");

    let service = launch.start();
    let client = user(&service, "ada");
    assert_completed(&client.refined(&original(), "echo it").await);
    let launch = launch.at(&service);
    stop_and_check(&launch, service);

    launch.disk().make_read_only("");
    assert_refused(&launch.run(), READ_ONLY);
    launch.disk().make_writable("");
    launch.disk().make_read_only("images");
    assert_refused(&launch.run(), READ_ONLY);
    launch.disk().make_writable("images");
    let service = launch.start();
    assert_completed(&client.reconnected().refined(&original(), "echo it").await);
    stop_and_check(&launch, service);
}

/// With the files that a service has locked, and without them.
#[tokio::test]
async fn what_is_there_is_backed_up() {
    let launch = on_small_disk();
    let service = launch.start();
    let client = user(&service, "ada");
    assert_completed(&client.refined(&original(), "echo it").await);
    stop_and_check(&launch, service);
    let disk = launch.disk();
    for missing in [vec![], vec!["tasks.lock", "images/images.lock"]] {
        for lock in &missing {
            fs::remove_file(launch.data().join(lock)).unwrap();
        }
        disk.make_read_only("");
        let mut backup = disk.command(Path::new("/"), artifacts::binary());
        let done = backup.args(["backup", "-", "--data-dir"]).arg(disk.place());
        let done = done.output().unwrap();
        disk.make_writable("");
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{missing:?}: {said}");
        let counts = "backed up 1 tasks, 1 concepts, 1 images";
        assert!(said.contains(counts), "{missing:?}: {said}");
    }
}

#[tokio::test]
async fn images_that_cannot_be_stored_are_told_and_those_there_are_served() {
    // As long as a task waits for its image store.
    let launch = on_small_disk().set("task-timeout", "10s");
    let service = launch.start();
    let client = user(&service, "ada");
    // The table of small images is open, and can still be written.
    let picture = large_picture();
    let uploaded = client.uploaded(&picture).await;
    let task = client.refined(&uploaded, "echo it").await;
    assert_completed(&task);
    let refined = task["image_url"].as_str().unwrap();
    let concept = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());

    launch.disk().make_read_only("images");
    let refused = client.upload(picture.media_type, &picture.bytes).await;
    assert_unavailable(&refused, NO_IMAGES);
    let failed = client.refined(&uploaded, "echo it").await;
    let expected = "Error in refinement task processing: Storing refined image failed: \
         the task took longer than 10 seconds";
    assert_eq!(failed["error_message"], expected);
    assert_degraded(&client, "ok", NO_IMAGES).await;
    for (path, bytes) in [(&*uploaded, &picture.bytes), (refined, &marked(&picture))] {
        assert!(client.get(path).await.body == *bytes, "{path}");
    }

    launch.disk().make_writable("images");
    assert_ready(&client).await;
    client.uploaded(&picture).await;
    assert_completed(&client.refined(&uploaded, "echo it").await);
    assert_eq!(client.delete(&concept).await.status, 204);
    stop_and_check(&launch, service);
}
