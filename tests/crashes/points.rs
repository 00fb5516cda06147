//! A kill at each point of the pipeline, the API and the start.

use std::fmt;
use std::time::Duration;

use concept_refinement_tests::engines;
use concept_refinement_tests::faults::{Call, KILL_AT, Moment, Point};
use concept_refinement_tests::seed::seed;
use concept_refinement_tests::service::Launch;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::acts::{Act, REFUSE, Then};
use crate::crowd::Crowd;
use crate::random::USERS;
use crate::user::User;
use crate::verdict;
use crate::world::World;

/// A point, and the passing at which it kills.
#[derive(Clone, Copy)]
struct Trap {
    point: Point,
    passing: u32,
}

impl Trap {
    /// What is written within a start and one refinement is committed one by
    /// one.
    const COMMITS: u32 = 6;

    /// Those of a start. The last is of the first round of deletion by age, which
    /// remembers the time.
    const COMMITS_AT_START: u32 = 3;

    fn all() -> impl Iterator<Item = Self> {
        // Where a database commits, it is the database that is killed; and what a
        // host had is not recovered by the next one before its leases have expired.
        let is_embedded = !engines::are_shared();
        let embedded = [Call::Commit, Call::Recover];
        let points = Point::all();
        let points = points.filter(move |point| is_embedded || !embedded.contains(&point.call));
        points.flat_map(|point| {
            let passings = match (point.moment, point.call) {
                (_, Call::Commit) => 1..=Self::COMMITS,
                // The first is at the start, before there is anything to do.
                (Moment::Before, Call::Receive) => 2..=2,
                _ => 1..=1,
            };
            passings.map(move |passing| Self { point, passing })
        })
    }

    fn set(self, launch: Launch) -> Launch {
        let launch = match self.point.call {
            // What waits for a third of the lease.
            Call::Renew => launch.set("lease", "3s"),
            _ => launch,
        };
        launch.variable(KILL_AT, &self.to_string())
    }

    /// Whether a process passes it before anybody asks it for anything.
    fn is_at_start(self) -> bool {
        match self.point.call {
            Call::Recover | Call::Due | Call::ImageList | Call::Unreferenced => true,
            Call::Commit => self.passing <= Self::COMMITS_AT_START,
            _ => false,
        }
    }

    /// What leads there.
    fn act(self) -> Act {
        match self.point.call {
            Call::Fail => Act::refine(REFUSE),
            Call::Renew => Act::refine("wait 1200ms"),
            Call::Pay => Act::refine("keep and echo"),
            Call::TaskDelete => {
                Act::refine("wait 500ms").then(Then::DeleteTask(Duration::from_millis(100)))
            }
            Call::TaskCancel => {
                Act::refine("wait 500ms").then(Then::CancelTask(Duration::from_millis(100)))
            }
            Call::TaskList | Call::ConceptGet | Call::ConceptList => {
                Act::refine("echo it").then(Then::Look)
            }
            Call::ConceptDelete | Call::ImageDelete => {
                Act::refine("echo it").uploaded().then(Then::DeleteConcept)
            }
            Call::UserErase | Call::UploadsDelete => {
                Act::refine("echo it").uploaded().then(Then::Erase)
            }
            Call::UploadPut | Call::ImageStat | Call::ImageGet | Call::ImageResolve => {
                Act::refine("echo it").uploaded().large()
            }
            Call::ImagePut | Call::Model => Act::refine("echo it").large(),
            _ => Act::refine("echo it"),
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.point, self.passing)
    }
}

/// Killed with a task of its own at each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_each_call_one_task_outlives_a_kill() {
    one_task_at(Trap::all().filter(|trap| trap.point.moment == Moment::Before)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amid_and_after_each_call_one_task_outlives_a_kill() {
    one_task_at(Trap::all().filter(|trap| trap.point.moment != Moment::Before)).await;
}

/// Half of them in a world of its own each: what takes time is that leases expire.
async fn one_task_at(traps: impl Iterator<Item = Trap>) {
    let traps: Vec<_> = traps.collect();
    let halves = [0, 1].map(|first| traps.iter().copied().skip(first).step_by(2));
    join_all(halves.map(one_after_another)).await;
}

async fn one_after_another(traps: impl Iterator<Item = Trap>) {
    let mut world = World::new();
    let service = world.start(|launch| launch);
    world.kill(service);
    let mut users: Vec<User> = Vec::new();
    for trap in traps {
        if matches!(trap.point.call, Call::DeliveryClaim | Call::AttemptRecord) {
            // What earlier ones left would meet it first.
            let service = world.start(|launch| launch);
            for user in &users {
                user.is_told().await;
            }
            world.stop(service);
        }
        let mut user = User::new(&trap.to_string(), &world);
        if trap.is_at_start() {
            // It has a task and an image to look at.
            let point = Point {
                moment: Moment::After,
                call: Call::ImagePut,
            };
            let earlier = Trap { point, passing: 1 };
            one_task(&mut world, &mut user, earlier, |world| {
                world.short_life(|launch| trap.set(launch));
            })
            .await;
        } else {
            one_task(&mut world, &mut user, trap, |_| {}).await;
        }
        users.push(user);
    }
    let service = world.start(|launch| launch);
    let violations = verdict::violations(&mut world, &users, service).await;
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Kills it in the middle of one act, which goes on in the next process.
async fn one_task(
    world: &mut World,
    user: &mut User,
    trap: Trap,
    meanwhile: impl FnOnce(&mut World),
) {
    let act = trap.act();
    let service = world.start_trapped(|launch| trap.set(launch));
    let crash = async {
        let what = format!("it passes {trap}");
        world.death(&what, service).await;
        meanwhile(world);
        world.start(|launch| launch)
    };
    let ((), service) = tokio::join!(user.act(&act), crash);
    // Nothing is left to do that would pass the next point at its start.
    world.stop(service);
}

/// The same under load, at any passing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: cargo xtask soak"]
async fn at_each_call_a_crowd_outlives_a_kill() {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new();
    let mut service = world.start(|launch| launch);
    let crowd = Crowd::start(&world, USERS, seed);
    for trap in Trap::all() {
        if trap.point.call == Call::Renew {
            // The crowd's tasks are too short to get there.
            continue;
        }
        world.kill(service);
        let trap = match trap.point.call {
            _ if trap.is_at_start() => trap,
            // Until then nothing is accepted, or completed.
            Call::Withdraw | Call::Release => trap,
            _ => Trap {
                passing: random.random_range(1..20),
                ..trap
            },
        };
        world.short_life(|launch| trap.set(launch));
        service = world.start(|launch| launch);
        // Long enough for those who were interrupted to end.
        tokio::time::sleep(Duration::from_millis(random.random_range(100..300))).await;
    }
    let users = crowd.stop().await;
    let violations = verdict::violations(&mut world, &users, service).await;
    assert!(violations.is_empty(), "{violations:#?}");
}
