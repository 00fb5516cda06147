//! Three hosts over shared engines: whatever happens to one of them, or to what is
//! between it and an engine, what was accepted is done once.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::{CLOCK, DELIVER_TWICE, FLAW};
use concept_refinement_tests::flaws::Flaw;
use concept_refinement_tests::pictures;
use concept_refinement_tests::proxy::Mode;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::Signal;

use crate::acts::Act;
use crate::crowd::Crowd;
use crate::fleet::Fleet;
use crate::random::{USERS, kills, seed};
use crate::shared::{Engines, Queue};
use crate::user::User;
use crate::verdict::Journal;

const HOSTS: usize = 3;

/// As short as may be, so that what a host leaves is taken over soon.
const LEASE: Duration = Duration::from_secs(2);

fn quick(launch: Launch) -> Launch {
    launch.set("lease", "2s")
}

/// A fleet at work, and its users.
fn begin(queue: Queue, settings: impl FnOnce(Launch) -> Launch) -> (Fleet, Crowd) {
    let engines = Engines::start(queue);
    let mut fleet = Fleet::new(engines, HOSTS, |launch| settings(quick(launch))).started();
    // Whoever is cut off waits for the end of that.
    fleet.world.patience = 2 * SOON;
    let crowd = Crowd::start(&fleet.world, USERS, seed());
    (fleet, crowd)
}

async fn end(fleet: Fleet, crowd: Crowd, pauses: usize) {
    let users = crowd.stop().await;
    let asked: usize = users.iter().map(|user| user.asked.len()).sum();
    println!("{asked} refinements");
    let violations = fleet.violations(&users, pauses).await;
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_host_is_killed_nothing_is_lost_or_done_twice() {
    for queue in [Queue::Store, Queue::Nats] {
        let (mut fleet, crowd) = begin(queue, |launch| launch.variable(DELIVER_TWICE, "1"));
        let mut random = StdRng::seed_from_u64(seed());
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_millis(random.random_range(50..700))).await;
            let host = random.random_range(0..HOSTS);
            fleet.kill(host);
            fleet.start(host, |launch| launch);
        }
        end(fleet, crowd, 0).await;
    }
}

/// For longer than the lease: this is what happens, and nothing is waited for.
async fn stand_still(fleet: &mut Fleet, host: usize) {
    fleet.leave_out(host);
    fleet.signal(host, Signal::STOP);
    tokio::time::sleep(LEASE + Duration::from_millis(1500)).await;
    fleet.signal(host, Signal::CONT);
    fleet.balance();
}

/// It is left out by the balancer, as it would be by an operator's, loses its leases,
/// and goes on as if nothing had happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stood_still_writes_nothing_to_what_others_took_over() {
    for queue in [Queue::Store, Queue::Nats] {
        let (mut fleet, crowd) = begin(queue, |launch| launch);
        for host in 0..HOSTS {
            tokio::time::sleep(Duration::from_millis(500)).await;
            stand_still(&mut fleet, host).await;
        }
        end(fleet, crowd, HOSTS).await;
    }
}

const MODES: [Mode; 6] = [
    Mode::Refuse,
    Mode::Hang,
    Mode::OneWay,
    Mode::Delay(Duration::from_millis(300)),
    Mode::Reset,
    Mode::Cut(5000),
];

/// Of one host after the other, for longer than a lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_between_a_host_and_an_engine_nothing_is_lost() {
    let (fleet, crowd) = begin(Queue::Nats, |launch| launch);
    for (number, mode) in MODES.into_iter().enumerate() {
        for engine in 0..3 {
            let host = &fleet.hosts[(number + engine) % HOSTS];
            let proxy = match engine {
                0 => &host.tasks,
                1 => &host.images,
                _ => host.queue.as_ref().unwrap(),
            };
            proxy.set(mode);
            tokio::time::sleep(LEASE + Duration::from_millis(500)).await;
            proxy.set(Mode::Pass);
        }
    }
    end(fleet, crowd, 3 * MODES.len()).await;
}

/// Under load; the hosts find it again by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_are_killed_come_back_to_all_that_was_accepted() {
    let (mut fleet, crowd) = begin(Queue::Nats, |launch| launch);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        tokio::task::block_in_place(|| {
            let mut postgres = fleet.engines.postgres.lock().unwrap();
            postgres.kill();
            postgres.run();
        });
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    tokio::task::block_in_place(|| {
        let nats = fleet.engines.nats.as_mut().unwrap();
        nats.wipe();
        nats.restart();
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    end(fleet, crowd, 4).await;
}

/// One after the other, whichever they are, for as long as is wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: cargo xtask soak"]
async fn whatever_goes_wrong_again_and_again_nothing_is_lost() {
    const LEAST: u64 = 100;
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let (mut fleet, crowd) = begin(Queue::Nats, |launch| launch);
    let faults = kills().max(LEAST);
    for number in 0..faults {
        tokio::time::sleep(Duration::from_millis(random.random_range(50..700))).await;
        let host = random.random_range(0..HOSTS);
        match random.random_range(0..6) {
            0 | 1 => {
                fleet.kill(host);
                fleet.start(host, |launch| launch);
            }
            2 => stand_still(&mut fleet, host).await,
            3 if number % 10 == 0 => tokio::task::block_in_place(|| {
                let mut postgres = fleet.engines.postgres.lock().unwrap();
                postgres.kill();
                postgres.run();
            }),
            3 if number % 10 == 1 => tokio::task::block_in_place(|| {
                fleet.engines.nats.as_mut().unwrap().restart();
            }),
            _ => {
                let host = &fleet.hosts[host];
                let proxies = [&host.tasks, &host.images, host.queue.as_ref().unwrap()];
                let proxy = proxies[random.random_range(0..proxies.len())];
                proxy.set(MODES[random.random_range(0..MODES.len())]);
                tokio::time::sleep(Duration::from_millis(random.random_range(100..3000))).await;
                proxy.set(Mode::Pass);
            }
        }
    }
    println!("{faults} faults");
    end(fleet, crowd, usize::try_from(faults).unwrap()).await;
}

/// Leases, quotas, signatures and the tokens of users go by the database's time: by
/// the machine's, a token would have ended long ago on one host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_whose_clocks_are_days_apart_agree() {
    let engines = Engines::start(Queue::Store);
    let mut fleet = Fleet::new(engines, HOSTS, quick);
    for (host, offset) in ["0", "172800", "-172800"].into_iter().enumerate() {
        let clock = fleet.world.journal.with_file_name(format!("clock-{host}"));
        std::fs::write(&clock, offset).unwrap();
        fleet.start(host, |launch| {
            launch.variable(CLOCK, clock.to_str().unwrap())
        });
    }
    let crowd = Crowd::start(&fleet.world, USERS, seed());
    tokio::time::sleep(2 * LEASE).await;
    end(fleet, crowd, 0).await;
}

/// One host submits and watches, another works, a third watches and deletes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_host_does_is_seen_on_others_within_100_ms() {
    for queue in [Queue::Store, Queue::Nats] {
        let mut fleet = Fleet::new(Engines::start(queue), HOSTS, quick);
        for (host, role) in ["api", "worker", "api"].into_iter().enumerate() {
            fleet.start(host, |launch| launch.set("role", role));
        }
        let at = |host: usize| Client::user(fleet.hosts[host].url(), "ada");
        let original = fleet
            .world
            .origin
            .serve(Reply::picture(&pictures::png(8, 8)));
        let mut delays = Vec::new();
        for _ in 0..15 {
            let id = at(0).accepted(&original, "wait 50ms").await;
            let mut events = at(2).events(&id, None).await;
            for event in events.rest().await {
                // The first is as it stood when the watching began.
                if event.data["status"] == "completed" {
                    delays.push(event.delay());
                }
            }
        }
        delays.sort();
        let median = delays[delays.len() / 2];
        println!("{queue:?}: {median:?}, at most {:?}", delays.last());
        assert!(median < Duration::from_millis(100), "{queue:?}: {delays:?}");

        let id = at(0).accepted(&original, "wait 20000ms").await;
        let mut events = at(0).events(&id, None).await;
        at(2).task_is(&id, "processing").await;
        let begin = Instant::now();
        let deleted = at(2).delete(&format!("/api/tasks/{id}")).await;
        assert_eq!(deleted.status, 204);
        let rest = events.rest().await;
        assert_eq!(rest.last().unwrap().name, "deleted", "{rest:?}");
        // Its worker has left it, too: there is one for the next.
        at(0).refined(&original, "echo it").await;
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{:?}",
            begin.elapsed()
        );
    }
}

/// The verdict sees what it is for, with several hosts too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_a_fence_is_noticed() {
    // Long enough to be under way at another host when the first one goes on.
    const PROMPT: &str = "wait 10000ms";
    const TASKS: usize = 12;
    let flaw = |launch: Launch| quick(launch).variable(FLAW, Flaw::Fencing.as_str());
    let mut fleet = Fleet::new(Engines::start(Queue::Store), HOSTS, flaw).started();
    fleet.world.patience = 2 * SOON;
    let acting: Vec<_> = (0..TASKS)
        .map(|number| {
            let mut user = User::new(&format!("user {number}"), &fleet.world);
            tokio::spawn(async move {
                user.act(&Act::refine(PROMPT)).await;
                user
            })
        })
        .collect();
    let journal = fleet.world.journal.clone();
    let journal = || std::fs::read_to_string(&journal).unwrap();
    eventually("all are being refined", SOON, async || {
        let asked = journal()
            .lines()
            .filter(|line| line.starts_with("asked "))
            .count();
        (asked == TASKS).then_some(())
    })
    .await;
    for host in 0..HOSTS - 1 {
        stand_still(&mut fleet, host).await;
    }
    eventually("a worker writes to what it has lost", SOON, async || {
        Journal::read(&journal()).has_late_writes().then_some(())
    })
    .await;
    let mut users = Vec::new();
    for user in acting {
        users.push(user.await.unwrap());
    }
    let violations = fleet.violations(&users, usize::MAX / 2).await;
    let said = "a worker that had lost it wrote to it";
    assert!(
        violations.iter().any(|what| what.contains(said)),
        "{violations:#?}"
    );
}
