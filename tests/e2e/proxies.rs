//! Behind a proxy: what its headers change, and that nobody else's do.

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures;
use reqwest::Method;
use serde_json::json;

use crate::shared::{local, proxied};

/// The sessions that one address gets at once.
const AT_ONCE: usize = 30;

/// A client that the proxy on this machine speaks for.
fn forwarded(address: &str) -> Client {
    Client::new(proxied().url()).with("x-forwarded-for", address)
}

async fn session(client: &Client) -> Answer {
    client.send(Method::POST, "/api/auth/session", "").await
}

#[tokio::test]
async fn the_origin_is_what_the_proxy_was_asked_for() {
    let browser = forwarded("203.0.113.1")
        .with("x-forwarded-proto", "https")
        .with("x-forwarded-host", "refine.example");
    let answer = session(&browser).await;
    assert_eq!(answer.status, 201);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").is_some());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();

    let browser = browser.cookie(&token);
    let picture = pictures::png(8, 8);
    let url = browser.uploaded(&picture).await;
    assert!(
        url.starts_with("https://refine.example/api/images/"),
        "{url}"
    );
    let path = url.trim_start_matches("https://refine.example");
    assert_eq!(browser.get(path).await.body, picture.bytes);

    for (origin, status) in [
        ("https://refine.example", 201),
        ("http://refine.example", 403),
        ("https://evil.example", 403),
        (proxied().url(), 403),
    ] {
        let upload = browser.with("origin", origin);
        let answer = upload.upload("image/png", &picture.bytes).await;
        assert_eq!(answer.status, status, "{origin}");
    }
    // Ours, by the name that the proxy answers to.
    let body = json!({"original_image_url": url, "refinement_prompt": "make it lighter"});
    let task = browser.post("/api/concepts/refine", &body).await;
    assert_eq!(task.status, 202, "{task:?}");
    assert_eq!(
        browser.finished(&task.task_id()).await["status"],
        "completed"
    );
}

#[tokio::test]
async fn what_a_stranger_claims_is_not_heard() {
    let stranger = Client::new(local().url())
        .with("x-forwarded-for", "203.0.113.1")
        .with("x-forwarded-proto", "https")
        .with("x-forwarded-host", "evil.example")
        .with("forwarded", "for=203.0.113.1;proto=https;host=evil.example");
    let answer = session(&stranger).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(!cookie.contains("Secure"), "{cookie}");
    assert_eq!(answer.header("strict-transport-security"), None);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let url = stranger.bearer(&token).uploaded(&pictures::png(8, 8)).await;
    assert!(url.starts_with(local().url()), "{url}");
}

#[tokio::test]
async fn one_address_gets_so_many_sessions() {
    let client = forwarded("203.0.113.2");
    for number in 0..AT_ONCE {
        assert_eq!(session(&client).await.status, 201, "{number}");
    }
    for claim in [
        "203.0.113.2",
        "198.51.100.1, 203.0.113.2",
        "10.0.0.1, 203.0.113.2",
        "203.0.113.2, 10.0.0.7",
        "[::ffff:203.0.113.2]:4711",
    ] {
        let answer = session(&forwarded(claim)).await;
        assert_eq!(answer.status, 429, "{claim}");
        assert_eq!(answer.error_code(), "RATE_LIMIT_EXCEEDED", "{claim}");
        let again: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=120).contains(&again), "{again}");
    }
    assert_eq!(client.get("/api/health").await.status, 200, "only sessions");
    let unknown = client.get("/api/auth/session").await;
    assert_eq!(unknown.status, 405, "only those that are made");
    let neighbour = forwarded("203.0.113.3");
    assert_eq!(session(&neighbour).await.status, 201);
}

#[tokio::test]
async fn an_ipv6_client_is_its_network() {
    let mut number = 0;
    let mut next = || {
        number += 1;
        forwarded(&format!("2001:db8:0:7::{number:x}"))
    };
    for _ in 0..AT_ONCE {
        assert_eq!(session(&next()).await.status, 201);
    }
    assert_eq!(session(&next()).await.status, 429);
    let neighbour = forwarded("2001:db8:0:8::1");
    assert_eq!(session(&neighbour).await.status, 201);
}

#[tokio::test]
async fn this_machine_is_not_limited() {
    let here = Client::new(local().url()).with("x-forwarded-for", "203.0.113.4");
    for number in 0..AT_ONCE + 10 {
        assert_eq!(session(&here).await.status, 201, "{number}");
    }
}
