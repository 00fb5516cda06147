//! What the host itself answers: it protects a browser as the component's answers do, and
//! a page of a named origin can read it.

use concept_refinement_tests::client::Client;
use reqwest::Method;

use crate::connections::raw;
use crate::shared::{APP, proxied, scripted};

#[tokio::test]
async fn what_the_host_answers_is_protected_as_well() {
    let request = b"GET /api/health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n";
    let answer = String::from_utf8(raw::exchange(scripted(), request).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    for line in [
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "referrer-policy: same-origin",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
}

#[tokio::test]
async fn errors_of_the_host_can_be_read_too() {
    let page = Client::new(proxied().url()).with("origin", APP);
    let client = page.with("x-forwarded-for", "203.0.113.51");
    let session = async || client.send(Method::POST, "/api/auth/session", "").await;
    let mut answer = session().await;
    for _ in 0..40 {
        answer = session().await;
    }
    assert_eq!(answer.status, 429);
    let allowed = answer.header("access-control-allow-origin");
    assert_eq!(allowed, Some(APP));
    assert_eq!(answer.header("vary"), Some("Origin"));
    let exposed = answer.header("access-control-expose-headers");
    assert_eq!(exposed, Some("Retry-After"));
}
