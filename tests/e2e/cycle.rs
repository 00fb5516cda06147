//! The main job: from a picture and a prompt to the refined picture.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, Picture, brightness, decode};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::shape::{assert_is_concept, assert_is_task};
use crate::shared::{local, origin};

#[tokio::test]
async fn an_uploaded_picture_of_each_format_is_refined() {
    let cycles = pictures::all(320, 200).map(async |picture| {
        let client = Client::session(local().url()).await;
        let original = client.uploaded(&picture).await;
        let task = client.refined(&original, "make it lighter").await;
        assert_refined(&client, &picture, &original, &task).await;
    });
    join_all(cycles).await;
}

#[tokio::test]
async fn a_picture_of_an_allowed_source_is_refined() {
    let cycles = pictures::all(200, 320).map(async |picture| {
        let client = Client::session(local().url()).await;
        let original = origin().picture(&picture);
        let task = client.refined(&original, "make it lighter").await;
        assert_refined(&client, &picture, &original, &task).await;
        assert_eq!(origin().requests(&original).len(), 1);
    });
    join_all(cycles).await;
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
    let same = anybody.get(concept["image_url"].as_str().unwrap()).await;
    assert_eq!(same.body, image.body);
}

#[tokio::test]
async fn a_phones_photo_is_turned_upright_and_loses_its_place() {
    let client = Client::session(local().url()).await;
    let photo = pictures::phone_photo(64, 32);
    assert!(contains(&photo.bytes, pictures::PLACE));
    let original = client.uploaded(&photo).await;
    let task = client.refined(&original, "a little lighter").await;
    assert_eq!(task["status"], "completed", "{task}");
    let image = client.get(task["image_url"].as_str().unwrap()).await;
    assert_eq!(image.header("content-type"), Some("image/jpeg"));
    assert!(!contains(&image.body, pictures::PLACE));
    assert!(!contains(&image.body, b"Exif"));

    let refined = decode(&image.body).to_rgb8();
    assert_eq!(refined.dimensions(), (32, 64));
    let [red, _, blue] = refined.get_pixel(16, 8).0;
    assert!(red > blue, "the left side is up now");
    let [red, _, blue] = refined.get_pixel(16, 56).0;
    assert!(blue > red, "the right side is down now");
}

#[tokio::test]
async fn the_first_answer_is_a_pending_task_with_the_request_as_sent() {
    let client = Client::session(local().url()).await;
    let request = json!({
        "original_image_url": origin().picture(&pictures::png(8, 8)),
        "refinement_prompt": "  Make it lighter ☕\n",
        "logo_description": "A bean",
        "status": "completed",
    });
    let answer = client.post("/api/concepts/refine", &request).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let task = answer.json();
    assert_is_task(&task);
    assert_eq!(task["status"], "pending");
    assert_eq!(
        task["message"],
        "Concept refinement task created and queued for processing"
    );
    assert_eq!(
        task["metadata"],
        json!({
            "original_image_url": request["original_image_url"],
            "refinement_prompt": "  Make it lighter ☕\n",
            "logo_description": "A bean",
            "theme_description": null,
        })
    );
    let id = answer.task_id();
    let finished = client.finished(&id).await;
    let same = client.get(&format!("/api/concepts/task/{id}")).await;
    assert_eq!(same.json(), finished, "both paths say the same");
}

#[tokio::test]
async fn words_that_the_model_does_not_know_fail_the_task_with_a_sentence() {
    let client = Client::session(local().url()).await;
    let original = origin().picture(&pictures::png(8, 8));
    let task = client.refined(&original, "add a dragon").await;
    assert_is_task(&task);
    let message = task["error_message"].as_str().unwrap();
    let begin = "Error in refinement task processing: Image refinement failed: ";
    assert!(message.starts_with(begin), "{message}");
    assert!(message.contains("edits by rules"), "{message}");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
