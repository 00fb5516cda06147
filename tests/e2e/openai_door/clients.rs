//! Applications that write their requests themselves.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::openai::{EDITS, Form, image};
use concept_refinement_tests::pictures;
use futures::stream;
use reqwest::{Body, Method};
use serde_json::Value;

use super::tasks;
use crate::shared::{new_user, scripted};

/// By axios with form-data: two dashes more before each boundary, and no length, since
/// the image is a stream.
#[tokio::test]
async fn libre_chat_is_answered_with_an_image() {
    let picture = pictures::png(40, 30);
    let boundary = "--------------------------707a1f817a8b120101fd0ccd";
    let disposition = "Content-Disposition: form-data; name=";
    let field =
        |name: &str, value: &str| format!("--{boundary}\r\n{disposition}\"{name}\"\r\n\r\n{value}");
    let fields = [
        field("model", "gpt-image-1"),
        field("prompt", "echo it"),
        field("quality", "auto"),
        field("size", "auto"),
        format!(
            "--{boundary}\r\n{disposition}\"image[]\"; filename=\"a.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        ),
    ];
    let mut chunks: Vec<Vec<u8>> = vec![fields.join("\r\n").into_bytes()];
    chunks.extend(picture.bytes.chunks(50).map(<[u8]>::to_vec));
    chunks.push(format!("\r\n--{boundary}--\r\n").into_bytes());
    let body = stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
    let user = new_user(scripted());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let client = user.with("content-type", &content_type);
    // As Open WebUI names a version.
    let path = format!("{EDITS}?api-version=2025-04-01-preview");
    let answer = client
        .send(Method::POST, &path, Body::wrap_stream(body))
        .await;
    assert_stored(&user, &image(&answer)).await;
    assert_eq!(answer.header("x-ignored-fields"), Some("quality, size"));
}

/// Its event has the one or the other, too.
#[tokio::test]
async fn a_stream_ends_with_the_url_where_that_is_asked_for() {
    let user = new_user(scripted());
    let form = Form::edit(&pictures::png(40, 30), "echo it").field("stream", "true");
    let answer = form.field("response_format", "url").send(&user).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let events = String::from_utf8(answer.body.to_vec()).unwrap();
    let data = events.lines().find_map(|line| line.strip_prefix("data: "));
    let data: Value = serde_json::from_str(data.unwrap()).unwrap();
    let served = user.get(data["url"].as_str().unwrap()).await;
    assert_stored(&user, &served.body).await;
}

/// That this is the image of the user's newest task.
async fn assert_stored(user: &Client, made: &[u8]) {
    let tasks = tasks(user).await;
    let stored = user.get(tasks[0]["image_url"].as_str().unwrap()).await;
    assert!(stored.body == made, "{tasks:?}");
}
