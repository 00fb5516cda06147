//! Pages of other origins, by the headers that a browser goes by.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use reqwest::Method;

use crate::shared::{APP, local, proxied};

const ALLOWED: &str = "access-control-allow-origin";

fn from(origin: &str) -> Client {
    Client::new(proxied().url()).with("origin", origin)
}

#[tokio::test]
async fn a_page_of_a_named_origin_uses_the_api_by_token() {
    let page = from(APP).with("x-forwarded-for", "203.0.113.50");
    let asks = page.with("access-control-request-method", "POST").with(
        "access-control-request-headers",
        "authorization,content-type",
    );
    let preflight = asks.send(Method::OPTIONS, "/api/images", "").await;
    assert_eq!((preflight.status, preflight.body.len()), (204, 0));
    assert_eq!(preflight.header(ALLOWED), Some(APP));
    assert_eq!(
        preflight.header("access-control-allow-methods"),
        Some("POST")
    );

    let session = page.send(Method::POST, "/api/auth/session", "").await;
    assert_eq!(session.status, 201);
    assert_eq!(session.header("set-cookie"), None);
    let token = session.json()["access_token"].as_str().unwrap().to_owned();
    let picture = pictures::png(8, 8);
    let upload = page
        .bearer(&token)
        .upload("image/png", &picture.bytes)
        .await;
    assert_eq!((upload.status, upload.header(ALLOWED)), (201, Some(APP)));
    let by_cookie = page
        .cookie(&token)
        .upload("image/png", &picture.bytes)
        .await;
    assert_eq!(
        (by_cookie.status, by_cookie.header(ALLOWED)),
        (403, Some(APP))
    );
    assert_eq!(by_cookie.header("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn errors_of_the_host_can_be_read_too() {
    let client = from(APP).with("x-forwarded-for", "203.0.113.51");
    let mut answer = client.send(Method::POST, "/api/auth/session", "").await;
    for _ in 0..40 {
        answer = client.send(Method::POST, "/api/auth/session", "").await;
    }
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header(ALLOWED), Some(APP));
    assert_eq!(answer.header("vary"), Some("Origin"));
    let exposed = answer.header("access-control-expose-headers");
    assert_eq!(exposed, Some("Retry-After"));
}

#[tokio::test]
async fn to_others_nothing_is_said() {
    let strangers = [
        from("https://evil.example"),
        from("null"),
        Client::new(proxied().url()),
        Client::new(local().url()).with("origin", APP),
    ];
    for client in strangers {
        let asks = client.with("access-control-request-method", "GET");
        for answer in [
            asks.send(Method::OPTIONS, "/api/tasks", "").await,
            client.get("/api/tasks").await,
            client.get("/api/health").await,
        ] {
            let mut names = answer.headers.keys();
            let said = names.find(|name| name.as_str().starts_with("access-control"));
            assert_eq!(said, None, "{client:?}");
        }
        let asked = asks.send(Method::OPTIONS, "/api/tasks", "").await;
        assert_eq!(asked.status, 405);
    }
}
