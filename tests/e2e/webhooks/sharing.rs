//! Many webhooks at once: whatever does not answer keeps no other webhook waiting,
//! and none keeps a task.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::receiver::Receiver;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Service;
use futures::future::join_all;

use super::{accepted, attempted, launch, receiver, redeliver, seconds};
use crate::shared::new_user;

/// More than attempts can be under way at once.
const MANY: usize = 80;

/// From a task's end to its webhook: far below what an attempt takes that is not
/// answered (15 s).
const QUICK_SECONDS: f64 = 1.0;

#[tokio::test]
async fn a_slow_receiver_keeps_no_other_waiting() {
    let service = launch().start();
    let slow = slow(1);
    let told = async || silent(&new_user(&service), &slow[0]).await;
    join_all((0..MANY).map(|_| told())).await;

    others_are_told(&service).await;
    let open = open(&slow);
    assert!((1..=8).contains(&open), "{open} attempts at one receiver");
    let begin = Instant::now();
    assert!(service.stop().status.success());
    assert!(
        begin.elapsed() < Duration::from_secs(25),
        "{:?}",
        begin.elapsed()
    );
}

/// What was delivered once, and is asked for again by a crowd whose receivers are silent
/// since.
#[tokio::test]
async fn what_is_asked_for_again_keeps_no_other_waiting() {
    const RECEIVERS: usize = 10;
    let service = launch().start();
    let slow = slow(RECEIVERS);
    let told = async |number: usize| {
        let client = new_user(&service);
        let replies = [Reply::status(200), Reply::raw(b"").then_silence()];
        let hook = slow[number % RECEIVERS].hook(replies);
        let id = accepted(&client, "instant", &hook).await;
        attempted(&client, &id, 1).await;
        (client, id)
    };
    let users = join_all((0..MANY).map(told)).await;
    let asked = users.iter().map(|(client, id)| redeliver(client, id));
    let asked = join_all(asked).await;
    let of = |status| asked.iter().filter(|it| **it == status).count();
    assert!((1..=32).contains(&of(202)), "{asked:?}");
    assert_eq!(of(202) + of(429), MANY, "{asked:?}");
    others_are_told(&service).await;
}

/// Receivers that do not answer.
fn slow(number: usize) -> Vec<Receiver> {
    (0..number).map(|_| Receiver::start()).collect()
}

/// Has a task that ends, and that this receiver is told of.
async fn silent(client: &Client, receiver: &Receiver) {
    let hook = receiver.hook([Reply::raw(b"").then_silence()]);
    let id = accepted(client, "instant", &hook).await;
    client.finished(&id).await;
}

/// The attempts under way.
fn open(receivers: &[Receiver]) -> usize {
    receivers.iter().map(Receiver::open_connections).sum()
}

async fn others_are_told(service: &Service) {
    for _ in 0..5 {
        let client = new_user(service);
        let hook = receiver().hook([Reply::status(200)]);
        let id = accepted(&client, "instant", &hook).await;
        let told = attempted(&client, &id, 1).await;
        assert_eq!(told["state"], "delivered", "{told}");
        let task = client.task(&id).await;
        let waited = seconds(&told["attempts"][0]["at"]) - seconds(&task["completed_at"]);
        assert!(waited < QUICK_SECONDS, "{waited} s: {told}");
    }
}
