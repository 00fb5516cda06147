//! Three hosts over shared engines that are stopped and started in order, under load,
//! as at an upgrade: nobody loses anything, and no task costs more than once.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;

use crate::acts::Act;
use crate::fleet::{Fleet, HOSTS, LEASE};
use crate::journal::Journal;
use crate::shared::{Engines, Queue};

/// Tasks that take long enough to be under way when their host is to stop.
const LONG: &str = "wait 1000ms";

/// Whose tasks those are.
const OTHERS: u64 = 6;

/// Each is left out by the balancer, stops, and is started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_are_replaced_one_after_the_other() {
    for queue in [Queue::Store, Queue::Nats] {
        let (mut fleet, crowd) = Fleet::at_work(queue, |launch| launch);
        let crowd = crowd.with(&fleet.world, OTHERS, &Act::refine(LONG));
        for host in 0..HOSTS {
            // There is something under way to finish.
            fleet.works(host).await;
            fleet.leave_out(host);
            fleet.stop(host);
            fleet.start(host, |launch| launch);
        }
        let users = crowd.stop().await;
        let refusals = users.iter().flat_map(|user| &user.refusals);
        // Erasing lists the bucket, for which the tests' server of S3 reads all its files: on
        // a loaded machine that takes longer than a request may.
        let refusals = refusals.filter(|refusal| !refusal.starts_with("/api/me:"));
        let refusals: Vec<_> = refusals.collect();
        assert!(refusals.is_empty(), "{queue:?}: {refusals:#?}");
        // A request may meet the end of the connection that it is sent by.
        for user in &users {
            assert!(
                user.unanswered <= HOSTS,
                "{}: {}",
                user.name,
                user.unanswered
            );
        }
        let violations = fleet.violations(&users).await;
        assert!(violations.is_empty(), "{queue:?}: {violations:#?}");
    }
}

/// As long as their worker lives, they are its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_takes_no_task_from_those_who_work() {
    for queue in [Queue::Store, Queue::Nats] {
        let mut fleet = Fleet::new(Engines::start(queue), HOSTS, |launch| launch);
        fleet.start(0, |launch| launch);
        let (original, gate) = fleet.world.origin.gated(&pictures::png(8, 8));
        let user = Client::user(fleet.hosts[0].url(), "ada");
        let id = user.accepted(&original, "echo it").await;
        user.task_is(&id, "processing").await;
        for host in 1..HOSTS {
            fleet.start(host, |launch| launch);
        }
        // What was nobody's would be taken over meanwhile.
        tokio::time::sleep(2 * LEASE).await;
        gate.open();
        assert_eq!(user.finished(&id).await["status"], "completed");
        let journal = Journal::of(&fleet.world.journal);
        let workers = journal.workers(&id);
        let first = fleet.hosts[0].process();
        assert_eq!(workers, [first], "{queue:?}: {}", journal.of_task(&id));
        assert_eq!(journal.calls(), 1, "{queue:?}: {}", journal.of_task(&id));
    }
}
