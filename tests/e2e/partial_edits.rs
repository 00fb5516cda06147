//! Edits of a part of an image: what is outside stays as it was. What files, profiles and
//! masks lead to is in the tables of the component.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, mask};
use concept_refinement_tests::server::Reply;
use futures::future::join_all;
use image::{DynamicImage, RgbaImage};
use serde_json::{Value, json};

use crate::shared::{local, new_user, origin, scripted};

const FAILED: &str = "Error in refinement task processing: Image refinement failed: ";

/// Changes every pixel.
const INVERT: &str = "invert the colors";

async fn image(client: &Client, task: &Value) -> (String, RgbaImage) {
    let url = task["image_url"]
        .as_str()
        .unwrap_or_else(|| panic!("{task}"));
    let answer = client.get(url).await;
    let media_type = answer.header("content-type").unwrap().to_owned();
    let image = image::load_from_memory(&answer.body).unwrap();
    (media_type, image.to_rgba8())
}

/// The largest difference of a channel between two pixels.
fn difference(one: &[u8; 4], other: &[u8; 4]) -> u8 {
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| one.abs_diff(*other))
        .max()
        .unwrap()
}

#[tokio::test]
async fn nothing_changes_outside_of_a_region_or_a_mask() {
    const EDGES: [u32; 4] = [30, 20, 70, 50];
    let region = json!({"x": 30, "y": 20, "width": 40, "height": 30});
    let cases = pictures::all(100, 80)
        .into_iter()
        .flat_map(|picture| [false, true].map(|is_masked| (picture.clone(), is_masked)));
    join_all(cases.map(async |(picture, is_masked)| {
        let name = format!("{} by a mask: {is_masked}", picture.media_type);
        let client = Client::session(local().url()).await;
        let original = client.uploaded(&picture).await;
        let edit = match is_masked {
            true => {
                json!({"mask_url": client.uploaded(&mask(100, 80, EDGES)).await, "mask_feather": 3})
            }
            false => json!({"region": region, "mask_feather": 3}),
        };
        let task = client.edited(&original, INVERT, &edit).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        for (field, sent) in edit.as_object().unwrap() {
            assert_eq!(task["metadata"][field], *sent, "{name}");
        }
        assert_eq!(task["metadata"].get("strength"), None, "{name}");
        let (media_type, result) = image(&client, &task).await;
        let (expected, tolerance) = match picture.media_type {
            "image/webp" => ("image/webp", 0),
            // The service has a decoder of its own.
            "image/jpeg" => ("image/png", 3),
            _ => ("image/png", 0),
        };
        assert_eq!(media_type, expected, "{name}");
        let before = image::load_from_memory(&picture.bytes).unwrap().to_rgba8();
        assert_eq!(result.dimensions(), before.dimensions(), "{name}");
        let [left, top, right, bottom] = EDGES;
        for (x, y, pixel) in before.enumerate_pixels() {
            let after = result.get_pixel(x, y);
            let differs = difference(&pixel.0, &after.0);
            if !(left..right).contains(&x) || !(top..bottom).contains(&y) {
                assert!(
                    differs <= tolerance,
                    "{name}: {x}, {y}: {pixel:?}, {after:?}"
                );
            }
            if (left + 4..right - 4).contains(&x) && (top + 4..bottom - 4).contains(&y) {
                let inverse = pixel.0.map(|value| 255 - value);
                let inverse = [inverse[0], inverse[1], inverse[2], 255];
                let is_inverse = difference(&inverse, &after.0) <= 12;
                assert!(is_inverse, "{name}: {x}, {y}: {pixel:?}, {after:?}");
            }
        }
    }))
    .await;
}

/// As large as an original may be, within the default memory of a model.
#[tokio::test]
async fn fifty_megapixels_are_edited_in_part() {
    let (width, height) = (8_000, 6_250);
    let before = DynamicImage::from(image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x / 32) as u8, (y / 32) as u8, ((x + y) / 64) as u8])
    }));
    let client = Client::session(local().url()).await;
    let original = client.uploaded(&pictures::png_of(&before)).await;
    let region = json!({"region": {"x": 1_000, "y": 1_000, "width": 3_000, "height": 2_000}});
    let id = client.accepted_with(&original, INVERT, &region).await;
    let limit = Duration::from_secs(120);
    let task = client.finished_within(&id, limit).await;
    assert_eq!(task["status"], "completed", "{task}");
    let url = task["image_url"].as_str().unwrap();
    let after = image::load_from_memory(&client.get(url).await.body)
        .unwrap()
        .to_rgb8();
    let is_inside = |x, y| (1_000..4_000).contains(&x) && (1_000..3_000).contains(&y);
    let before = before.as_rgb8().unwrap();
    let changed = before
        .enumerate_pixels()
        .find(|(x, y, pixel)| !is_inside(*x, *y) && *pixel != after.get_pixel(*x, *y));
    assert_eq!(changed, None);
    let inverse = before.get_pixel(2_000, 2_000).0.map(|value| 255 - value);
    assert_eq!(after.get_pixel(2_000, 2_000).0, inverse);
}

/// A model that answers in another size is scaled back, and the user is told.
#[tokio::test]
async fn an_answer_of_another_size_is_scaled() {
    let client = Client::session(local().url()).await;
    let picture = pictures::png(120, 90);
    let original = client.uploaded(&picture).await;
    let edit = json!({"region": {"x": 0, "y": 0, "width": 60, "height": 90}});
    let task = client.edited(&original, "resize to 60x45", &edit).await;
    let (_, result) = image(&client, &task).await;
    assert_eq!(result.dimensions(), (120, 90));
    let before = image::load_from_memory(&picture.bytes).unwrap().to_rgba8();
    for (x, y, pixel) in before.enumerate_pixels().filter(|(x, ..)| *x >= 60) {
        assert_eq!(pixel, result.get_pixel(x, y), "{x}, {y}");
    }
    let notes = task["metadata"]["notes"].to_string();
    assert!(notes.contains("was scaled to 120 × 90"), "{notes}");
}

/// What is told before the model is asked costs nothing.
#[tokio::test]
async fn what_cannot_be_edited_gives_its_quota_back() {
    let client = new_user(scripted());
    let before = client.quota_left().await;
    let original = client.uploaded(&pictures::png(64, 48)).await;
    let outside = json!({"region": {"x": 64, "y": 0, "width": 5, "height": 5}});
    // The model would crash.
    let task = client.edited(&original, "trap", &outside).await;
    let expected = format!("{FAILED}the region lies outside of the image, 64 × 48");
    assert_eq!(task["error_message"], expected);
    assert_eq!(client.quota_left().await, before);
}

#[tokio::test]
async fn a_mask_is_found_as_an_original_is() {
    let client = new_user(scripted());
    let original = origin().picture(&pictures::png(20, 20));
    let missing = origin().serve(Reply::status(404));
    let task = client
        .edited(&original, "echo it", &json!({"mask_url": missing}))
        .await;
    let expected = "Error in refinement task processing: Failed to download original image: the \
                    mask: the address answered 404";
    assert_eq!(task["error_message"], expected);
    let other = new_user(scripted());
    let theirs = other.uploaded(&mask(20, 20, [0, 0, 9, 9])).await;
    let body = json!({
        "original_image_url": original, "refinement_prompt": "echo it", "mask_url": theirs,
    });
    let answer = client.post("/api/concepts/refine", &body).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert_eq!(answer.json()["detail"], "There is no such mask.");
}
