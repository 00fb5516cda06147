//! Kills (SIGKILL) around a delivery: it is made all the same, its id stays, and
//! there is one final state.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::KILL_AT;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::shape::unsigned;

use super::{accepted, attempted, launch, receiver};
use crate::shared::new_user;

/// Points between a task's end and the record of its delivery, and how often the
/// receiver may be told.
const POINTS: [(&str, usize); 5] = [
    ("before finish", 1),
    ("after finish", 1),
    ("after delivery claim", 1),
    ("before attempt record", 2),
    ("after attempt record", 1),
];

#[tokio::test]
async fn whenever_it_is_killed_the_receiver_is_told() {
    for (point, most) in POINTS {
        let launch = launch().faulty().set("lease", "2s");
        let hook = receiver().hook([Reply::status(200)]);
        let service = launch.clone().variable(KILL_AT, point).start();
        let client = new_user(&service);
        let id = accepted(&client, "instant", &hook).await;
        let launch = launch.at(&service);
        let killed = service.ended();
        assert!(!killed.status.success(), "{point}: {killed:?}");

        let service = launch.start();
        let client = client.reconnected();
        let told = attempted(&client, &id, 1).await;
        assert_eq!(told["state"], "delivered", "{point}: {told}");
        let task = client.task(&id).await;
        let deliveries = receiver().deliveries(&hook);
        assert!(
            (1..=most).contains(&deliveries.len()),
            "{point}: {deliveries:?}"
        );
        for delivery in deliveries {
            assert_eq!(delivery.header("webhook-id"), Some(&*format!("msg_{id}")));
            let data = unsigned(&delivery.json()["data"]);
            assert_eq!(data, unsigned(&task), "{point}");
        }
        assert!(service.stop().status.success());
    }
}

/// A stop waits for attempts under way, as long as they may take.
#[tokio::test]
async fn a_stop_lets_an_attempt_end() {
    let launch = launch();
    let service = launch.start();
    let client = new_user(&service);
    let late = Reply::status(200).after(std::time::Duration::from_secs(2));
    let hook = receiver().hook([late]);
    let id = accepted(&client, "instant", &hook).await;
    let launch = launch.at(&service);
    eventually("it is being delivered", SOON, async || {
        (!receiver().deliveries(&hook).is_empty()).then_some(())
    })
    .await;
    assert!(service.stop().status.success());

    let _service = launch.start();
    let told = attempted(&client.reconnected(), &id, 1).await;
    assert_eq!(told["state"], "delivered", "{told}");
    assert_eq!(receiver().deliveries(&hook).len(), 1);
}
