//! Workers that lose their lease without noticing: a paused process.

use std::time::Duration;

use concept_refinement_tests::deadline::{SOON, eventually};
use rustix::process::Signal;

use crate::acts::Act;
use crate::journal::{Journal, Trouble};
use crate::user::User;
use crate::verdict;
use crate::world::World;

/// Clocks continue while the process is paused: when it resumes, leases have
/// expired, renewals are late and models have answered, all at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stood_still_ends_each_task_once() {
    let mut world = World::with(|launch| launch.set("lease", "2s"));
    let mut service = world.start(|launch| launch);
    let users: Vec<_> = [100, 300, 500, 700, 900, 1100, 1300, 1500]
        .into_iter()
        .map(|milliseconds| {
            let mut user = User::new(&format!("user {milliseconds}"), &world);
            tokio::spawn(async move {
                user.act(&Act::refine(&format!("wait {milliseconds}ms")))
                    .await;
                user
            })
        })
        .collect();
    eventually("all are being refined", SOON, async || {
        let calls = Journal::of(&world.journal).calls();
        (calls == users.len()).then_some(())
    })
    .await;
    world.note(&service, Trouble::Disturbed);
    service.signal(Signal::STOP);
    // Longer than the lease: this is what happens, and nothing is waited for.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    service.signal(Signal::CONT);
    world.note(&service, Trouble::Undisturbed);
    let mut done = Vec::new();
    for user in users {
        done.push(user.await.unwrap());
    }
    let expected = done.len();
    eventually("late images are gone", SOON, async || {
        (world.stores.refined().len() == expected).then_some(())
    })
    .await;
    let violations = verdict::violations(&mut world, &done, service).await;
    assert!(violations.is_empty(), "{violations:#?}");
}
