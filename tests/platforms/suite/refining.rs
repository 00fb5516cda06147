//! The main job: from a picture and a prompt to the refined picture.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, Picture, brightness, decode};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::shape::{assert_is_concept, assert_is_task};
use futures::future::join_all;
use serde_json::{Value, json};

use super::unsigned;
use crate::Platform;
use concept_refinement_tests::platform::{
    Model, Start, local, new_user, origin, scripted, told_after,
};

pub async fn an_uploaded_picture_of_each_format_is_refined<P: Platform>() {
    let cycles = pictures::all(320, 200).map(async |picture| {
        let client = Client::session(local::<P>().url()).await;
        let original = client.uploaded(&picture).await;
        let task = client.refined(&original, "make it lighter").await;
        assert_refined(&client, &picture, &original, &task).await;
    });
    join_all(cycles).await;
}

pub async fn a_picture_of_an_allowed_source_is_refined<P: Platform>() {
    let cycles = pictures::all(200, 320).map(async |picture| {
        let client = Client::session(local::<P>().url()).await;
        let original = origin().picture(&picture);
        let task = client.refined(&original, "make it lighter").await;
        assert_refined(&client, &picture, &original, &task).await;
        assert_eq!(origin().requests(&original).len(), 1);
    });
    join_all(cycles).await;
}

/// With a region and with a mask, and nothing else changes.
pub async fn a_part_of_a_picture_is_refined<P: Platform>() {
    let picture = pictures::png(60, 40);
    let before = image::load_from_memory(&picture.bytes).unwrap().to_rgb8();
    let mask = pictures::mask(60, 40, [0, 0, 20, 40]);
    let client = Client::session(local::<P>().url()).await;
    let original = client.uploaded(&picture).await;
    let region = json!({"x": 0, "y": 0, "width": 20, "height": 40});
    for (name, edit) in [
        ("a region", json!({"region": region, "mask_feather": 0})),
        (
            "a mask",
            json!({"mask_url": client.uploaded(&mask).await, "mask_feather": 0}),
        ),
        (
            "a box",
            json!({"region": region, "region_only": true, "mask_feather": 0}),
        ),
    ] {
        let task = client.edited(&original, "invert the colors", &edit).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        let url = task["image_url"].as_str().unwrap();
        let after = image::load_from_memory(&client.get(url).await.body)
            .unwrap()
            .to_rgb8();
        assert_eq!(after.dimensions(), (60, 40), "{name}");
        for (x, y, pixel) in before.enumerate_pixels() {
            let is_same = pixel == after.get_pixel(x, y);
            assert_eq!(is_same, x >= 20, "{name}: {x}, {y}");
        }
    }
    let outside = json!({"region": {"x": 60, "y": 0, "width": 1, "height": 1}});
    let task = client
        .edited(&original, "invert the colors", &outside)
        .await;
    let expected = "Error in refinement task processing: Image refinement failed: the region \
                    lies outside of the image, 60 × 40";
    assert_eq!(task["error_message"], expected);
}

/// What a small picture may take, from its submission until its receiver is told.
const MOMENT: Duration = Duration::from_secs(1);

/// Whatever the lease: nothing that a task waits for may come with its renewal.
pub async fn a_small_picture_is_refined_in_a_moment<P: Platform>() {
    let long = Start::<P>::new(Model::Local).set("lease", "5m").start();
    for (lease, service) in [("30s", local::<P>()), ("5m", &long)] {
        let client = Client::session(service.url()).await;
        let original = client.uploaded(&pictures::png(64, 48)).await;
        let mut took = Vec::new();
        // Other cases keep the machine busy now and then.
        while took.iter().filter(|took| **took < MOMENT).count() < 3 {
            assert!(took.len() < 6, "with a lease of {lease}: {took:?}");
            took.push(told_after(&client, &original).await);
        }
    }
}

async fn assert_refined(client: &Client, picture: &Picture, original: &str, task: &Value) {
    assert_is_task(task);
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(task["message"], "Task is completed");
    assert_eq!(task["metadata"]["original_image_url"], original);

    let image_url = task["image_url"].as_str().unwrap();
    assert!(image_url.starts_with(client.base()), "{image_url}");
    let anybody = Client::new(client.base());
    let image = anybody.get(image_url).await;
    assert_eq!(image.status, 200);
    // A GIF's 256 colours are too few for what is refined.
    let expected = match picture.media_type {
        "image/gif" => "image/png",
        media_type => media_type,
    };
    assert_eq!(image.header("content-type"), Some(expected));
    let (before, after) = (decode(&picture.bytes), decode(&image.body));
    let size = (after.width(), after.height());
    assert_eq!(size, (picture.width, picture.height));
    let (before, after) = (brightness(&before), brightness(&after));
    assert!(after > before + 5.0, "{before} became {after}");

    let id = task["result_id"].as_str().unwrap();
    let concept = client.get(&format!("/api/concepts/{id}")).await.json();
    assert_is_concept(&concept);
    assert_eq!(concept["task_id"], task["task_id"]);
    assert_eq!(concept["original_image_url"], original);
    assert_eq!(concept["refinement_prompt"], "make it lighter");
    assert_eq!(concept["is_anonymous"], true);
    let same = concept["image_url"].as_str().unwrap();
    assert_eq!(unsigned(same), unsigned(image_url));
    assert_eq!(anybody.get(same).await.body, image.body);
}

/// Also when the concept is gone.
pub async fn what_the_model_says_of_its_work_stays_with_the_task<P: Platform>() {
    let client = new_user(scripted::<P>());
    let original = origin().picture(&pictures::png(8, 8));
    let notes = json!(["Note 1.", "Note 2."]);
    let task = client.refined(&original, "note 2 times").await;
    assert_is_task(&task);
    assert_eq!(task["metadata"]["notes"], notes);
    let concept = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());
    assert_eq!(client.get(&concept).await.json()["notes"], notes);
    assert_eq!(client.delete(&concept).await.status, 204);
    let id = task["task_id"].as_str().unwrap();
    let task = client.task(id).await;
    assert_is_task(&task);
    assert_eq!(task["metadata"]["notes"], notes);
    assert_eq!(task["image_url"], json!(null));
    let listed = client.get("/api/tasks?limit=1").await.json();
    assert_eq!(listed["tasks"][0], task);
}

pub async fn what_the_model_refuses_fails_the_task<P: Platform>() {
    let original = origin().picture(&pictures::png(8, 8));
    let begin = "Error in refinement task processing: Image refinement failed: ";

    let client = Client::session(local::<P>().url()).await;
    let task = client.refined(&original, "add a dragon").await;
    assert_is_task(&task);
    let message = task["error_message"].as_str().unwrap();
    assert!(message.starts_with(begin), "{message}");
    assert!(message.contains("edit by rules"), "{message}");

    let client = new_user(scripted::<P>());
    let message = client.failure(&original, "refuse: no logos today").await;
    assert!(message.starts_with(begin), "{message}");
    assert!(message.contains("no logos today"), "{message}");
    // The next may do better.
    client.completed(&original, "echo it").await;
}

pub async fn what_cannot_be_downloaded_fails_the_task<P: Platform>() {
    let begin = "Error in refinement task processing: Failed to download original image: ";
    let png = pictures::png(60, 60);
    let cases = [
        ("missing", Reply::status(404), "answered 404"),
        (
            "text",
            Reply::ok("image/png", b"Not an image."),
            "not an image",
        ),
        (
            "half",
            Reply::ok("image/png", &png.bytes[..png.bytes.len() / 2]),
            "",
        ),
    ];
    for (name, reply, sentence) in cases {
        let client = new_user(scripted::<P>());
        let task = client.refined(&origin().serve(reply), "echo it").await;
        assert_is_task(&task);
        assert_eq!(task["status"], "failed", "{name}: {task}");
        let message = task["error_message"].as_str().unwrap();
        assert!(message.starts_with(begin), "{name}: {message}");
        assert!(message.contains(sentence), "{name}: {message}");
    }
}
