//! Three hosts over shared engines: whatever happens to one of them, what was
//! accepted is done once.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::{CLOCK, DELIVER_TWICE, HANG_AT};
use concept_refinement_tests::pictures;
use concept_refinement_tests::seed::seed;
use concept_refinement_tests::server::Reply;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::acts::Act;
use crate::crowd::Crowd;
use crate::fleet::{Fleet, HOSTS, LEASE};
use crate::journal::{Journal, Trouble};
use crate::random::USERS;
use crate::shared::{Engines, Queue};
use crate::user::User;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_host_is_killed_nothing_is_lost_or_done_twice() {
    for queue in [Queue::Store, Queue::Nats] {
        let (mut fleet, crowd) =
            Fleet::at_work(queue, |launch| launch.variable(DELIVER_TWICE, "1"));
        let mut random = StdRng::seed_from_u64(seed());
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_millis(random.random_range(50..700))).await;
            let host = random.random_range(0..HOSTS);
            fleet.kill(host);
            fleet.start(host, |launch| launch);
        }
        fleet.ends_sound(crowd).await;
    }
}

/// It loses its leases, and goes on as if nothing had happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_stood_still_writes_nothing_to_what_others_took_over() {
    for queue in [Queue::Store, Queue::Nats] {
        let (mut fleet, crowd) = Fleet::at_work(queue, |launch| launch);
        for host in 0..HOSTS {
            tokio::time::sleep(Duration::from_millis(500)).await;
            fleet.stand_still(host).await;
        }
        fleet.ends_sound(crowd).await;
    }
}

/// It renews no lease, and another host takes its task over; it has its image ready long before
/// that one, and has to throw it away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_late_image_of_a_lost_lease_is_removed_at_once() {
    // Long enough for another host to begin meanwhile, on a machine that is busy too.
    const PROMPT: &str = "wait 10000ms";
    let mut fleet = Fleet::new(Engines::start(Queue::Store), 2, |launch| launch);
    fleet.start(0, |launch| launch.variable(HANG_AT, "before renew"));
    fleet.note(0, Trouble::Disturbed);
    let mut user = User::new("ada", &fleet.world);
    let act = Act::refine(PROMPT);
    let journal = fleet.world.journal.clone();
    let calls = || Journal::of(&journal).calls();
    let takeover = async {
        eventually("the first host asks the model", SOON, async || {
            (calls() == 1).then_some(())
        })
        .await;
        fleet.start(1, |launch| launch);
        eventually("the second host asks the model", SOON, async || {
            (calls() == 2).then_some(())
        })
        .await;
    };
    tokio::join!(user.act(&act), takeover);
    // Who lost the lease may learn it after the task has ended.
    eventually("the late image is gone", SOON, async || {
        (fleet.world.stores.refined().len() == 1).then_some(())
    })
    .await;
    let violations = fleet.violations(&[user]).await;
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Leases, quotas, signatures and the tokens of users go by the database's time: by
/// the machine's, a token would have ended long ago on one host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_whose_clocks_are_days_apart_agree() {
    let engines = Engines::start(Queue::Store);
    let mut fleet = Fleet::new(engines, HOSTS, |launch| launch);
    for (host, offset) in ["0", "172800", "-172800"].into_iter().enumerate() {
        let clock = fleet.world.journal.with_file_name(format!("clock-{host}"));
        std::fs::write(&clock, offset).unwrap();
        fleet.start(host, |launch| {
            launch.variable(CLOCK, clock.to_str().unwrap())
        });
    }
    let crowd = Crowd::start(&fleet.world, USERS, seed());
    tokio::time::sleep(2 * LEASE).await;
    fleet.ends_sound(crowd).await;
}

/// One host submits and watches, another works, a third watches and deletes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_host_does_is_seen_on_others_within_100_ms() {
    for queue in [Queue::Store, Queue::Nats] {
        let mut fleet = Fleet::new(Engines::start(queue), HOSTS, |launch| launch);
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
