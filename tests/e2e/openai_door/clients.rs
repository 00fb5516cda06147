//! Applications that write their requests themselves.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::openai::{EDITS, Form, image};
use concept_refinement_tests::pictures;
use futures::stream;
use reqwest::{Body, Method};
use serde_json::Value;

use super::tasks;
use crate::shared::{new_user, scripted};

/// By aiohttp: a type and then a disposition in each head, and a length. It sends its
/// credentials to the URL, too.
#[tokio::test]
async fn open_webui_is_answered_with_a_url_or_an_image() {
    let picture = pictures::png(40, 30);
    let boundary = "b1e9430d47714b568ed91d500c893800";
    let part = |of: &str, name: &str| {
        format!(
            "--{boundary}\r\nContent-Type: {of}\r\n\
             Content-Disposition: form-data; name=\"{name}\"\r\n\r\n"
        )
    };
    let field = |name: &str, value: &str| {
        let head = part("text/plain; charset=utf-8", name);
        format!("{head}{value}\r\n")
    };
    for response_format in ["b64_json", "url"] {
        let user = new_user(scripted());
        let fields = [
            field("model", "gpt-image-1"),
            field("prompt", "echo it"),
            field("n", "1"),
            field("size", "1024x1024"),
            field("response_format", response_format),
            part("image/png", "image[]\"; filename=\"0c5d2f6e.png"),
        ];
        let end = format!("\r\n--{boundary}--\r\n");
        let body = [fields.concat().as_bytes(), &picture.bytes, end.as_bytes()].concat();
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let client = user.with("content-type", &content_type);
        let path = format!("{EDITS}?api-version=2025-04-01-preview");
        let answer = client.send(Method::POST, &path, body).await;
        let made = match response_format {
            "url" => {
                assert_eq!(answer.status, 200, "{answer:?}");
                let answer = answer.json();
                let url = answer["data"][0]["url"].as_str().unwrap();
                let served = user.get(url).await;
                assert_eq!(served.status, 200, "{served:?}");
                assert_eq!(served.header("content-type"), Some("image/png"));
                served.body.to_vec()
            }
            _ => image(&answer),
        };
        assert_stored(&user, &made).await;
        assert_eq!(answer.header("x-ignored-fields"), Some("size"));
    }
}

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
    let answer = client
        .send(Method::POST, EDITS, Body::wrap_stream(body))
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
