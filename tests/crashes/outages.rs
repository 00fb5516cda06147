//! Three hosts over shared engines: whatever is between one of them and an engine, and
//! whatever happens to an engine, what was accepted is done once.

use std::time::Duration;

use concept_refinement_tests::proxy::Mode;
use concept_refinement_tests::seed::seed;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::fleet::{Engine, Fleet, HOSTS, LEASE};
use crate::random::kills;
use crate::shared::{Engines, Queue};

const MODES: [Mode; 6] = [
    Mode::Refuse,
    Mode::Hang,
    Mode::OneWay,
    Mode::Delay(Duration::from_millis(300)),
    Mode::Reset,
    Mode::Cut(5000),
];

const ENGINES: [Engine; 3] = [Engine::Tasks, Engine::Images, Engine::Queue];

/// Longer than a lease: this is what happens, and nothing is waited for.
const OUTAGE: Duration = LEASE.saturating_add(Duration::from_millis(500));

/// Of one host after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_between_a_host_and_an_engine_nothing_is_lost() {
    for (queue, engines) in [
        (Queue::Nats, &ENGINES[..]),
        // All that is otherwise is on the same way.
        (Queue::Store, &[Engine::Tasks]),
    ] {
        let (fleet, crowd) = Fleet::at_work(queue, |launch| launch);
        for (number, mode) in MODES.into_iter().enumerate() {
            for (shift, engine) in engines.iter().enumerate() {
                let host = (number + shift) % HOSTS;
                fleet.set(host, *engine, mode);
                tokio::time::sleep(OUTAGE).await;
                fleet.set(host, *engine, Mode::Pass);
            }
        }
        fleet.ends_sound(crowd).await;
    }
}

/// At once, so that nobody can take over from anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_away_from_all_hosts_comes_back_to_all_that_was_accepted() {
    for (queue, engine, mode) in [
        (Queue::Store, Engine::Images, Mode::Hang),
        (Queue::Store, Engine::Tasks, Mode::Hang),
        (Queue::Nats, Engine::Tasks, Mode::Refuse),
    ] {
        let (fleet, crowd) = Fleet::at_work(queue, |launch| launch);
        tokio::time::sleep(Duration::from_millis(500)).await;
        fleet.set_all(engine, mode);
        tokio::time::sleep(2 * OUTAGE).await;
        fleet.set_all(engine, Mode::Pass);
        tokio::time::sleep(Duration::from_millis(500)).await;
        fleet.ends_sound(crowd).await;
    }
}

/// Under load; the hosts find it again by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_are_killed_come_back_to_all_that_was_accepted() {
    for queue in [Queue::Store, Queue::Nats] {
        let (mut fleet, crowd) = Fleet::at_work(queue, |launch| launch);
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            fleet.crash_tasks();
        }
        if fleet.engines.nats.is_some() {
            tokio::time::sleep(Duration::from_millis(700)).await;
            fleet.lose_messages();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        fleet.ends_sound(crowd).await;
    }
}

/// Whose commits wait for it; the hosts know of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_promoted_has_all_that_was_accepted() {
    for queue in [Queue::Store, Queue::Nats] {
        let engines = Engines::with_standby(queue);
        let (mut fleet, crowd) = Fleet::at_work_on(engines, |launch| launch);
        tokio::time::sleep(Duration::from_secs(1)).await;
        fleet.promote();
        tokio::time::sleep(Duration::from_secs(1)).await;
        fleet.ends_sound(crowd).await;
    }
}

/// One after the other, whichever they are, for as long as is wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: cargo xtask soak"]
async fn whatever_goes_wrong_again_and_again_nothing_is_lost() {
    const LEAST: u64 = 300;
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let (mut fleet, crowd) = Fleet::at_work(Queue::Nats, |launch| launch);
    let faults = kills().max(LEAST);
    for number in 0..faults {
        tokio::time::sleep(Duration::from_millis(random.random_range(50..700))).await;
        let host = random.random_range(0..HOSTS);
        match random.random_range(0..6) {
            0 | 1 => {
                fleet.kill(host);
                fleet.start(host, |launch| launch);
            }
            2 => fleet.stand_still(host).await,
            3 if number % 10 == 0 => fleet.crash_tasks(),
            3 if number % 10 == 1 => fleet.crash_queue(),
            _ => {
                let engine = ENGINES[random.random_range(0..ENGINES.len())];
                fleet.set(host, engine, MODES[random.random_range(0..MODES.len())]);
                tokio::time::sleep(Duration::from_millis(random.random_range(100..3000))).await;
                fleet.set(host, engine, Mode::Pass);
            }
        }
    }
    println!("{faults} faults");
    fleet.ends_sound(crowd).await;
}
