//! The answers other than success: their order, their form, their sentences.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use futures::stream;
use reqwest::{Body, Method};
use serde_json::{Value, json};

use crate::shared::{new_user, origin, scripted};

const REFINE: &str = "/api/concepts/refine";
const NO_TASK: &str = "/api/tasks/00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn an_unknown_path_is_404_for_everyone() {
    let user = new_user(scripted());
    let anybody = Client::new(user.base());
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/tasks/",
        "/api/concepts/refine/",
        "/api/concepts/task/",
        "/api//tasks",
        "/API/tasks",
        "/api/health/live",
        "/nothing",
        "/api/tasks/../../etc/passwd",
        "/%00",
        "/api/tasks/1/2/3",
    ] {
        for client in [&user, &anybody] {
            for method in [Method::GET, Method::POST, Method::DELETE, Method::PATCH] {
                let answer = client.send(method.clone(), path, "").await;
                assert_eq!(answer.status, 404, "{method} {path}");
                assert_eq!(answer.error_code(), "NOT_FOUND", "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_for_everyone_and_names_the_right_ones() {
    let user = new_user(scripted());
    let anybody = Client::new(user.base());
    let (get, post, get_delete) = ("GET, HEAD", "POST", "GET, HEAD, DELETE");
    for (path, allow) in [
        (REFINE, post),
        ("/api/images", post),
        ("/api/auth/session", post),
        ("/api/tasks", get),
        ("/api/concepts", get),
        ("/api/health", get),
        ("/api/health/ready", get),
        (NO_TASK, get_delete),
        ("/api/concepts/task/1", get),
        ("/api/concepts/1", get_delete),
        ("/api/images/a/b.png", get_delete),
    ] {
        let allowed: Vec<&str> = allow.split(", ").collect();
        for method in [
            Method::GET,
            Method::POST,
            Method::DELETE,
            Method::PUT,
            Method::PATCH,
        ] {
            if allowed.contains(&method.as_str()) {
                continue;
            }
            for client in [&user, &anybody] {
                let answer = client.send(method.clone(), path, "{}").await;
                assert_eq!(answer.status, 405, "{method} {path}");
                assert_eq!(answer.error_code(), "METHOD_NOT_ALLOWED");
                let mut named: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
                named.retain(|method| *method != "OPTIONS");
                assert_eq!(named, allowed, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_404() {
    let client = new_user(scripted());
    for id in [
        "1",
        "00000000-0000-4000-8000-000000000000",
        "00000000000040008000000000000000",
        "{00000000-0000-4000-8000-000000000000}",
        "urn:uuid:00000000-0000-4000-8000-000000000000",
        "..%2f..%2fsecret",
        "'%20OR%20'1'='1",
        "%F0%9F%8E%A8",
        "%00",
        "null",
    ] {
        for path in ["/api/tasks/", "/api/concepts/task/", "/api/concepts/"] {
            let answer = client.get(&format!("{path}{id}")).await;
            assert_eq!(answer.status, 404, "{path}{id}");
            assert_eq!(answer.error_code(), "NOT_FOUND");
            if path != "/api/concepts/task/" {
                let answer = client.delete(&format!("{path}{id}")).await;
                assert_eq!(answer.status, 404, "{path}{id}");
            }
        }
    }
}

#[tokio::test]
async fn an_image_path_that_is_none_is_404() {
    let client = new_user(scripted());
    for path in [
        "a",
        "../secret",
        "..%2fsecret",
        "%2e%2e/secret",
        "uploads/../../tasks.db",
        "a%00b",
    ] {
        let answer = client.get(&format!("/api/images/{path}")).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        answer.error_code();
    }
}

#[tokio::test]
async fn a_refinement_is_judged_in_order() {
    let user = new_user(scripted());
    let anybody = Client::new(user.base());
    let long = "x".repeat(65 * 1024);
    let cases: &[(&str, &Client, &str, &str, u16)] = &[
        ("credentials first", &anybody, "text/plain", &long, 401),
        ("length before type", &user, "text/plain", &long, 413),
        (
            "length before content",
            &user,
            "application/json",
            &long,
            413,
        ),
        ("type before content", &user, "text/plain", "{}", 415),
        ("content", &user, "application/json", "{}", 422),
    ];
    for (name, client, media_type, body, expected) in cases {
        // A connection ends with a body that was not read.
        let client = client.with("content-type", media_type).reconnected();
        let answer = client.send(Method::POST, REFINE, (*body).to_owned()).await;
        assert_eq!(answer.status, *expected, "{name}");
        answer.error_code();
        let chunked = client.reconnected();
        let chunked = chunked.send(Method::POST, REFINE, in_chunks(body)).await;
        assert_eq!(chunked.status, *expected, "{name}, of undeclared length");
    }
}

fn in_chunks(body: &str) -> Body {
    let chunks: Vec<_> = body.as_bytes().chunks(1000).map(<[u8]>::to_vec).collect();
    Body::wrap_stream(stream::iter(
        chunks.into_iter().map(Ok::<_, std::io::Error>),
    ))
}

#[tokio::test]
async fn a_body_is_json_if_it_says_so() {
    let user = new_user(scripted());
    for (media_type, expected) in [
        ("application/json", 422),
        ("Application/JSON; charset=utf-8", 422),
        ("application/json;charset=\"utf-8\"", 422),
        ("text/json", 415),
        ("application/jsonp", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ] {
        let client = user.with("content-type", media_type);
        let answer = client.send(Method::POST, REFINE, "{}").await;
        assert_eq!(answer.status, expected, "{media_type}");
    }
    let undeclared = user.send(Method::POST, REFINE, vec![b'{', b'}']).await;
    assert_eq!(undeclared.status, 415);
    assert_eq!(undeclared.error_code(), "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn malformed_json_is_422() {
    let user = new_user(scripted()).with("content-type", "application/json");
    let deep = "[".repeat(60_000);
    let bodies: &[&[u8]] = &[
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"{}{}",
        b"{\"refinement_prompt\": NaN}",
        b"{\"refinement_prompt\": \"\xff\"}",
        b"{\"refinement_prompt\": \"\\ud800\"}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let answer = user.send(Method::POST, REFINE, body.to_vec()).await;
        let shown = String::from_utf8_lossy(body);
        assert_eq!(answer.status, 422, "{shown:.40}");
        assert_eq!(answer.error_code(), "VALIDATION_ERROR");
        assert_eq!(answer.json()["field_errors"], Value::Null, "{shown:.40}");
    }
}

#[tokio::test]
async fn the_fields_have_bounds() {
    let user = new_user(scripted());
    let url = origin().picture(&pictures::png(8, 8));
    let valid = json!({"original_image_url": url, "refinement_prompt": "instant"});
    let long_url = |length: usize| format!("{url}?{}", "x".repeat(length - url.len() - 1));
    let cases = [
        ("original_image_url", json!(long_url(2048)), 202),
        ("original_image_url", json!(long_url(2049)), 422),
        ("original_image_url", Value::Null, 422),
        ("original_image_url", json!([url]), 422),
        ("refinement_prompt", json!("!"), 202),
        ("refinement_prompt", json!("   "), 422),
        ("refinement_prompt", json!("🎨".repeat(2000)), 202),
        ("refinement_prompt", json!("🎨".repeat(2001)), 422),
        ("refinement_prompt", json!(12345), 422),
        ("refinement_prompt", Value::Null, 422),
        ("logo_description", Value::Null, 202),
        ("logo_description", json!(""), 202),
        ("logo_description", json!("🎨".repeat(2000)), 202),
        ("logo_description", json!("🎨".repeat(2001)), 422),
        ("theme_description", json!({}), 422),
        ("theme_description", json!("a\u{0}b"), 202),
    ];
    for (field, value, expected) in cases {
        let mut request = valid.clone();
        request[field] = value.clone();
        let answer = user.post(REFINE, &request).await;
        assert_eq!(answer.status, expected, "{field}: {value} {answer:?}");
        if expected == 202 {
            assert_eq!(answer.json()["metadata"][field], value);
            user.finished(&answer.task_id()).await;
        } else {
            let errors = &answer.json()["field_errors"];
            assert_eq!(crate::shape::keys(errors), [field], "{errors}");
        }
    }
}
