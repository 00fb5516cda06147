//! A task whose message cannot be published: where no worker waits, its user is told,
//! and it costs nothing.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::faults::QUEUE_DOWN;
use concept_refinement_tests::pictures;
use serde_json::Value;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_queued_is_told_and_costs_nothing() {
    let mut world = World::new();
    let switch = world.journal.with_file_name("queue-down");
    let service = world.start(|launch| {
        let launch = launch.variable(QUEUE_DOWN, switch.to_str().unwrap());
        launch.set("concurrency", "1")
    });
    let (original, _gate) = world.origin.gated(&pictures::png(8, 8));
    let busy = Client::user(service.url(), "busy");
    let under_way = busy.accepted(&original, "echo it").await;
    busy.task_is(&under_way, "processing").await;
    for (why, status, code) in [
        ("unavailable", 503, "SERVICE_UNAVAILABLE"),
        ("invalid", 500, "INTERNAL_ERROR"),
    ] {
        let user = Client::user(service.url(), why);
        let ask = async || user.refine(&original, "echo it").await;
        std::fs::write(&switch, why).unwrap();
        for _ in 0..3 {
            let refused = ask().await;
            assert_eq!(refused.status, status, "{why}: {refused:?}");
            assert_eq!(refused.json()["error_code"], code, "{why}: {refused:?}");
            assert_eq!(refused.json()["field_errors"], Value::Null, "{why}");
        }
        let tasks = user.get("/api/tasks").await.json();
        let tasks = tasks["tasks"].as_array().unwrap().clone();
        assert_eq!(tasks.len(), 3, "{why}: {tasks:?}");
        assert!(
            tasks.iter().all(|task| task["status"] == "failed"),
            "{tasks:?}"
        );
        std::fs::remove_file(&switch).unwrap();
        let accepted = ask().await;
        assert_eq!(accepted.status, 202, "{why}: {accepted:?}");
        let limit = accepted.header("x-ratelimit-limit").unwrap().parse::<u32>();
        let remaining = accepted.header("x-ratelimit-remaining").unwrap();
        assert_eq!(remaining, (limit.unwrap() - 1).to_string(), "{why}");
    }
}
