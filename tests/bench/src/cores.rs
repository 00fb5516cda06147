//! What a request and a task cost where the service may use one core, and where
//! it may use two: sharing work between cores must not cost more than it brings.

use std::thread::available_parallelism;

use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use tokio::runtime::Runtime;

use crate::Form;
use crate::figures::Figure;
use crate::sides::Side;
use crate::{api, tasks};

const COUNTS: [usize; 2] = [1, 2];

pub fn measure(form: Form) -> Vec<Figure> {
    let available = available_parallelism().map_or(1, |cores| cores.get());
    let counts = COUNTS.into_iter().filter(|count| *count <= available);
    Runtime::new().unwrap().block_on(async {
        let mut figures = Vec::new();
        for count in counts {
            figures.extend(on(count, form).await);
        }
        figures
    })
}

async fn on(cores: usize, form: Form) -> Vec<Figure> {
    let origin = Origin::start();
    let figure = |what: &str, unit, value| {
        Figure::new("cores", format!("{what}, of cores: {cores}"), unit, value)
    };
    let (original, _gate) = origin.gated(&pictures::png(8, 8));
    let mut asked = api::service(launch(&origin).on_cores(cores), &original);
    let (posts, gets) = form.choose((2_000, 8_000), (8_000, 40_000));
    asked.post(posts / 8).await;
    let get = asked.get(gets).await;
    let post = asked.post(posts).await;
    drop(asked);

    let side = Side::service(launch(&origin).on_cores(cores).start());
    let tasks = tasks::Asked::new(vec![side], &origin);
    tasks.many(tasks::USERS, 1).await;
    let (per_second, each) = tasks.many(tasks::USERS, form.choose(2, 8)).await;
    vec![
        figure("GET", "requests/s", get.per_second),
        figure("GET, processor time", "µs", get.each),
        figure("POST", "requests/s", post.per_second),
        figure("POST, processor time", "µs", post.each),
        figure("durable, end to end", "tasks/s", per_second),
        figure("durable, processor time", "ms", each),
    ]
}
