//! What every other door refuses is refused here, in OpenAI's form.

use concept_refinement_tests::openai::{EDITS, Form, error, named};
use concept_refinement_tests::pictures;

use crate::shared::{UPLOADS, new_user, origin, scripted, scripted_launch};

#[tokio::test]
async fn another_users_upload_is_not_there() {
    let owner = new_user(scripted());
    let upload = owner.uploaded(&pictures::png(40, 30)).await;
    let body = named(&upload, "echo it");
    let answer = new_user(scripted()).post(EDITS, &body).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    error(&answer);
    assert_eq!(owner.post(EDITS, &body).await.status, 200);
}

#[tokio::test]
async fn what_is_beyond_the_backlog_is_refused() {
    let launch = scripted_launch().set("concurrency", "1");
    let service = launch.set("max-backlog", "1").start();
    let (gated, gate) = origin().gated(&pictures::png(8, 8));
    let busy = new_user(&service);
    let id = busy.accepted(&gated, "echo it").await;
    busy.task_is(&id, "processing").await;
    new_user(&service).accepted(&gated, "echo it").await;
    let form = Form::edit(&pictures::png(8, 8), "echo it");
    let refused = form.send(&new_user(&service)).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(error(&refused)["type"], "server_error");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    gate.open();
}

/// The images of a request count among the uploads while it lasts.
#[tokio::test]
async fn who_keeps_too_many_uploads_brings_no_other() {
    let user = new_user(scripted());
    let picture = pictures::png(8, 8);
    let mut kept = Vec::new();
    for _ in 0..UPLOADS {
        kept.push(user.uploaded(&picture).await);
    }
    let form = Form::edit(&picture, "echo it");
    let refused = form.send(&user).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    let message = error(&refused)["message"].clone();
    assert!(message.as_str().unwrap().contains("uploads"), "{message}");
    // One that is kept already needs no place.
    assert_eq!(
        user.post(EDITS, &named(&kept[0], "echo it")).await.status,
        200
    );
    assert_eq!(user.delete(&kept[0]).await.status, 204);
    assert_eq!(form.send(&user).await.status, 200);
}

/// Only the request can be to blame for a 400.
#[tokio::test]
async fn a_model_that_breaks_is_no_refusal() {
    for (prompt, status, should_retry) in [
        ("trap now", 500, None),
        ("refuse: no logos", 400, Some("false")),
    ] {
        let form = Form::edit(&pictures::png(8, 8), prompt);
        let answer = form.send(&new_user(scripted())).await;
        assert_eq!(answer.status, status, "{prompt}: {answer:?}");
        assert_eq!(error(&answer)["code"], "task_failed", "{prompt}");
        assert_eq!(answer.header("x-should-retry"), should_retry, "{prompt}");
    }
}
