//! The verdict sees what it is for with several hosts too: each scenario is played with
//! something in it that is broken, and what is wrong is noticed.

use std::time::{Duration, Instant};

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::{CLOCK, DELIVER_TWICE, FLAW, KILL_AT};
use concept_refinement_tests::flaws::Flaw;
use concept_refinement_tests::proxy::Mode;
use concept_refinement_tests::seed::seed;
use concept_refinement_tests::service::Launch;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio::task::block_in_place;

use crate::acts::Act;
use crate::crowd::Crowd;
use crate::fleet::{Engine, Fleet, HOSTS};
use crate::journal::Journal;
use crate::random::USERS;
use crate::shared::{Engines, Queue};
use crate::user::User;

/// For a fleet under load.
struct Scene {
    name: &'static str,
    engines: fn() -> Engines,
    settings: fn(Launch) -> Launch,
    happens: for<'a> fn(&'a mut Fleet) -> LocalBoxFuture<'a, ()>,
    said: &'static str,
}

fn alone() -> Engines {
    Engines::start(Queue::Store)
}

/// So that a task can be published that was not stored.
fn with_nats() -> Engines {
    Engines::start(Queue::Nats)
}

fn with_standby() -> Engines {
    Engines::with_standby(Queue::Store)
}

fn flawed(launch: Launch, flaw: Flaw) -> Launch {
    launch.variable(FLAW, flaw.as_str())
}

const SCENES: [Scene; 9] = [
    Scene {
        name: "a host is killed, and the image that it stored is forgotten",
        engines: alone,
        settings: |launch| flawed(launch, Flaw::Forgetting),
        happens: |fleet| {
            async {
                fleet.stop(0);
                fleet.start(0, |launch| launch.variable(KILL_AT, "after image put"));
                // Its users come to the first one, too.
                fleet.stop(1);
                fleet.start(1, |launch| launch);
                fleet.death(0).await;
            }
            .boxed_local()
        },
        said: "the model was asked although its answer was kept",
    },
    Scene {
        name: "a message is delivered twice, and a task claimed twice",
        engines: alone,
        settings: |launch| flawed(launch, Flaw::ClaimAtomicity).variable(DELIVER_TWICE, "1"),
        happens: |_| a_while().boxed_local(),
        said: "times for 1 attempts",
    },
    Scene {
        name: "all hosts are cut off from the tasks, and accept some all the same",
        engines: with_nats,
        settings: |launch| flawed(launch, Flaw::Acceptance),
        happens: |fleet| {
            async {
                // Whoever waits for a task asks for no other, and of some that are
                // answered the commit was on its way.
                eventually("some are not stored", SOON, async || {
                    fleet.set_all(Engine::Tasks, Mode::Refuse);
                    a_while().await;
                    fleet.set_all(Engine::Tasks, Mode::Pass);
                    a_while().await;
                    let journal = Journal::of(&fleet.world.journal);
                    let accepted = journal.submitted_in_trouble();
                    let lacking = block_in_place(|| fleet.engines.lacks(&accepted));
                    (lacking >= 3).then_some(())
                })
                .await;
            }
            .boxed_local()
        },
        said: "it is gone",
    },
    Scene {
        name: "all hosts are cut off from the images, and go on as if they had them",
        engines: alone,
        settings: |launch| flawed(launch, Flaw::Acceptance),
        happens: |fleet| {
            async {
                fleet.set_all(Engine::Images, Mode::Refuse);
                // What was on its way is there.
                a_while().await;
                let stored = || Journal::of(&fleet.world.journal).stored_images();
                let before = stored();
                eventually("an image is not stored", SOON, async || {
                    (stored() > before).then_some(())
                })
                .await;
                fleet.set_all(Engine::Images, Mode::Pass);
            }
            .boxed_local()
        },
        said: "its image is not what the model answered",
    },
    Scene {
        name: "the database is killed, and had commits that it had not written",
        engines: alone,
        settings: |launch| launch,
        happens: |fleet| {
            async {
                fleet.engines.postgres.lock().unwrap().forget_commits();
                a_while().await;
                fleet.accepts_some().await;
                fleet.crash_tasks();
            }
            .boxed_local()
        },
        said: "it is gone",
    },
    Scene {
        name: "a standby is promoted that has not got all",
        engines: with_standby,
        settings: |launch| launch,
        happens: |fleet| {
            async {
                fleet.engines.lag();
                fleet.accepts_some().await;
                fleet.promote();
            }
            .boxed_local()
        },
        said: "it is gone",
    },
    Scene {
        name: "hosts go by clocks of their own, which are wrong",
        engines: alone,
        settings: |launch| {
            let clock = launch.data().with_file_name("clock");
            flawed(launch, Flaw::OwnClock).variable(CLOCK, clock.to_str().unwrap())
        },
        happens: |fleet| {
            async {
                let clock = fleet.world.journal.with_file_name("clock");
                std::fs::write(&clock, "172800").unwrap();
                a_while().await;
                std::fs::remove_file(&clock).unwrap();
            }
            .boxed_local()
        },
        said: "status: 401",
    },
    Scene {
        name: "a host is replaced, and does not finish what it has",
        engines: alone,
        settings: |launch| launch,
        happens: |fleet| fleet.drop_dead(0).boxed_local(),
        said: "was lost for no reason",
    },
    Scene {
        name: "a host is started, and ends the leases of the others",
        engines: alone,
        settings: |launch| launch,
        happens: |fleet| {
            async {
                // Whoever renews its lease in time has it again.
                eventually("a task is taken over", SOON, async || {
                    block_in_place(|| fleet.engines.end_leases());
                    let journal = Journal::of(&fleet.world.journal);
                    (!journal.losses().is_empty()).then_some(())
                })
                .await;
            }
            .boxed_local()
        },
        said: "was lost for no reason",
    },
];

/// Enough for the crowd to notice.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

/// What happens in a scene may by chance do no harm. A verdict that does not see what it
/// is for sees it in none of so many plays.
const PLAYS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scenario_can_fail() {
    for scene in SCENES {
        let begin = Instant::now();
        let mut is_noticed = false;
        for play in 1..=PLAYS {
            let violations = scene.play().await;
            is_noticed = violations.iter().any(|what| what.contains(scene.said));
            println!("{}, play {play}: {violations:#?}", scene.name);
            if is_noticed {
                break;
            }
        }
        assert!(is_noticed, "{}", scene.name);
        println!("{}: {:?}", scene.name, begin.elapsed());
    }
}

impl Scene {
    /// What is found to be wrong.
    async fn play(&self) -> Vec<String> {
        let mut fleet = Fleet::new((self.engines)(), HOSTS, self.settings).started();
        // What is broken need not be waited for.
        fleet.world.patience = Duration::from_secs(6);
        let crowd = Crowd::start(&fleet.world, USERS, seed());
        let slow = Act::refine("wait 1000ms");
        let crowd = crowd.with(&fleet.world, USERS, &slow);
        (self.happens)(&mut fleet).await;
        let users = crowd.stop().await;
        fleet.world.patience = Duration::from_secs(1);
        fleet.world.hold = Duration::ZERO;
        fleet.violations(&users).await
    }
}

/// A host that stood still writes to what another has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_a_fence_is_noticed() {
    // Long enough to be under way at another host when the first one goes on.
    const PROMPT: &str = "wait 10000ms";
    const TASKS: usize = 12;
    let settings = |launch| flawed(launch, Flaw::Fencing);
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
