//! HTTP/2, as a client speaks it that knows that it is there.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;

use crate::shared::{new_name, scripted};

#[tokio::test]
async fn http_2_without_tls_is_spoken_too() {
    let client = Client::http2(scripted().url()).bearer(&token(&new_name()));
    let picture = pictures::png(300, 300);
    let original = client.uploaded(&picture).await;
    let task = client.completed(&original, "echo it").await;
    let image_url = task["image_url"].as_str().unwrap();
    assert!(image_url.starts_with(scripted().url()), "{image_url}");
    assert_eq!(client.get(image_url).await.body, marked(&picture));
}
