//! The verdict sees what it is for with several hosts too.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::FLAW;
use concept_refinement_tests::flaws::Flaw;
use concept_refinement_tests::service::Launch;

use crate::acts::Act;
use crate::fleet::{Fleet, HOSTS};
use crate::journal::Journal;
use crate::shared::{Engines, Queue};
use crate::user::User;

/// A host that stood still writes to what another has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_a_fence_is_noticed() {
    // Long enough to be under way at another host when the first one goes on.
    const PROMPT: &str = "wait 10000ms";
    const TASKS: usize = 12;
    let settings = |launch: Launch| launch.variable(FLAW, Flaw::Fencing.as_str());
    let mut fleet = Fleet::new(Engines::start(Queue::Store), HOSTS, settings).started();
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
    eventually("all are being refined", SOON, async || {
        (Journal::of(&journal).calls() == TASKS).then_some(())
    })
    .await;
    for host in 0..HOSTS - 1 {
        fleet.stand_still(host).await;
    }
    eventually("a worker writes to what it has lost", SOON, async || {
        Journal::of(&journal).has_late_writes().then_some(())
    })
    .await;
    let mut users = Vec::new();
    for user in acting {
        users.push(user.await.unwrap());
    }
    let violations = fleet.violations(&users).await;
    let said = "a worker that had lost it wrote to it";
    assert!(
        violations.iter().any(|what| what.contains(said)),
        "{violations:#?}"
    );
}
