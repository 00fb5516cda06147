//! A clock that jumps while a task is under way, as machines' clocks do.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::CLOCK;

use crate::acts::Act;
use crate::journal::{Journal, Trouble};
use crate::user::User;
use crate::verdict;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_clock_does_each_task_ends_once() {
    const HOUR: i64 = 3600;
    for (name, seconds, crashes) in [
        ("ahead", HOUR, false),
        ("back", -HOUR, false),
        ("ahead, then a crash", HOUR, true),
        ("back, then a crash", -HOUR, true),
    ] {
        let mut world = World::with(|launch| {
            let clock = launch.data().with_file_name("clock");
            launch
                .set("lease", "2s")
                .variable(CLOCK, clock.to_str().unwrap())
        });
        let service = world.start(|launch| launch);
        let mut user = User::new("ada", &world);
        let jump = async {
            eventually("it is being refined", SOON, async || {
                let calls = Journal::of(&world.journal).calls();
                (calls > 0).then_some(())
            })
            .await;
            let clock = world.journal.with_file_name("clock");
            world.note(&service, Trouble::Disturbed);
            std::fs::write(clock, seconds.to_string()).unwrap();
            world.note(&service, Trouble::Undisturbed);
            if !crashes {
                return service;
            }
            world.kill(service);
            world.start(|launch| launch)
        };
        let act = Act::refine("wait 1000ms");
        let ((), service) = tokio::join!(user.act(&act), jump);
        let violations = verdict::violations(&mut world, &[user], service).await;
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}
