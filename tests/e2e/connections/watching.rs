//! Connections on which events are sent, and what goes on beside and after them.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;
use tokio::io::AsyncWriteExt as _;

use super::raw::{connect, rest, until};
use crate::shared::{new_name, origin, scripted};

/// The end of an answer in chunks.
const END: &str = "\r\n0\r\n\r\n";

/// A task that has ended, and its user's token.
async fn completed() -> (String, String) {
    let token = token(&new_name());
    let user = Client::new(scripted().url()).bearer(&token);
    let url = origin().picture(&pictures::png(8, 8));
    let id = user.accepted(&url, "echo it").await;
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

/// It gets what it asked for first; whatever the service does with the rest, it says so
/// by closing.
#[tokio::test]
async fn who_asks_ahead_gets_its_events_all_the_same() {
    let (id, token) = completed().await;
    let events = get(&format!("/api/tasks/{id}/events"), &token, "");
    let mut stream = connect(scripted()).await;
    let twice = events.repeat(2);
    stream.write_all(twice.as_bytes()).await.unwrap();
    let heard = String::from_utf8(rest(&mut stream).await).unwrap();
    assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 1, "{heard}");
    assert!(heard.ends_with(END), "{heard}");
}

/// By hyper or without it.
#[tokio::test]
async fn events_have_the_same_head_however_they_are_sent() {
    let (id, token) = completed().await;
    let path = format!("/api/tasks/{id}/events");
    let mut heads = Vec::new();
    for field in ["", "Connection: close\r\n"] {
        let mut stream = connect(scripted()).await;
        let request = get(&path, &token, field);
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = until(&mut stream, END).await;
        let (head, _) = answer.split_once("\r\n\r\n").unwrap();
        let is_lasting =
            |line: &&str| !line.starts_with("date: ") && !line.starts_with("connection: ");
        let mut head: Vec<_> = head.lines().filter(is_lasting).map(str::to_owned).collect();
        head.sort();
        heads.push(head);
        assert!(answer.contains("\r\ndate: "), "{answer}");
    }
    assert_eq!(heads[0], heads[1]);
}
