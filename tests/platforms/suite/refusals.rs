//! What is refused, and in which words.

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures::{self, png_that_claims};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::shape::{assert_is_task, keys};
use concept_refinement_tests::tokens::{hostile, now, token, with_claim};
use reqwest::Method;
use serde_json::json;

use super::{NO_ID, REFINE, limits};
use crate::Platform;
use crate::platform::{FRUGAL, frugal, local, new_name, new_user, origin, scripted};

pub async fn who_may_not_is_told_so<P: Platform>() {
    let anybody = Client::new(scripted::<P>().url());
    let user = new_name();
    let good = anybody.bearer(&token(&user));
    assert_eq!(good.get("/api/tasks").await.status, 200);
    let by_cookie = anybody.cookie(&token(&user));
    assert_eq!(by_cookie.get("/api/tasks").await.status, 200);

    let expired = with_claim(&user, "exp", json!(now() - 3600));
    let doors = [
        (Method::POST, REFINE.to_owned()),
        (Method::POST, "/api/images".to_owned()),
        (Method::GET, "/api/tasks".to_owned()),
        (Method::GET, format!("/api/tasks/{NO_ID}")),
        (Method::GET, format!("/api/concepts/task/{NO_ID}")),
        (Method::GET, format!("/api/tasks/{NO_ID}/events")),
        (Method::DELETE, format!("/api/tasks/{NO_ID}")),
        (Method::GET, "/api/concepts".to_owned()),
        (Method::DELETE, format!("/api/concepts/{NO_ID}")),
        (Method::GET, "/api/images/a/b.png".to_owned()),
    ];
    for (name, client) in [
        ("nothing", anybody.clone()),
        ("nonsense", anybody.bearer("a.b.c")),
        ("expired", anybody.bearer(&expired)),
        (
            "another scheme",
            anybody.with("authorization", "Basic YTpi"),
        ),
        ("a bad cookie", anybody.cookie("a.b.c")),
        ("a good cookie beside a bad header", by_cookie.bearer("x")),
    ] {
        for (method, path) in &doors {
            let answer = client.send(method.clone(), path, "").await;
            assert_eq!(answer.status, 401, "{name}: {method} {path}");
            assert_eq!(answer.error_code(), "UNAUTHORIZED", "{name}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, Some("Bearer"), "{name}: {method} {path}");
        }
    }
    for (name, token) in hostile(&user) {
        let answer = anybody.bearer(&token).get("/api/tasks").await;
        assert_eq!(answer.status, 401, "{name}");
    }
    let elsewhere = by_cookie.with("origin", "https://elsewhere.example");
    let answer = elsewhere.post(REFINE, &json!({})).await;
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (403, "FORBIDDEN")
    );
}

pub async fn what_is_not_there_is_told_alike<P: Platform>() {
    let anybody = Client::new(scripted::<P>().url());
    let user = new_user(scripted::<P>());
    let by = |method: Method, path: &str| (method, path.to_owned());
    for (client, (method, path), status) in [
        (&anybody, by(Method::GET, "/api/nothing"), 404),
        (&anybody, by(Method::GET, "/nothing"), 404),
        (&anybody, by(Method::POST, "/api/auth/session"), 404),
        (&anybody, by(Method::GET, REFINE), 405),
        (&anybody, by(Method::PUT, "/api/tasks"), 405),
        (&user, by(Method::GET, "/api/tasks/1"), 404),
        (&user, (Method::GET, format!("/api/tasks/{NO_ID}")), 404),
        (
            &user,
            (Method::GET, format!("/api/concepts/task/{NO_ID}")),
            404,
        ),
        (
            &user,
            (Method::GET, format!("/api/tasks/{NO_ID}/events")),
            404,
        ),
        (&user, (Method::DELETE, format!("/api/tasks/{NO_ID}")), 404),
        (&user, (Method::GET, format!("/api/concepts/{NO_ID}")), 404),
        (
            &user,
            (Method::DELETE, format!("/api/concepts/{NO_ID}")),
            404,
        ),
        (&user, by(Method::GET, "/api/images/nothing.png"), 404),
        (&user, by(Method::DELETE, "/api/images/nothing.png"), 404),
    ] {
        let answer = client.send(method.clone(), &path, "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        let code = match status {
            404 => "NOT_FOUND",
            _ => "METHOD_NOT_ALLOWED",
        };
        assert_eq!(answer.error_code(), code, "{method} {path}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{path}");
    }
    let missing = format!("{}/api/images/nothing.png", user.base());
    let answer = user.refine(&missing, "echo it").await;
    assert_eq!(answer.status, 404, "no original of ours");
}

pub async fn all_problems_of_a_request_are_told_at_once<P: Platform>() {
    let user = new_user(scripted::<P>());
    let request = json!({
        "original_image_url": "ftp://a.example/",
        "refinement_prompt": " ab ",
        "logo_description": 7,
        "theme_description": "x".repeat(2001),
    });
    let answer = user.with("idempotency-key", "a b");
    let answer = answer.post(REFINE, &request).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(answer.error_code(), "VALIDATION_ERROR");
    let fields = [
        "Idempotency-Key",
        "logo_description",
        "original_image_url",
        "refinement_prompt",
        "theme_description",
    ];
    assert_eq!(keys(&answer.json()["field_errors"]), fields);

    for (url, why) in [
        ("http://127.0.0.1/a.png", "loopback"),
        ("http://0x7f.1/a.png", "loopback in another notation"),
        ("http://[::ffff:10.0.0.1]/a.png", "private"),
        ("http://localhost./a.png", "the machine itself"),
        ("http://user@a.example/", "user information"),
    ] {
        let answer = user.refine(url, "echo it").await;
        assert_eq!(answer.status, 422, "{why}: {answer:?}");
        let errors = &answer.json()["field_errors"];
        assert_eq!(keys(errors), ["original_image_url"], "{why}");
    }

    let picture = pictures::png(60, 60);
    let half = &picture.bytes[..picture.bytes.len() / 2];
    let huge = png_that_claims(60_000, 60_000);
    for (name, bytes, status) in [
        ("empty", &b""[..], 422),
        ("half", half, 422),
        ("text", b"Not an image at all, but text.", 415),
        ("too many pixels", &huge, 413),
    ] {
        let answer = user.upload("image/png", bytes).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        answer.error_code();
    }
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(64 << 10));
    for (name, media_type, body, status) in [
        ("no JSON", "application/json", "{", 422),
        ("not declared as JSON", "text/plain", "{}", 415),
        ("a long body", "application/json", long.as_str(), 413),
    ] {
        // A body that is too long is not read, which ends the connection.
        let client = user.reconnected().with("content-type", media_type);
        let answer = client.send(Method::POST, REFINE, body.to_owned()).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
    }
    for query in ["limit=0", "limit=101", "limit=x", "status=done", "cursor=x"] {
        let answer = user.get(&format!("/api/tasks?{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
        let (field, _) = query.split_once('=').unwrap();
        assert_eq!(keys(&answer.json()["field_errors"]), [field]);
    }
    // None of it cost anything.
    let good = origin().picture(&pictures::png(8, 8));
    let first = user.refine(&good, "echo it").await;
    assert_eq!(limits(&first)[..2], [1000, 999]);
}

/// Names that a platform gives meaning to. To follow one would lead to the
/// application's own components, or end the instance that tried, and whatever
/// else goes on in it.
pub async fn a_name_inside_the_platform_is_no_original<P: Platform>() {
    let other = new_user(scripted::<P>());
    let (gated, gate) = origin().gated(&pictures::png(8, 8));
    let under_way = other.accepted(&gated, "echo it").await;
    for url in [
        "http://processor.spin.internal/process",
        "http://api.spin.internal/api/health",
        "http://nobody.spin.internal/",
        "http://self.alt/api/health",
        "http://metadata.google.internal/",
    ] {
        let user = new_user(scripted::<P>());
        let answer = user.refine(url, "echo it").await;
        assert_eq!(answer.status, 422, "{url}: {answer:?}");
        let redirect = origin().serve(Reply::redirect(302, url));
        let task = user.refined(&redirect, "echo it").await;
        assert_eq!(task["status"], "failed", "{url}: {task}");
        let message = task["error_message"].as_str().unwrap();
        let begin = "Error in refinement task processing: Failed to download original image: ";
        assert!(message.starts_with(begin), "{url}: {message}");
        assert!(message.contains("public"), "{url}: {message}");
    }
    gate.open();
    let task = other.finished(&under_way).await;
    assert_eq!(task["status"], "completed", "{task}");
}

pub async fn an_active_task_is_answered_in_place_of_another<P: Platform>() {
    let user = new_user(frugal::<P>());
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let accepted = user.refine(&url, "echo it").await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(limits(&accepted)[..2], [FRUGAL, FRUGAL - 1]);
    let id = accepted.task_id();

    for status in ["pending or processing", "processing"] {
        let conflict = user.refine(&url, "instant").await;
        assert_eq!(conflict.status, 409, "{status}: {conflict:?}");
        let task = conflict.json();
        assert_is_task(&task);
        assert_eq!(task["task_id"], id.as_str());
        assert!(status.contains(task["status"].as_str().unwrap()), "{task}");
        assert_eq!(
            task["message"],
            "A concept refinement task is already in progress"
        );
        assert_eq!(task["metadata"]["refinement_prompt"], "echo it");
        assert_eq!(limits(&conflict), limits(&accepted), "it costs nothing");
        user.task_is(&id, "processing").await;
    }
    gate.open();
    assert_eq!(user.finished(&id).await["status"], "completed");
    let next = user.refined(&url, "echo it").await;
    assert_eq!(next["status"], "completed", "{next}");
}

pub async fn a_quota_that_is_used_up_is_told_with_its_limits<P: Platform>() {
    let user = new_user(frugal::<P>());
    let url = origin().picture(&pictures::png(8, 8));
    for left in (0..FRUGAL).rev() {
        let accepted = user.refine(&url, "echo it").await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        assert_eq!(limits(&accepted)[..2], [FRUGAL, left]);
        user.finished(&accepted.task_id()).await;
    }
    let refused = user.refine(&url, "echo it").await;
    assert_is_used_up(&refused);
    let tasks = user.get("/api/tasks").await.json()["tasks"].clone();
    assert_eq!(tasks.as_array().unwrap().len(), 2, "{tasks}");
    // Deleting what it went to gives nothing back.
    for task in tasks.as_array().unwrap() {
        let path = format!("/api/tasks/{}", task["task_id"].as_str().unwrap());
        assert_eq!(user.delete(&path).await.status, 204);
    }
    assert_is_used_up(&user.refine(&url, "echo it").await);

    let default = Client::session(local::<P>().url()).await;
    let first = default.refine(&url, "make it lighter").await;
    assert_eq!(limits(&first)[..2], [10, 9], "by default");
}

/// Of the frugal service.
pub fn assert_is_used_up(refused: &Answer) {
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.error_code(), "RATE_LIMIT_EXCEEDED");
    let sentence =
        format!("Rate limit exceeded for /concepts/refine ({FRUGAL}/month). Try again later.");
    assert_eq!(refused.json()["detail"], sentence);
    let [limit, remaining, reset] = limits(refused);
    assert_eq!((limit, remaining), (FRUGAL, 0));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(wait > 0 && wait <= 31 * 24 * 3600, "{wait}");
    assert!(reset.abs_diff(now() + wait) <= 60, "{reset} in {wait}");
}
