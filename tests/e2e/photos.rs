//! What the local model makes of a photo as a phone takes it.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, decode};

use crate::shared::local;

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

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
