//! What every other door refuses is refused here, in OpenAI's form.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_tests::openai::{EDITS, Form, error, named};
use concept_refinement_tests::pictures;

use crate::shared::{UPLOADS, busy, new_user, picture_url, scripted, scripted_launch};

#[tokio::test]
async fn what_is_beyond_the_backlog_is_refused() {
    let launch = scripted_launch().set("concurrency", "1");
    let service = launch.set("max-backlog", "1").start();
    let (_, _, gate) = busy(&service).await;
    new_user(&service).accepted(&picture_url(), "echo it").await;
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

/// The largest image is larger than all uploads may be together.
#[tokio::test]
async fn an_image_counts_as_no_more_than_its_request_can_hold() {
    let service = scripted_launch().set("upload-bytes", "100KiB").start();
    for (bytes, status) in [(60 << 10, 200), (200 << 10, 429)] {
        let picture = pictures::large_png(bytes);
        let form = Form::edit(&picture, "echo it");
        let answer = form.send(&new_user(&service)).await;
        assert_eq!(answer.status, status, "{bytes}: {answer:?}");
        let text = BASE64_STANDARD.encode(&picture.bytes);
        let json = named(&format!("data:image/png;base64,{text}"), "echo it");
        let answer = new_user(&service).post(EDITS, &json).await;
        assert_eq!(answer.status, status, "{bytes} in JSON: {answer:?}");
    }
}
