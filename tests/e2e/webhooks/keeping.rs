//! Webhooks and what came of them are in a backup, and move to other engines.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::s3::{Kind, shared};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Service;
use serde_json::Value;

use super::{accepted, attempted, launch, receiver, redeliver, webhook};
use crate::backup::{backed_up, on_backup};
use crate::moving::move_to;
use crate::shared::new_name;

/// The next attempt comes after the test.
const IN_AN_HOUR: &str = "retry-after: 3600\r\ncontent-length: 0\r\n";

/// A delivery, whose it is, and where it goes.
struct Delivery {
    user: String,
    task_id: String,
    hook: String,
    webhook: Value,
    secret: Value,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_keeps_them() {
    let launch = launch().embedded();
    let service = launch.start();
    let before = attempts(&service).await;
    let backup = scratch("backups").join("backup");
    backed_up(&launch.data(), &backup);
    let launch = launch.at(&service);
    assert!(service.stop().status.success());
    are_kept(&on_backup(launch, &backup), before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_keeps_them() {
    let source = launch().embedded();
    let service = source.start();
    let before = attempts(&service).await;
    assert!(service.stop().status.success());
    let place = shared(Kind::S3sFs).place();
    let (tasks, images) = (postgres().url(&new_schema()), place.url());
    let target = launch().embedded();
    let moved = move_to(
        &source.data(),
        &target.data(),
        [&tasks, &images],
        &place,
        place.server(),
    );
    assert!(moved.status.success(), "{moved:?}");
    let target = target.images_in(&place).set("tasks", &tasks);
    are_kept(&target.start(), before).await;
}

/// One delivery in each state.
async fn attempts(service: &Service) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for (first, state) in [
        (Reply::status(200), "delivered"),
        (Reply::status(410), "failed"),
        (Reply::new(503, IN_AN_HOUR, b""), "pending"),
    ] {
        let user = new_name();
        let client = Client::user(service.url(), &user);
        let hook = receiver().hook([first, Reply::status(204)]);
        let task_id = accepted(&client, "instant", &hook).await;
        let webhook = attempted(&client, &task_id, 1).await;
        assert_eq!(webhook["state"], state, "{webhook}");
        deliveries.push(Delivery {
            secret: client.get("/api/webhooks/secret").await.json(),
            user,
            task_id,
            hook,
            webhook,
        });
    }
    deliveries
}

async fn are_kept(service: &Service, before: Vec<Delivery>) {
    for delivery in before {
        let client = Client::user(service.url(), &delivery.user);
        let task_id = &delivery.task_id;
        assert_eq!(webhook(&client, task_id).await, delivery.webhook);
        let secret = client.get("/api/webhooks/secret").await.json();
        assert_eq!(secret, delivery.secret);

        // It goes on from there.
        let is_pending = delivery.webhook["state"] == "pending";
        let expected = if is_pending { 409 } else { 202 };
        assert_eq!(redeliver(&client, task_id).await, expected);
        let attempts = if is_pending { 1 } else { 2 };
        let told = attempted(&client, task_id, attempts).await;
        assert_eq!(told["attempts"][0], delivery.webhook["attempts"][0]);
        let deliveries = receiver().deliveries(&delivery.hook);
        assert_eq!(deliveries.len(), attempts);
        for told in deliveries {
            let id = format!("msg_{task_id}");
            assert_eq!(told.header("webhook-id"), Some(id.as_str()));
        }
    }
}
