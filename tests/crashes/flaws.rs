//! The verdict detects broken promises. Each flaw is also run without the flaw,
//! which must pass.

use concept_refinement_tests::engines;
use concept_refinement_tests::faults::{DELIVER_TWICE, HANG_AT, KILL_AT};
use concept_refinement_tests::flaws::Flaw;
use concept_refinement_tests::service::Launch;
use futures::future::join_all;

use crate::acts::{Act, Then};
use crate::journal::Trouble;
use crate::user::User;
use crate::verdict;
use crate::world::World;

/// What happens to one task, and what is said if the store has the flaw.
struct Scene {
    flaw: Flaw,
    prompt: &'static str,
    then: Then,
    /// It kills itself there, and is started again.
    kill_at: Option<&'static str>,
    settings: fn(Launch) -> Launch,
    /// Whether it may lose what it has all the time.
    is_disturbed: bool,
    said: &'static str,
}

/// An image is refined, and nothing else happens.
fn plain(flaw: Flaw, said: &'static str) -> Scene {
    Scene {
        flaw,
        prompt: "echo it",
        then: Then::Wait,
        kill_at: None,
        settings: |launch| launch,
        is_disturbed: false,
        said,
    }
}

fn scenes() -> [Scene; 6] {
    let asked = "the model was asked although its answer was kept";
    [
        Scene {
            prompt: "wait 300ms",
            settings: |launch| launch.variable(DELIVER_TWICE, "1"),
            ..plain(
                Flaw::ClaimAtomicity,
                "the model was asked 2 times for 1 attempts",
            )
        },
        Scene {
            prompt: STALLED,
            settings: stalled,
            is_disturbed: true,
            ..plain(Flaw::Fencing, "a worker that had lost it wrote to it")
        },
        Scene {
            kill_at: Some("after image put"),
            ..plain(Flaw::Forgetting, asked)
        },
        Scene {
            kill_at: Some("after claim"),
            ..plain(Flaw::Redelivery, "it is not completed")
        },
        Scene {
            kill_at: Some("after finish"),
            ..plain(Flaw::Silence, "its receiver was not told")
        },
        Scene {
            then: Then::Erase,
            ..plain(Flaw::Remnant, "it was deleted, and is there")
        },
    ]
}

/// Long enough that another worker has the task before the first one has its image,
/// on a machine that is busy too.
pub const STALLED: &str = "wait 10000ms";

/// The first worker never renews its lease, and goes on.
pub fn stalled(launch: Launch) -> Launch {
    launch.set("lease", "2s").variable(HANG_AT, "before renew")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_flaw_is_noticed() {
    // With the short leases there, who looks at the task finds it overdue, and
    // publishes it again.
    let is_harmless = |flaw| flaw == Flaw::Redelivery && engines::are_shared();
    let harmful = scenes().into_iter().filter(|it| !is_harmless(it.flaw));
    let plays = harmful.map(async |scene| {
        let violations = scene.play(World::flawed(scene.flaw, scene.settings)).await;
        let is_noticed = violations.iter().any(|what| what.contains(scene.said));
        assert!(is_noticed, "{:?}: {violations:#?}", scene.flaw);
    });
    join_all(plays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_flaw_all_is_well() {
    let plays = scenes().map(async |scene| {
        let violations = scene.play(World::with(scene.settings)).await;
        assert!(violations.is_empty(), "{:?}: {violations:#?}", scene.flaw);
    });
    join_all(plays).await;
}

impl Scene {
    async fn play(&self, mut world: World) -> Vec<String> {
        let service = world.start(|launch| match self.kill_at {
            Some(point) => launch.variable(KILL_AT, point),
            None => launch,
        });
        if self.is_disturbed {
            world.note(&service, Trouble::Disturbed);
        }
        let mut user = User::new("ada", &world);
        let crash = async {
            match self.kill_at {
                Some(point) => {
                    world.death(point, service).await;
                    world.start(|launch| launch)
                }
                None => service,
            }
        };
        let act = Act::refine(self.prompt).then(self.then);
        let ((), service) = tokio::join!(user.act(&act), crash);
        verdict::violations(&mut world, &[user], service).await
    }
}
