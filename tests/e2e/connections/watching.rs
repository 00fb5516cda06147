//! Connections on which events are sent, and what goes on beside and after them.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::QUICK;
use super::raw::{connect, exchange, rest, until};
use crate::shared::{new_name, origin, picture_url, scripted};

/// The end of an answer in chunks.
const END: &str = "\r\n0\r\n\r\n";

/// A task that has ended, and its user's token.
async fn completed() -> (String, String) {
    let token = token(&new_name());
    let user = Client::new(scripted().url()).bearer(&token);
    let id = user.accepted(&picture_url(), "echo it").await;
    user.finished(&id).await;
    (id, token)
}

fn get(path: &str, token: &str, field: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{field}\r\n"
    )
}

#[tokio::test]
async fn a_connection_goes_on_after_events() {
    let (id, token) = completed().await;
    let events = get(&format!("/api/tasks/{id}/events"), &token, "");
    let task = get(&format!("/api/concepts/task/{id}"), &token, "");
    let mut stream = connect(scripted()).await;
    for _ in 0..3 {
        stream.write_all(task.as_bytes()).await.unwrap();
        let answer = until(&mut stream, r#""error_message":null}"#).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        stream.write_all(events.as_bytes()).await.unwrap();
        let answer = until(&mut stream, END).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains(r#""status":"completed""#), "{answer}");
    }
}

#[tokio::test]
async fn who_asks_ahead_is_answered_in_order() {
    let (id, token) = completed().await;
    let path = format!("/api/tasks/{id}/events");
    let asked = get(&path, &token, "") + &get(&path, &token, "Connection: close\r\n");
    let heard = exchange(scripted(), asked.as_bytes()).await;
    let heard = String::from_utf8(heard).unwrap();
    assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 2, "{heard}");
    assert_eq!(heard.matches(END).count(), 2, "{heard}");
}

/// Its place is free soon, whatever it said last.
#[tokio::test]
async fn who_has_left_is_not_kept() {
    let token = token(&new_name());
    let user = Client::new(scripted().url()).bearer(&token);
    let (url, _gate) = origin().gated(&pictures::png(8, 8));
    let id = user.accepted(&url, "echo it").await;
    let events = get(&format!("/api/tasks/{id}/events"), &token, "");
    for (name, last_words) in [
        ("nothing", ""),
        ("a byte", "G"),
        ("a request", events.as_str()),
    ] {
        let mut stream = connect(scripted()).await;
        stream.write_all(events.as_bytes()).await.unwrap();
        until(&mut stream, "event: task").await;
        stream.write_all(last_words.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let gone = timeout(QUICK, rest(&mut stream)).await;
        assert!(gone.is_ok(), "who said {name} is still there");
    }
}

/// Which knows no chunks: only the end of the connection tells where such an answer ends,
/// and its head must not say otherwise.
#[tokio::test]
async fn http_1_0_is_told_how_an_answer_ends() {
    let (id, token) = completed().await;
    for (path, field, expected) in [
        ("/api/tasks", "", "close"),
        ("/api/tasks", "Connection: keep-alive\r\n", "close"),
        ("/api/concepts/task", "", "close"),
        (
            "/api/concepts/task",
            "Connection: keep-alive\r\n",
            "keep-alive",
        ),
    ] {
        let name = format!("{path} {field:?}");
        let path = match path {
            "/api/tasks" => format!("{path}/{id}/events"),
            _ => format!("{path}/{id}"),
        };
        let request = get(&path, &token, field).replace("HTTP/1.1", "HTTP/1.0");
        let mut stream = connect(scripted()).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let heard = until(&mut stream, r#""error_message":null}"#).await;
        let (head, _) = heard.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{name}: {head}");
        assert!(!head.contains("transfer-encoding"), "{name}: {head}");
        let said = head
            .lines()
            .find_map(|line| line.strip_prefix("connection: "));
        // Without the field it is closed (RFC 9112, 9.3).
        assert_eq!(said.unwrap_or("close"), expected, "{name}");
        if expected == "close" {
            rest(&mut stream).await;
        } else {
            stream.write_all(request.as_bytes()).await.unwrap();
            until(&mut stream, r#""error_message":null}"#).await;
        }
    }
}
