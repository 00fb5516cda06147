//! Pushes while the queue is paused.

use concept_refinement_tests::pubsub::{PubSub, envelope, push, token};

use super::hosts::AT_ONCE;
use super::{act, attended, operator};
use crate::pubsub::pushing;
use crate::shared::{new_user, origin, picture_url, scripted_launch};

#[tokio::test]
async fn a_push_is_refused_while_the_queue_is_paused_and_published_again() {
    let pubsub = PubSub::start();
    let (topic, subscription) = pubsub.topic();
    let launch = attended(scripted_launch()).set("queue", &topic);
    let service = pushing(launch, &pubsub).start();
    let operator = operator(&service).await;
    let user = new_user(&service);
    let picture = picture_url();
    act(&operator, "queue/pause", "x").await;
    let id = user.accepted(&picture, "echo it").await;
    let published = pubsub.published();
    assert_eq!(published.len(), 1);
    let (status, body) = push(service.url(), &token(), &envelope(&published[0]))
        .await
        .unwrap();
    assert_eq!(status, 503, "{body}");
    assert_eq!(user.task(&id).await["status"], "pending");
    assert!(origin().requests(&picture).is_empty());

    // The first message is lost: it is published once more.
    pubsub.push_to(&subscription, service.url());
    act(&operator, "queue/resume", "x").await;
    let task = tokio::time::timeout(AT_ONCE, user.finished(&id))
        .await
        .unwrap();
    assert_eq!(task["status"], "completed", "{task}");
    assert!(service.stop().status.success());
}
