//! Each backend beside the rulebook: drawn histories of many users and workers,
//! with stale leases, repeated calls and clocks that jump, are done to both, and
//! each answer and all that can be seen has to be the same.
//!
//! What fails is shrunk and printed with its seed.

mod history;
mod mutants;
mod reference;
mod world;

use concept_refinement_kit::store::Options;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{Rules, TaskBackend};
use history::History;
use mutants::Mutant;
use world::World;

const SEED: [u8; 32] = *b"one rulebook, and every backend.";

/// With so few, a full backlog is seen; there are as many users more.
const MAX_BACKLOG: u32 = 2;

/// A backend that can be compared.
pub trait Compared: TaskBackend + Send + 'static {
    /// How many histories: fewer where each takes longer.
    const HISTORIES: u32;

    /// Whether it offers what our host alone needs.
    const IS_HOSTS: bool;
}

pub async fn each_history_goes_as_the_rulebook_says<B: Compared>() {
    if let Err((reason, history)) = compare::<B>(None, B::HISTORIES) {
        panic!("{reason}\nof the seed {SEED:02x?}, after {history:#?}");
    }
}

pub async fn each_mutant_is_found<B: Compared>() {
    let mut survivors = Vec::new();
    for &mutant in Mutant::ALL {
        if mutant.is_of_hosts() && !B::IS_HOSTS {
            continue;
        }
        match compare::<B>(Some(mutant), 10_000) {
            Ok(()) => survivors.push(mutant),
            Err((reason, _)) => println!("{mutant:?}: {reason}\n"),
        }
    }
    assert_eq!(survivors, [], "of the seed {SEED:02x?}");
}

/// An error: the first difference, and the shortest history that leads to it. Of
/// a mutant the first one will do.
fn compare<B: Compared>(mutant: Option<Mutant>, histories: u32) -> Result<(), (String, History)> {
    let config = Config {
        cases: histories,
        failure_persistence: None,
        max_shrink_iters: if mutant.is_some() { 0 } else { 1_000 },
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let run = |history: History| {
        let compared = async {
            let mut world = World::start::<B>(mutant, &history);
            for step in &history.steps {
                world.take(step).await?;
            }
            world.look().await
        };
        block_in_place(|| Handle::current().block_on(compared)).map_err(TestCaseError::fail)
    };
    let mut runner = TestRunner::new_with_rng(config, rng);
    match runner.run(&history::histories(B::IS_HOSTS), run) {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, history)) => Err((reason.to_string(), history)),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn rules() -> Rules {
    Rules {
        max_backlog: MAX_BACKLOG,
        ..Rules::default()
    }
}

fn options(is_hosts: bool) -> Options {
    Options {
        lease: rules().lease,
        max_backlog: if is_hosts { MAX_BACKLOG } else { u32::MAX },
        has_distinct_times: !is_hosts,
    }
}
