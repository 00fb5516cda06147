//! Many webhooks at once: a slow receiver keeps no other waiting, and none keeps a
//! task.

use std::time::{Duration, Instant};

use concept_refinement_tests::server::Reply;
use futures::future::join_all;

use super::{accepted, attempted, launch, receiver};
use crate::shared::new_user;

/// More than attempts can be under way at once.
const SLOW: usize = 80;

/// Far below what one attempt of a slow receiver takes (15 s).
const QUICK: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_slow_receiver_keeps_no_other_waiting() {
    let service = launch().start();
    let slow = concept_refinement_tests::receiver::Receiver::start();
    let silence = slow.hook([Reply::raw(b"").then_silence()]);
    let told = async || {
        let client = new_user(&service);
        let id = accepted(&client, "instant", &silence).await;
        client.finished(&id).await
    };
    join_all((0..SLOW).map(|_| told())).await;

    let begin = Instant::now();
    let client = new_user(&service);
    let hook = receiver().hook([Reply::status(200)]);
    let id = accepted(&client, "instant", &hook).await;
    let told = attempted(&client, &id, 1).await;
    assert_eq!(told["state"], "delivered", "{told}");
    assert!(begin.elapsed() < QUICK, "{:?}", begin.elapsed());
    let open = slow.open_connections();
    assert!((1..=8).contains(&open), "{open} attempts at one receiver");
    let begin = Instant::now();
    assert!(service.stop().status.success());
    assert!(
        begin.elapsed() < Duration::from_secs(25),
        "{:?}",
        begin.elapsed()
    );
}
