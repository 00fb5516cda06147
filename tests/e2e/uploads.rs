//! Uploaded originals.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, png_that_claims};
use concept_refinement_tests::tokens::token;
use futures::stream;
use reqwest::{Body, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::shared::{UPLOADS, new_name, new_user, scripted};

#[tokio::test]
async fn the_content_decides_what_an_upload_is() {
    for (picture, declared) in [
        (pictures::png(20, 20), "image/jpeg"),
        (pictures::webp(20, 20), "application/octet-stream"),
        (pictures::gif(20, 20), "text/html"),
    ] {
        let client = new_user(scripted());
        let answer = client.upload(declared, &picture.bytes).await;
        assert_eq!(answer.status, 201, "{declared}");
        let upload = answer.json();
        let image = client.get(upload["image_url"].as_str().unwrap()).await;
        assert_eq!(image.header("content-type"), Some(picture.media_type));
        let path = format!("/api/images/{}", upload["path"].as_str().unwrap());
        assert_eq!(client.get(&path).await.body, picture.bytes);
    }
}

#[tokio::test]
async fn what_is_no_whole_image_is_refused_and_takes_no_place() {
    let client = new_user(scripted());
    let bytes = pictures::png(60, 60).bytes;
    let (half, _) = bytes.split_at(bytes.len() / 2);
    let jpeg = pictures::jpeg(60, 60).bytes;
    let (all_but_the_last, end) = jpeg.split_at(jpeg.len() - 12);
    let mended = [all_but_the_last, &end[10..]].concat();
    let large = [&bytes[..], &vec![0; 1 << 20]].concat();
    let cases: &[(&str, &[u8], u16, &str)] = &[
        ("empty", b"", 422, "VALIDATION_ERROR"),
        ("a PNG's half", half, 422, "VALIDATION_ERROR"),
        (
            "a JPEG that lacks data before its end",
            &mended,
            422,
            "VALIDATION_ERROR",
        ),
        (
            "text",
            b"Not an image at all, but text.",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            "SVG",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        ("too large", &large, 413, "PAYLOAD_TOO_LARGE"),
        (
            "too many pixels",
            &png_that_claims(1001, 1000),
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (
            "a bomb",
            &png_that_claims(60_000, 60_000),
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (
            "no pixels",
            &png_that_claims(0, 10),
            422,
            "VALIDATION_ERROR",
        ),
    ];
    for (name, bytes, status, code) in cases {
        let answer = client.upload("image/png", bytes).await;
        assert_eq!(answer.status, *status, "{name}: {answer:?}");
        assert_eq!(answer.error_code(), *code, "{name}");
        let streamed = client
            .send(Method::POST, "/api/images", chunked(bytes))
            .await;
        assert_eq!(streamed.status, *status, "{name}, in chunks: {streamed:?}");
    }
    for _ in 0..UPLOADS {
        assert_eq!(client.upload("image/png", &bytes).await.status, 201);
    }
}

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
