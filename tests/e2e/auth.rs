//! Who is asking: tokens, sessions, cookies, and requests of other sites.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::{self, AUDIENCE, hostile, token, with_claim};
use reqwest::Method;
use serde_json::json;

use crate::shared::{local, new_name, origin, scripted};

#[tokio::test]
async fn a_hostile_token_is_401_wherever_it_stands() {
    let user = new_name();
    let anybody = Client::new(scripted().url());
    assert_eq!(
        anybody.bearer(&token(&user)).get("/api/tasks").await.status,
        200
    );
    for (name, token) in hostile(&user) {
        for client in [anybody.bearer(&token), anybody.cookie(&token)] {
            for (method, path) in [
                (Method::GET, "/api/tasks"),
                (Method::POST, "/api/concepts/refine"),
                (Method::POST, "/api/images"),
            ] {
                let answer = client.send(method, path, "").await;
                assert_eq!(answer.status, 401, "{name}");
                assert_eq!(answer.error_code(), "UNAUTHORIZED", "{name}");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            }
        }
    }
}

#[tokio::test]
async fn a_good_token_is_taken_in_its_forms() {
    let anybody = Client::new(scripted().url());
    let user = new_name();
    let good = token(&user);
    for (name, client) in [
        ("bearer", anybody.bearer(&good)),
        (
            "any notation",
            anybody.with("authorization", &format!("bEARER {good}")),
        ),
        ("cookie", anybody.cookie(&good)),
        (
            "among cookies",
            anybody.with("cookie", &format!("a=b; session={good}; c")),
        ),
        (
            "one of several audiences",
            anybody.bearer(&with_claim(&user, "aud", json!(["x", AUDIENCE]))),
        ),
        (
            "a fraction of a second",
            anybody.bearer(&with_claim(
                &user,
                "exp",
                json!(tokens::now() as f64 + 60.5),
            )),
        ),
        (
            "unknown claims",
            anybody.bearer(&with_claim(&user, "role", json!({"a": []}))),
        ),
        (
            "just begun",
            anybody.bearer(&with_claim(&user, "nbf", json!(tokens::now()))),
        ),
    ] {
        assert_eq!(client.get("/api/tasks").await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn an_authorization_header_alone_counts_where_there_is_one() {
    let anybody = Client::new(scripted().url());
    let (here, there) = (new_name(), new_name());
    let cookie = anybody.cookie(&token(&here));
    for (name, value) in [
        ("Basic", "Basic dXNlcjpwYXNzd29yZA==".to_owned()),
        ("no scheme", token(&here)),
        ("no token", "Bearer".to_owned()),
        ("an empty one", "Bearer ".to_owned()),
        ("a bad one", "Bearer nonsense".to_owned()),
        ("two", format!("Bearer {0}, Bearer {0}", token(&here))),
    ] {
        let client = cookie.with("authorization", &value);
        assert_eq!(client.get("/api/tasks").await.status, 401, "{name}");
    }
    let url = origin().picture(&pictures::png(8, 8));
    let both = cookie.bearer(&token(&there));
    let id = both.accepted(&url, "instant").await;
    assert_eq!(cookie.get(&format!("/api/tasks/{id}")).await.status, 404);
    assert_eq!(both.get(&format!("/api/tasks/{id}")).await.status, 200);
}

#[tokio::test]
async fn the_claim_of_an_anonymous_user_is_kept_with_the_concept() {
    let url = origin().picture(&pictures::png(8, 8));
    for (claim, expected) in [
        (json!(true), true),
        (json!(false), false),
        (json!("true"), false),
        (json!(null), false),
    ] {
        let token = with_claim(&new_name(), "is_anonymous", claim);
        let client = Client::new(scripted().url()).bearer(&token);
        let task = client.refined(&url, "instant").await;
        let id = task["result_id"].as_str().unwrap();
        let concept = client.get(&format!("/api/concepts/{id}")).await.json();
        assert_eq!(concept["is_anonymous"], expected);
    }
}

#[tokio::test]
async fn a_session_is_a_new_user_by_token_and_by_cookie() {
    let anybody = Client::new(local().url());
    let answer = anybody.send(Method::POST, "/api/auth/session", "").await;
    assert_eq!(answer.status, 201);
    let session = answer.json();
    let keys = ["access_token", "expires_in", "token_type", "user_id"];
    assert_eq!(crate::shape::keys(&session), keys);
    assert_eq!(session["token_type"], "bearer");
    assert!(session["expires_in"].as_u64().unwrap() > 0);

    let cookie = answer.header("set-cookie").unwrap();
    let token = session["access_token"].as_str().unwrap();
    let mut parts = cookie.split("; ");
    assert_eq!(parts.next(), Some(format!("session={token}").as_str()));
    let attributes: Vec<&str> = parts.collect();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(attributes.contains(&attribute), "{cookie}");
    }
    assert!(!attributes.contains(&"Secure"), "over http: {cookie}");

    let other = Client::session(local().url()).await;
    let (by_token, by_cookie) = (anybody.bearer(token), anybody.cookie(token));
    let url = by_cookie.uploaded(&pictures::png(8, 8)).await;
    let (path, _) = url.split_once('?').unwrap();
    assert_eq!(by_token.get(path).await.status, 200);
    assert_eq!(other.get(path).await.status, 404);
}

#[tokio::test]
async fn there_are_no_sessions_where_tokens_come_from_outside() {
    let anybody = Client::new(scripted().url());
    let answer = anybody.send(Method::POST, "/api/auth/session", "").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.error_code(), "NOT_FOUND");
    assert_eq!(answer.header("set-cookie"), None);
}

/// A browser sends the cookie also with what another site made it ask for.
#[tokio::test]
async fn another_site_changes_nothing_by_cookie() {
    let base = scripted().url();
    let port = base.rsplit(':').next().unwrap();
    let anybody = Client::new(base);
    let token = token(&new_name());
    let cookie = anybody.cookie(&token);
    let elsewhere = [
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", String::new()),
        ("origin", base.replace("http://", "https://")),
        (
            "origin",
            format!("http://127.0.0.1:{}", port.parse::<u16>().unwrap() ^ 1),
        ),
        ("origin", format!("http://localhost:{port}")),
        ("origin", format!("{base}.evil.example")),
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
        ("sec-fetch-site", "nonsense".to_owned()),
    ];
    let changing = [
        (Method::POST, "/api/concepts/refine"),
        (Method::POST, "/api/images"),
        (
            Method::DELETE,
            "/api/tasks/00000000-0000-4000-8000-000000000000",
        ),
        (
            Method::DELETE,
            "/api/concepts/00000000-0000-4000-8000-000000000000",
        ),
        (Method::DELETE, "/api/images/a"),
    ];
    for (name, value) in &elsewhere {
        let by_cookie = cookie.with(name, value);
        for (method, path) in &changing {
            let answer = by_cookie.send(method.clone(), path, "{}").await;
            assert_eq!(answer.status, 403, "{name}: {value} {method} {path}");
            assert_eq!(answer.error_code(), "FORBIDDEN");
            let by_token = anybody.bearer(&token).with(name, value);
            let answer = by_token.send(method.clone(), path, "{}").await;
            assert_ne!(answer.status, 403, "{name}: {value} by a header of its own");
        }
        assert_eq!(
            by_cookie.get("/api/tasks").await.status,
            200,
            "reading changes nothing"
        );
    }
    for (name, value) in [
        ("origin", base),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
    ] {
        let by_cookie = cookie.with(name, value);
        let upload = by_cookie
            .upload("image/png", &pictures::png(4, 4).bytes)
            .await;
        assert_eq!(upload.status, 201, "{name}: {value}");
    }
    let forged = anybody
        .with("origin", "https://evil.example")
        .cookie("nonsense");
    let answer = forged.send(Method::POST, "/api/images", "").await;
    assert_eq!(answer.status, 401, "which comes first");
}

/// Another site must not be able to replace a visitor's session either.
#[tokio::test]
async fn another_site_sets_no_session() {
    let anybody = Client::new(local().url()).with("origin", "https://evil.example");
    let answer = anybody.send(Method::POST, "/api/auth/session", "").await;
    assert_eq!(answer.header("set-cookie"), None);
}
