//! Watching tasks.

mod crowds;

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::events::{Event, Events};
use concept_refinement_tests::server::{Gate, Reply};
use concept_refinement_tests::service::Service;
use concept_refinement_tests::shape::unsigned;

use crate::shared::{self, new_user, origin, picture_url, scripted_launch};

/// Each change is there within 50 ms of its commit; a busy machine takes longer
/// to do anything.
const QUICK: Duration = Duration::from_millis(1000);

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A service whose only place is taken until the gate opens: other tasks are
/// pending till then.
async fn busy() -> (Service, Gate) {
    let service = scripted_launch().set("concurrency", "1").start();
    let (_, _, gate) = shared::busy(&service).await;
    (service, gate)
}

fn tells(events: &[Event]) -> Vec<String> {
    events.iter().map(Event::tells).collect()
}

#[tokio::test]
async fn what_becomes_of_a_task_is_told_in_order_and_at_once() {
    let (service, gate) = busy().await;
    let good = picture_url();
    let missing = origin().serve(Reply::status(404));
    let all = [
        "pending",
        "processing",
        "downloading",
        "refining",
        "storing-image",
        "storing-concept",
        "completed",
    ];
    let cases: [(&str, &str, &[&str]); 2] = [
        ("completed", &good, &all),
        (
            "failed",
            &missing,
            &["pending", "processing", "downloading", "failed"],
        ),
    ];
    let mut watched = Vec::new();
    for (name, url, expected) in cases {
        let user = new_user(&service);
        let id = user.accepted(url, "echo it").await;
        let mut events = user.events(&id, None).await;
        let first = events.event().await;
        assert_eq!(first.data, user.task(&id).await, "{name}");
        watched.push((name, expected, user, id, first, events));
    }
    gate.open();
    for (name, expected, user, id, first, mut events) in watched {
        let rest = events.rest().await;
        let told = [vec![first], rest].concat();
        assert_eq!(tells(&told), expected, "{name}");
        for event in &told {
            assert_eq!(
                event.id.is_some(),
                event.name == "task",
                "{name}: {event:?}"
            );
        }
        for event in told.iter().skip(1).filter(|event| event.name == "task") {
            let delay = event.delay();
            assert!(delay < QUICK, "{name}: {delay:?} for {event:?}");
        }
        let mut ids: Vec<_> = told.iter().filter_map(|event| event.id.clone()).collect();
        ids.dedup();
        assert_eq!(
            ids.len(),
            told.iter().filter(|event| event.name == "task").count()
        );

        let last = told.last().unwrap();
        assert_eq!(
            unsigned(&last.data),
            unsigned(&user.task(&id).await),
            "{name}"
        );
        if let Some(url) = last.data["image_url"].as_str() {
            let image = Client::new(service.url()).get(url).await;
            assert_eq!(image.status, 200, "{name}: its URL is signed");
        }
    }
}

/// One who reads nothing, while others read.
#[tokio::test]
async fn who_does_not_read_holds_nobody_up() {
    let (service, gate) = busy().await;
    let user = new_user(&service);
    let id = user.accepted(&picture_url(), "echo it").await;
    let mut idle: Vec<Events> = Vec::new();
    for _ in 0..20 {
        idle.push(user.events(&id, None).await);
    }
    let mut reading = user.events(&id, None).await;
    gate.open();
    assert_eq!(reading.rest().await.last().unwrap().tells(), "completed");
    for mut events in idle {
        assert_eq!(events.rest().await.last().unwrap().tells(), "completed");
    }
}
