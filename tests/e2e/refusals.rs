//! Refusals that depend on how a service is set up or what state its store is
//! in. Those that are the same everywhere stand in the platforms' suite.

use concept_refinement_tests::client::Answer;
use concept_refinement_tests::pictures;
use concept_refinement_tests::refusals::{Row, check};
use reqwest::Method;
use serde_json::{Value, json};

use crate::shape::assert_is_task;
use crate::shared::{UPLOADS, new_user, origin, scripted_launch};

fn refinement(url: &str) -> Value {
    json!({"original_image_url": url, "refinement_prompt": "echo it"})
}

#[tokio::test]
async fn what_is_too_much_is_told_with_how_long_to_wait() {
    let service = scripted_launch()
        .set("rate-limit", "1/month")
        .set("concurrency", "1")
        .set("max-backlog", "1")
        .start();
    let url = origin().picture(&pictures::png(8, 8));
    let (slow, gate) = origin().gated(&pictures::png(8, 8));
    let [first, second, third] = [(); 3].map(|()| new_user(&service));
    let limits = |answer: &Answer| {
        ["limit", "remaining", "reset"].map(|name| {
            let value = answer.header(&format!("x-ratelimit-{name}"));
            value
                .unwrap_or_else(|| panic!("{name}: {answer:?}"))
                .parse::<u64>()
                .unwrap()
        })
    };

    let accepted = first.refine(&slow, "echo it").await;
    let id = accepted.task_id();
    first.task_is(&id, "processing").await;
    // The one answer that is no error in form: the task that is under way.
    let conflict = first.refine(&url, "echo it").await;
    assert_eq!(conflict.status, 409);
    let task = conflict.json();
    assert_is_task(&task);
    assert_eq!(task["task_id"], id.as_str());
    assert_eq!(
        task["message"],
        "A concept refinement task is already in progress"
    );
    assert_eq!(limits(&conflict)[..2], [1, 0]);

    let waiting = second.accepted(&url, "echo it").await;
    check([Row::refine("a long backlog", &third, refinement(&url))
        .is(503, "SERVICE_UNAVAILABLE")
        .with("retry-after", "")])
    .await;

    gate.open();
    for (user, id) in [(&first, &id), (&second, &waiting)] {
        assert_eq!(user.finished(id).await["status"], "completed");
    }
    let used_up = Row::refine("a quota that is used up", &first, refinement(&url))
        .is(429, "RATE_LIMIT_EXCEEDED")
        .with("retry-after", "")
        .check()
        .await;
    assert_eq!(limits(&used_up)[..2], [1, 0]);
    let sentence = "Rate limit exceeded for /concepts/refine (1/month). Try again later.";
    assert_eq!(used_up.json()["detail"], sentence);

    let refined = first.task(&id).await["image_url"]
        .as_str()
        .unwrap()
        .to_owned();
    for _ in 0..UPLOADS {
        third.uploaded(&pictures::png(8, 8)).await;
    }
    check([
        Row::upload("too many uploads", &third, pictures::png(8, 8).bytes)
            .is(429, "RATE_LIMIT_EXCEEDED"),
        Row::new("a concept's image", &first, Method::DELETE, refined).is(409, "CONFLICT"),
    ])
    .await;
}

/// A store that is in the way of itself: what cannot be reached is no fault of
/// who asks, and its inside is not told.
#[tokio::test]
async fn what_cannot_be_reached_is_told_as_such() {
    let launch = scripted_launch().embedded();
    let service = launch.start();
    let user = new_user(&service);
    let image = user.uploaded(&pictures::png(8, 8)).await;
    let images = launch.data().join("images");
    std::fs::rename(&images, launch.data().join("elsewhere")).unwrap();
    std::fs::write(&images, "in the way").unwrap();
    check(
        [
            Row::upload("an upload", &user, pictures::png(8, 8).bytes),
            Row::get("an image", &user, image),
        ]
        .map(|row| row.is(503, "SERVICE_UNAVAILABLE")),
    )
    .await;
}
