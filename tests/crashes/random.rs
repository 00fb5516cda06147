//! Kills at any moment, under load, with a queue that repeats itself.

use std::time::Duration;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::faults::DELIVER_TWICE;
use concept_refinement_tests::seed::{number, seed};
use concept_refinement_tests::service::Launch;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::crowd::Crowd;
use crate::journal::Journal;
use crate::verdict;
use crate::world::World;

const KILLS: u64 = 15;

pub const USERS: u64 = 8;

/// A process lives so long, in milliseconds.
const SHORT: std::ops::Range<u64> = 1..300;

/// One in three lives longer, so that few tasks lose three workers in a row.
const LONG: std::ops::Range<u64> = 300..500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_nothing_accepted_is_lost_or_done_twice() {
    outlives_kills(World::with(|launch| launch.variable(DELIVER_TWICE, "1"))).await;
}

/// The same where each call has an instance of each link.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_with_a_chain_of_models_nothing_is_lost_or_done_twice() {
    let middleware = artifacts::test_component("middleware-scripted");
    let model = artifacts::scripted_model();
    let chain = format!("{}(fallback({}))", middleware.display(), model.display());
    let chain = |launch: Launch| launch.set("model", &chain).variable(DELIVER_TWICE, "1");
    outlives_kills(World::with(chain)).await;
}

async fn outlives_kills(mut world: World) {
    let (kills, seed) = (kills(), seed());
    let mut service = world.start(|launch| launch);
    let crowd = Crowd::start(&world, USERS, seed);
    let mut random = StdRng::seed_from_u64(seed);
    for kill in 0..kills {
        let lives = match kill % 3 {
            2 => LONG,
            _ => SHORT,
        };
        tokio::time::sleep(Duration::from_millis(random.random_range(lives))).await;
        world.kill(service);
        service = world.start(|launch| launch);
    }
    let users = crowd.stop().await;

    let losses = Journal::of(&world.journal).losses();
    let asked: usize = users.iter().map(|user| user.asked.len()).sum();
    println!(
        "{kills} kills, {asked} refinements; {} of them lost a worker, {} several",
        losses.len(),
        losses.iter().filter(|count| **count >= 2).count()
    );
    let violations = verdict::violations(&mut world, &users, service).await;
    assert!(violations.is_empty(), "{violations:#?}");
    assert!(!losses.is_empty(), "no kill met a task");
}

/// How many a run is to have.
pub fn kills() -> u64 {
    number("REFINEMENT_KILLS", KILLS)
}
