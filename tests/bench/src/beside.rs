//! Requests and tasks beside those of another build of the service, in alternating rounds,
//! each with its own components and its own scripted model.

use std::path::Path;

use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use tokio::runtime::Runtime;

use crate::Form;
use crate::api;
use crate::figures::{Figure, Target};
use crate::sides::{Round, Side};
use crate::tasks::{Asked, USERS};

/// What a release may cost, as a multiple of the other.
const MOST: f64 = 1.1;

pub fn measure(form: Form, target: &Path) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let mut figures = tasks(form, target).await;
        figures.extend(requests(form, target).await);
        figures
    })
}

/// Tasks end to end on both, which stay for all rounds.
async fn tasks(form: Form, target: &Path) -> Vec<Figure> {
    let origin = Origin::start();
    let launches = [launch(&origin), launch(&origin).built_in(target)];
    let both = launches.map(|launch| Asked::new(vec![Side::service(launch.start())], &origin));
    for asked in &both {
        // To warm up.
        asked.many(USERS, 2).await;
    }
    let (rounds, each, waiting) = form.choose((4, 4, 40), (12, 8, 200));
    let (mut rates, mut costs, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (mut rate, mut cost) = ([0.0; 2], [0.0; 2]);
        for side in in_turn(round) {
            (rate[side], cost[side]) = both[side].many(USERS, each).await;
        }
        rates.push(rate.into());
        costs.push(cost.into());
    }
    for round in 0..rounds / 4 {
        let mut p50 = [0.0; 2];
        for side in in_turn(round) {
            let times = both[side].at_rate(waiting).await;
            p50[side] = percentile(&times, 50).as_secs_f64() * 1e3;
        }
        latencies.push(p50.into());
    }
    vec![
        figure("task, processor time", "ms", &costs).target(Target::OfOther(MOST)),
        figure("tasks", "tasks/s", &rates),
        figure("submit to completed, p50", "ms", &latencies),
    ]
}

/// Requests to both, which are restarted for each round: otherwise thousands of overdue
/// tasks would be published again during the measurement.
async fn requests(form: Form, target: &Path) -> Vec<Figure> {
    let origin = Origin::start();
    let (original, _gate) = origin.gated(&pictures::png(8, 8));
    let (rounds, posts, gets) = form.choose((4, 2_000, 8_000), (12, 4_000, 20_000));
    let (mut posted, mut got) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let launches = [launch(&origin), launch(&origin).built_in(target)];
        let mut both = launches.map(|launch| api::service(launch, &original));
        let (mut post, mut get) = ([0.0; 2], [0.0; 2]);
        for side in in_turn(round) {
            let asked = &mut both[side];
            asked.get(gets / 8).await;
            asked.post(posts / 8).await;
            let each = |round: Round| round.each;
            get[side] = each(asked.get(gets).await);
            post[side] = each(asked.post(posts).await);
        }
        posted.push(post.into());
        got.push(get.into());
    }
    let of = |name, rounds: &[_]| figure(name, "µs", rounds).target(Target::OfOther(MOST));
    vec![
        of("GET, processor time", &got),
        of("POST, processor time", &posted),
    ]
}

/// Which side is first changes from round to round.
fn in_turn(round: usize) -> [usize; 2] {
    [round % 2, 1 - round % 2]
}

fn figure(name: &str, unit: &'static str, rounds: &[(f64, f64)]) -> Figure {
    Figure::of_rounds("beside", name, unit, rounds)
}
