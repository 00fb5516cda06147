//! HTTP itself: versions, hosts, heads that are too large.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::shared::{new_name, new_user, scripted};

#[tokio::test]
async fn http_2_without_tls_is_spoken_too() {
    let client = Client::http2(scripted().url()).bearer(&token(&new_name()));
    let picture = pictures::png(300, 300);
    let original = client.uploaded(&picture).await;
    let task = client.refined(&original, "echo it").await;
    assert_eq!(task["status"], "completed", "{task}");
    let image_url = task["image_url"].as_str().unwrap();
    assert!(image_url.starts_with(scripted().url()), "{image_url}");
    assert_eq!(client.get(image_url).await.body, marked(&picture));
}

/// What comes back for bytes that no client library would send.
async fn answer_to(bytes: &str) -> String {
    let authority = scripted().url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority).await.unwrap();
    // It may be refused before it is sent.
    let _ = stream.write_all(bytes.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_that_is_no_http_is_refused() {
    let large = "x".repeat(40 * 1024);
    let cases = [
        ("no host", "GET /api/health HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned()),
        ("two hosts", "GET /api/health HTTP/1.1\r\nhost: localhost\r\nhost: b\r\nconnection: close\r\n\r\n".to_owned()),
        ("a host that is none", "GET /api/health HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n".to_owned()),
        ("a large header", format!("GET /api/health HTTP/1.1\r\nhost: localhost\r\nx: {large}\r\nconnection: close\r\n\r\n")),
        ("a long target", format!("GET /{large} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")),
        ("two lengths", "POST /api/images HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\nab".to_owned()),
        ("a length that is none", "POST /api/images HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\nconnection: close\r\n\r\n".to_owned()),
        ("no method", "\0\0\0\0\r\n\r\n".to_owned()),
    ];
    for (name, request) in cases {
        let answer = answer_to(&request).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{name}: {answer}");
    }
    let client = Client::new(scripted().url());
    assert_eq!(client.get("/api/health").await.status, 200);
}

#[tokio::test]
async fn image_urls_start_with_the_origin_that_was_asked() {
    let user = new_user(scripted()).with("host", "refine.localhost:81");
    let answer = user.upload("image/png", &pictures::png(8, 8).bytes).await;
    let url = answer.json()["image_url"].as_str().unwrap().to_owned();
    assert!(
        url.starts_with("http://refine.localhost:81/api/images/"),
        "{url}"
    );
}

/// Who sends nothing for long, or nothing at all, is not what others wait for.
#[tokio::test]
async fn silent_clients_keep_nobody_waiting() {
    let authority = scripted().url().trim_start_matches("http://");
    let mut silent = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.write_all(b"GET /api/health HT").await.unwrap();
        silent.push(stream);
    }
    let begin = std::time::Instant::now();
    assert_eq!(
        Client::new(scripted().url())
            .get("/api/health")
            .await
            .status,
        200
    );
    assert!(begin.elapsed() < std::time::Duration::from_secs(5));
}
