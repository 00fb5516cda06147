//! Two hosts on one database: what one of them was delivering when it was killed
//! (SIGKILL) the other one delivers, with the same id, and there is one final state.

use std::time::Duration;

use concept_refinement_domain::webhook::LEASE;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::KILL_AT;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Service;
use concept_refinement_tests::shape::unsigned;
use futures::future::join_all;

use super::{accepted, receiver, webhook};
use crate::roles::Hosts;
use crate::shared::new_name;

/// The other host waits for the end of the lease of who died.
const TAKEN_OVER: Duration = LEASE.saturating_add(SOON);

/// Where the first host is killed, and how often the receiver may be told.
const POINTS: [(Point, usize); 4] = [
    (Point::Store("after delivery claim"), 1),
    (Point::Request, 2),
    (Point::Store("before attempt record"), 2),
    (Point::Store("after attempt record"), 1),
];

#[derive(Clone, Copy, Debug)]
enum Point {
    /// Around an operation of the store.
    Store(&'static str),
    /// While the receiver is told. The other host is there already.
    Request,
}

#[tokio::test]
async fn what_a_killed_host_was_delivering_another_one_delivers() {
    join_all(POINTS.map(|(point, most)| taken_over(point, most))).await;
}

async fn taken_over(point: Point, most: usize) {
    let launch = Hosts::with("store")
        .launch
        .faulty()
        .set("allow-webhooks", "127.0.0.1")
        .set("public-url", "https://refine.example");
    let name = new_name();
    let (other, id, hook) = match point {
        Point::Store(point) => {
            let hook = receiver().hook([Reply::status(200)]);
            let first = launch.elsewhere().variable(KILL_AT, point).start();
            let id = begun(&first, &name, &hook).await;
            assert!(!first.ended().status.success(), "{point}");
            (launch.elsewhere().start(), id, hook)
        }
        Point::Request => {
            let hook = receiver().hook([Reply::raw(b"").then_silence(), Reply::status(200)]);
            let first = launch.elsewhere().start();
            let id = begun(&first, &name, &hook).await;
            eventually("it is being delivered", SOON, async || {
                (!receiver().deliveries(&hook).is_empty()).then_some(())
            })
            .await;
            let other = launch.elsewhere().start();
            first.kill();
            (other, id, hook)
        }
    };
    let client = Client::user(other.url(), &name);
    let told = eventually("it is delivered", TAKEN_OVER, async || {
        let told = webhook(&client, &id).await;
        (told["state"] == "delivered").then_some(told)
    })
    .await;
    let attempts = told["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{point:?}: {told}");
    assert_eq!(attempts[0]["status"], 200, "{point:?}: {told}");
    let task = client.task(&id).await;
    assert!(other.stop().status.success(), "{point:?}");

    let deliveries = receiver().deliveries(&hook);
    let times = deliveries.len();
    assert!((1..=most).contains(&times), "{point:?}: {times} times");
    for delivery in deliveries {
        assert_eq!(delivery.header("webhook-id"), Some(&*format!("msg_{id}")));
        let data = unsigned(&delivery.json()["data"]);
        assert_eq!(data, unsigned(&task), "{point:?}");
    }
}

/// The id of a task that ends at once.
async fn begun(first: &Service, user: &str, hook: &str) -> String {
    let client = Client::user(first.url(), user);
    accepted(&client, "instant", hook).await
}
