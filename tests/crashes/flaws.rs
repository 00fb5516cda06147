//! The verdict detects broken promises. Each flaw is also run without the flaw,
//! which must pass.
//!
//! A host takes no task over from itself: that a task is claimed twice, or written to by a
//! worker that lost it, takes several (`fleet_flaws`).

use concept_refinement_tests::engines;
use concept_refinement_tests::faults::KILL_AT;
use concept_refinement_tests::flaws::Flaw;
use futures::future::join_all;

use crate::acts::{Act, Then};
use crate::user::User;
use crate::verdict;
use crate::world::World;

/// What happens to one task, and what is said if the store has the flaw.
struct Scene {
    flaw: Flaw,
    then: Then,
    /// It kills itself there, and is started again.
    kill_at: Option<&'static str>,
    said: &'static str,
}

/// An image is refined, and nothing else happens.
fn plain(flaw: Flaw, said: &'static str) -> Scene {
    Scene {
        flaw,
        then: Then::Wait,
        kill_at: None,
        said,
    }
}

fn scenes() -> [Scene; 4] {
    let asked = "the model was asked although its answer was kept";
    [
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_flaw_is_noticed() {
    // With the short leases there, who looks at the task finds it overdue, and
    // publishes it again.
    let is_harmless = |flaw| flaw == Flaw::Redelivery && engines::are_shared();
    let harmful = scenes().into_iter().filter(|it| !is_harmless(it.flaw));
    let plays = harmful.map(async |scene| {
        let violations = scene.play(World::flawed(scene.flaw)).await;
        let is_noticed = violations.iter().any(|what| what.contains(scene.said));
        assert!(is_noticed, "{:?}: {violations:#?}", scene.flaw);
    });
    join_all(plays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_flaw_all_is_well() {
    let plays = scenes().map(async |scene| {
        let violations = scene.play(World::new()).await;
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
        let act = Act::refine("echo it").then(self.then);
        let ((), service) = tokio::join!(user.act(&act), crash);
        verdict::violations(&mut world, &[user], service).await
    }
}
