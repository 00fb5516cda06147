//! Uploaded originals.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, padded};
use concept_refinement_tests::tokens::token;
use futures::stream;
use reqwest::{Body, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::shared::{new_name, new_user, scripted, scripted_launch};

#[tokio::test]
async fn an_upload_in_chunks_is_as_good() {
    let client = new_user(scripted());
    let picture = pictures::png(200, 200);
    let answer = client
        .send(Method::POST, "/api/images", chunked(&picture.bytes))
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let image = client
        .get(answer.json()["image_url"].as_str().unwrap())
        .await;
    assert_eq!(image.body, picture.bytes);
}

/// The largest image is larger than all uploads may be together.
#[tokio::test]
async fn an_upload_in_chunks_counts_as_no_more_than_its_user_may_have() {
    let service = scripted_launch().set("upload-bytes", "100KiB").start();
    for (bytes, status) in [(60 << 10, 201), (200 << 10, 429)] {
        let body = chunked(&padded(bytes));
        let answer = new_user(&service)
            .send(Method::POST, "/api/images", body)
            .await;
        assert_eq!(answer.status, status, "{bytes}: {answer:?}");
    }
}

/// Of undeclared length, in small pieces.
fn chunked(bytes: &[u8]) -> Body {
    let chunks: Vec<_> = bytes.chunks(1000).map(<[u8]>::to_vec).collect();
    Body::wrap_stream(stream::iter(
        chunks.into_iter().map(Ok::<_, std::io::Error>),
    ))
}

#[tokio::test]
async fn an_upload_that_ends_before_its_length_is_refused() {
    let client = new_user(scripted());
    let picture = pictures::png(60, 60);
    let authority = client.base().trim_start_matches("http://");
    let token = token(&new_name());
    let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
    let (half, _) = picture.bytes.split_at(picture.bytes.len() / 2);
    let head = format!(
        "POST /api/images HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {token}\r\n\
         content-length: {}\r\n\r\n",
        picture.bytes.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(half).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    // Whether it is told or not, it is no success.
    let _ = stream.read_to_string(&mut answer).await;
    assert!(!answer.contains("HTTP/1.1 201"), "{answer}");
    let health = Client::new(client.base()).get("/api/health").await;
    assert_eq!(health.status, 200);
}
