//! What is refused, and in which words.

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures::{self, png_that_claims};
use concept_refinement_tests::refusals::{Row, check};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::shape::assert_is_task;
use concept_refinement_tests::tokens::{now, token};
use reqwest::Method;
use serde_json::{Value, json};

use super::{NO_ID, REFINE, limits, unsigned};
use crate::Platform;
use concept_refinement_tests::platform::{
    FRUGAL, frugal, local, new_name, new_user, origin, scripted,
};

pub async fn who_may_not_is_told_so<P: Platform>() {
    let anybody = Client::new(scripted::<P>().url());
    let user = new_name();
    let good = anybody.bearer(&token(&user));
    assert_eq!(good.get("/api/tasks").await.status, 200);
    let by_cookie = anybody.cookie(&token(&user));
    assert_eq!(by_cookie.get("/api/tasks").await.status, 200);

    let concept = format!("/api/concepts/{NO_ID}");
    for (name, client) in [
        ("nothing", anybody.clone()),
        ("a good cookie beside a bad header", by_cookie.bearer("x")),
    ] {
        check(
            [
                Row::refine(name, &client, "{}"),
                Row::upload(name, &client, "x"),
                Row::get(name, &client, "/api/tasks"),
                Row::get(name, &client, format!("/api/tasks/{NO_ID}/events")),
                Row::new(name, &client, Method::DELETE, &concept),
            ]
            .map(|row| {
                row.is(401, "UNAUTHORIZED")
                    .with("www-authenticate", "Bearer")
            }),
        )
        .await;
    }
    let elsewhere = by_cookie.with("origin", "https://elsewhere.example");
    let image = new_user(scripted::<P>())
        .uploaded(&pictures::png(8, 8))
        .await;
    let (path, query) = image.split_once('?').unwrap();
    let (expires, _) = query.split_once('&').unwrap();
    check(
        [
            Row::refine("from elsewhere", &elsewhere, "{}"),
            Row::get(
                "a bad signature",
                &anybody,
                format!("{path}?{expires}&signature=AAAA"),
            ),
        ]
        .map(|row| row.is(403, "FORBIDDEN")),
    )
    .await;
}

pub async fn what_is_not_there_is_told_alike<P: Platform>() {
    let anybody = Client::new(scripted::<P>().url());
    let user = new_user(scripted::<P>());
    let concept = format!("/api/concepts/{NO_ID}");
    let image = "/api/images/nothing.png";
    let original = format!("{}{image}", user.base());
    check(
        [
            Row::get("an unknown path", &anybody, "/api/nothing"),
            Row::new(
                "no sessions here",
                &anybody,
                Method::POST,
                "/api/auth/session",
            ),
            Row::get("no task", &user, format!("/api/tasks/{NO_ID}/events")),
            Row::new("no concept", &user, Method::DELETE, &concept),
            Row::get("no image", &user, image),
            Row::refine("no original of ours", &user, refinement(&original)),
        ]
        .map(|row| row.is(404, "NOT_FOUND")),
    )
    .await;
    let wrong = Row::new("tasks", &anybody, Method::PUT, "/api/tasks");
    let wrong = wrong.is(405, "METHOD_NOT_ALLOWED").with("allow", "GET");
    wrong.check().await;
}

pub async fn all_problems_of_a_request_are_told_at_once<P: Platform>() {
    let user = new_user(scripted::<P>());
    let url = origin().picture(&pictures::png(8, 8));
    let good = refinement(&url);
    let keyed = user.with("idempotency-key", "key");
    let first = keyed.post(REFINE, &good).await;
    assert_eq!(limits(&first)[..2], [1000, 999]);
    user.finished(&first.task_id()).await;
    let mut with_theme = good.clone();
    with_theme["theme_description"] = json!("warm");
    let all_wrong = json!({
        "original_image_url": "ftp://a.example/",
        "refinement_prompt": "  ",
        "logo_description": 7,
        "theme_description": "x".repeat(2001),
    });
    let bad_key = user.with("idempotency-key", "a b");
    let png = pictures::png(60, 60).bytes;
    let image = user.uploaded(&pictures::png(8, 8)).await;
    let image = unsigned(&image).to_owned();
    let plain = user.with("content-type", "text/plain");
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(64 << 10));
    check([
        Row::refine("a long body", &user, &long).is(413, "PAYLOAD_TOO_LARGE"),
        Row::upload("many pixels", &user, png_that_claims(60_000, 60_000))
            .is(413, "PAYLOAD_TOO_LARGE"),
        Row::new("text", &plain, Method::POST, REFINE)
            .body("{}")
            .is(415, "UNSUPPORTED_MEDIA_TYPE"),
        Row::upload("no image", &user, "text").is(415, "UNSUPPORTED_MEDIA_TYPE"),
        Row::get(
            "a part outside",
            &user.with("range", "bytes=999999-"),
            &image,
        )
        .is(416, "RANGE_NOT_SATISFIABLE")
        .with("content-range", "bytes */"),
        Row::refine("a key with another body", &keyed, &with_theme)
            .is(422, "VALIDATION_ERROR")
            .names(&["Idempotency-Key"]),
        Row::upload("half a file", &user, &png[..png.len() / 2]).is(422, "VALIDATION_ERROR"),
        Row::refine("everything", &bad_key, all_wrong)
            .is(422, "VALIDATION_ERROR")
            .names(&[
                "Idempotency-Key",
                "logo_description",
                "original_image_url",
                "refinement_prompt",
                "theme_description",
            ]),
    ])
    .await;
    // None of it cost anything.
    let next = user.refine(&url, "echo it").await;
    assert_eq!(limits(&next)[..2], [1000, 998]);
}

fn refinement(url: &str) -> Value {
    json!({"original_image_url": url, "refinement_prompt": "echo it"})
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
    user.completed(&url, "echo it").await;
}

pub async fn a_quota_that_is_used_up_is_told_with_its_limits<P: Platform>() {
    let user = new_user(frugal::<P>());
    let url = origin().picture(&pictures::png(8, 8));
    for left in (0..FRUGAL).rev() {
        let (gated, gate) = origin().gated(&pictures::png(8, 8));
        let accepted = user.refine(&gated, "echo it").await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        assert_eq!(limits(&accepted)[..2], [FRUGAL, left]);
        // An active task and a missing original are judged before the quota.
        let active = user.refine(&url, "echo it").await;
        assert_eq!(active.status, 409, "{active:?}");
        let missing = format!("{}/api/images/nothing", user.base());
        assert_eq!(user.refine(&missing, "echo it").await.status, 404);
        gate.open();
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
