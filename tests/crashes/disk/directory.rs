//! The data directory, or a part of it, is removed or replaced while the
//! service runs: nothing is accepted that cannot be stored, and unreachable
//! data does not count as deleted.

use std::fs;
use std::path::Path;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::directory::copy_into;
use concept_refinement_tests::pictures;

use crate::disk::shared::{
    NO_IMAGES, NO_TASKS, assert_completed, assert_degraded, assert_ready, assert_unavailable,
    launch, original, stop_and_check, user,
};

/// Puts something where the directory was, which is set aside.
type Put = fn(&Path, &Path);

/// What stands where the directory was.
const INSTEAD: [(&str, Put); 3] = [
    ("nothing", |_, _| {}),
    ("an empty directory", |at, _| fs::create_dir(at).unwrap()),
    ("a copy", |at, aside| {
        fs::create_dir(at).unwrap();
        // Shared code is linked, and is none of ours to copy.
        copy_into(aside, at);
    }),
];

#[tokio::test]
async fn without_its_directory_it_refuses_until_that_is_back() {
    let launch = launch();
    let service = launch.start();
    let client = user(&service, "ada");
    let picture = pictures::png(64, 48);
    let upload = client.upload(picture.media_type, &picture.bytes).await;
    let image = format!("/api/images/{}", upload.json()["path"].as_str().unwrap());
    let task = client.refined(&original(), "echo it").await;
    assert_completed(&task);
    let concept = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());
    let aside = launch.data().with_file_name("aside");

    for (name, tasks) in [("", NO_TASKS), ("images", "ok")] {
        let place = launch
            .data()
            .join(name)
            .components()
            .collect::<std::path::PathBuf>();
        for (instead, put) in INSTEAD {
            fs::rename(&place, &aside).unwrap();
            put(&place, &aside);
            assert_degraded(&client, tasks, NO_IMAGES).await;
            let refused = client.upload(picture.media_type, &picture.bytes).await;
            assert_unavailable(&refused, NO_IMAGES);
            if tasks != "ok" {
                assert_unavailable(&client.refine(&original(), "echo it").await, tasks);
            }
            if tasks != "ok" || instead != "a copy" {
                assert_unavailable(&client.delete(&concept).await, NO_IMAGES);
            }
            if instead != "a copy" {
                assert_unavailable(&client.get(&image).await, NO_IMAGES);
                assert_unavailable(&client.delete(&image).await, NO_IMAGES);
            }
            if place.exists() {
                fs::remove_dir_all(&place).unwrap();
            }
            fs::rename(&aside, &place).unwrap();
            assert_back(&client, &image, &picture.bytes).await;
        }
    }
    stop_and_check(&launch, service);
}

async fn assert_back(client: &Client, image: &str, bytes: &[u8]) {
    assert_ready(client).await;
    assert_eq!(client.get(image).await.body, bytes);
    assert_completed(&client.refined(&original(), "echo it").await);
}
