//! What is logged, and what never is.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::{SECRET, hostile, token};
use reqwest::Method;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::shared::{new_name, new_user, origin, scripted_launch};

const API_KEY: &str = "sk-the-key-of-the-provider";

/// Does what touches secrets, well and badly; answers what must not be logged.
async fn touch_secrets(base: &str) -> Vec<String> {
    let user = new_name();
    let anybody = Client::new(base);
    let good = token(&user);
    let client = anybody.bearer(&good);
    let original = client.uploaded(&pictures::png(8, 8)).await;
    let task = client.refined(&original, "echo it").await;
    let image_url = task["image_url"].as_str().unwrap().to_owned();
    anybody.get(&image_url).await;
    anybody.get(&format!("{image_url}x")).await;
    client.refined(&original, "trap now").await;
    let remote = format!(
        "{}?token=of-the-original",
        origin().picture(&pictures::png(8, 8))
    );
    client.refined(&remote, "echo it").await;
    let mut secrets = vec![SECRET.to_owned(), API_KEY.to_owned(), good];
    for (_, token) in hostile(&user) {
        anybody.bearer(&token).get("/api/tasks").await;
        anybody
            .cookie(&token)
            .send(Method::POST, "/api/images", "")
            .await;
        secrets.push(token);
    }
    let signature = image_url.split_once("signature=").unwrap().1;
    secrets.push(signature.to_owned());
    secrets.retain(|secret| secret.len() > 8);
    secrets
}

#[tokio::test]
async fn secrets_and_tokens_are_never_logged() {
    // All that we say ourselves, and what the libraries say short of every call.
    let loudest = "debug,concept_refinement=trace";
    for (format, level) in [("text", None), ("json", None), ("text", Some(loudest))] {
        let mut launch = scripted_launch()
            .set("log-format", format)
            .variable("REFINEMENT_MODEL_API_KEY", API_KEY);
        if let Some(level) = level {
            launch = launch.variable("REFINEMENT_LOG", level);
        }
        let service = launch.start();
        let secrets = touch_secrets(service.url()).await;
        let ended = service.stop();
        assert!(!ended.log.is_empty());
        for secret in secrets {
            let line = ended.log.lines().find(|line| line.contains(&secret));
            assert_eq!(line, None, "{format} {level:?}");
        }
    }
}

#[tokio::test]
async fn the_tokens_of_sessions_are_never_logged() {
    let launch = Launch::new().variable("REFINEMENT_LOG", "trace");
    let service = launch.start();
    let anybody = Client::new(service.url());
    let session = anybody
        .send(Method::POST, "/api/auth/session", "")
        .await
        .json();
    let token = session["access_token"].as_str().unwrap();
    assert_eq!(anybody.cookie(token).get("/api/tasks").await.status, 200);
    assert_eq!(
        anybody
            .cookie(&format!("{token}x"))
            .get("/api/tasks")
            .await
            .status,
        401
    );
    let ended = service.stop();
    let (_, signature) = token.rsplit_once('.').unwrap();
    assert!(!ended.log.contains(signature), "{}", ended.log);
}

#[tokio::test]
async fn the_lines_of_a_task_share_its_id() {
    let service = scripted_launch().set("log-format", "json").start();
    let client = new_user(&service);
    let url = origin().picture(&pictures::png(8, 8));
    let id = client.accepted(&url, "trap now").await;
    client.finished(&id).await;
    let ended = service.stop();
    let lines: Vec<Value> = ended
        .log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let of_task = lines.iter().filter(|line| line.to_string().contains(&id));
    assert!(of_task.count() > 0, "{lines:?}");
    // All but the ready line is JSON.
    let others = ended.log.lines().filter(|line| !line.starts_with('{'));
    assert_eq!(others.count(), 1, "{}", ended.log);
}

/// Why a model crashed is the operator's to know, not the user's.
#[tokio::test]
async fn what_a_crash_says_is_logged_and_not_told() {
    let service = scripted_launch().start();
    let client = new_user(&service);
    let url = origin().picture(&pictures::png(8, 8));
    let task = client.refined(&url, "trap now").await;
    let message = task["error_message"].as_str().unwrap();
    for word in ["panic", "wasm", ".rs", "unreachable", "/", "prompt asked"] {
        assert!(!message.contains(word), "{message}");
    }
    let log = service.stop().log;
    assert!(log.contains("the prompt asked for a crash"), "{log}");
}

/// Whoever breaks off uploads does not fill the log.
#[tokio::test]
async fn uploads_that_are_broken_off_are_not_logged() {
    let service = Launch::new().start();
    let anybody = Client::new(service.url());
    let session = anybody.send(Method::POST, "/api/auth/session", "").await;
    let head = format!(
        "POST /api/images HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: image/png\r\ncontent-length: 1000\r\n\r\n",
        session.json()["access_token"].as_str().unwrap()
    );
    // Enough to be taken for a PNG.
    let begun = [head.as_bytes(), &pictures::png(8, 8).bytes[..30]].concat();
    let address = service.url().trim_start_matches("http://").to_owned();
    for _ in 0..200 {
        let mut connection = TcpStream::connect(&address).await.unwrap();
        connection.write_all(&begun).await.unwrap();
        // The instance reads what was sent before it ends.
        assert_eq!(anybody.get("/api/health").await.status, 200);
    }
    let log = service.stop().log;
    let lines = log
        .lines()
        .filter(|line| line.contains("wasmtime_wasi_http"));
    assert_eq!(lines.count(), 0, "{log}");
}
