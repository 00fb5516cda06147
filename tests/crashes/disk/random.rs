//! A disk that fills and empties at any moment, under load: also while the
//! engine copies its log into a file that cannot grow.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::seed::number;
use concept_refinement_tests::service::Launch;
use futures::future::{join, join_all};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::disk::shared::{
    DISK, NO_ROOM_FOR_TASKS, assert_completed, assert_ready, assert_unavailable, launch, original,
    remaining, stop_and_check, user,
};

/// Another is given by `REFINEMENT_SEED`.
const SEED: u64 = 4_021;
const USERS: usize = 8;
const LIMIT: u64 = 100_000;
const TIME: Duration = Duration::from_secs(8);

#[tokio::test]
async fn whenever_it_fills_nothing_accepted_is_lost() {
    let seed = number("REFINEMENT_SEED", SEED);
    println!("seed {seed}");
    // Room for the images of all that a fast machine does meanwhile.
    let launch = launch().on_small_disk(DISK * 4);
    let launch = launch.set("rate-limit", &format!("{LIMIT}/month"));
    let service = launch.start();
    let url = original();
    let end = Instant::now() + TIME;
    let users: Vec<Client> = (0..USERS)
        .map(|number| user(&service, &format!("user {number}")))
        .collect();
    let asking = join_all(users.iter().map(|client| ask(client, &url, end)));
    let (asked, ()) = join(asking, fill_and_free(&launch, seed, end)).await;

    for (client, (accepted, refused)) in users.iter().zip(asked) {
        assert!(!accepted.is_empty() && refused > 0);
        let used = u64::try_from(accepted.len()).unwrap() + 1;
        for id in &accepted {
            assert_completed(&client.finished(id).await);
        }
        let last = client.refine(&url, "instant").await;
        assert_eq!(
            remaining(&last),
            LIMIT - used,
            "what was refused cost nothing"
        );
        client.finished(&last.task_id()).await;
    }
    assert_ready(&users[0]).await;
    stop_and_check(&launch, service);
}

/// The ids of what was accepted, and how much was refused.
async fn ask(client: &Client, url: &str, end: Instant) -> (Vec<String>, usize) {
    let (mut accepted, mut refused) = (Vec::new(), 0);
    while Instant::now() < end {
        let answer = client.refine(url, "instant").await;
        match answer.status {
            202 => accepted.push(answer.task_id()),
            409 => {}
            _ => {
                assert_unavailable(&answer, NO_ROOM_FOR_TASKS);
                refused += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (accepted, refused)
}

async fn fill_and_free(launch: &Launch, seed: u64, end: Instant) {
    let mut random = StdRng::seed_from_u64(seed);
    while Instant::now() < end {
        launch.disk().fill_but(random.random_range(0..64));
        tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
        launch.disk().free();
        tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
    }
}
