//! Whether anything costs more the more tasks are stored: processor time of a read,
//! a list and a submission, and the time of a sweep, over stores of a thousand to a
//! million tasks. All have their turn in each round, so that they share the noise.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::tasks::Maintenance as _;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tokens::token;
use hyper::StatusCode;
use rusqlite::{Connection, params};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::Form;
use crate::api::api_alone;
use crate::figures::{Figure, Target, median, number};
use crate::load::{get, post};
use crate::sides::Side;

/// Tasks of each user.
const EACH: u64 = 10;

/// Users who read their tasks, anywhere in the store. As many over each: a token that is
/// known costs less than a new one.
const READERS: u64 = 100;

const SWEEPS: u32 = 1_000;

/// Of what a request costs over the smallest store.
const MAX_RATIO: f64 = 1.1;

/// 2026-11-20T12:00:00Z, in microseconds.
const START: i64 = 1_795_176_000_000_000;

/// Completed tasks, and their concepts.
const FILL: [&str; 2] = [
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO task (id, user_id, is_anonymous, status, created_at, updated_at, completed_at,
         image_path, revision, request, state)
     SELECT printf('01900000-0000-7000-8000-%012x', i), 'stored ' || (i / ?2), 0, 'completed',
         ?3 + i, ?3 + i, ?3 + i,
         printf('refined/0123456789abcdef0123456789abcdef/01900000-0000-7000-8000-%012x-1.png', i),
         2, json_object('v', 1, 'original_image_url', 'https://example.com/logo.png',
             'refinement_prompt', 'Make the bean a little larger, please'),
         json_object('v', 1, 'attempt', 1,
             'result_id', printf('01900000-0000-8000-8000-%012x', i))
     FROM n",
    "INSERT INTO concept (id, task_id, user_id, is_anonymous, image_path, created_at, content)
     SELECT state ->> '$.result_id', id, user_id, 0, image_path, completed_at,
         json_object('v', 1, 'task_id', id, 'user_id', user_id, 'is_anonymous', json('false'),
             'image_path', image_path, 'image_url', '/api/images/' || image_path,
             'original_image_url', request ->> '$.original_image_url',
             'refinement_prompt', request ->> '$.refinement_prompt', 'color_palettes', json('[]'))
     FROM task",
];

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let sizes: &[u64] = form.choose(&[1_000, 100_000], &[1_000, 10_000, 100_000, 1_000_000]);
        let (rounds, requests) = form.choose((3, 2_000), (7, 8_000));
        let origin = Origin::start();
        let (original, _gate) = origin.gated(&pictures::png(8, 8));
        let filled = |size: &u64| filled(api_alone(launch(&origin)), *size);
        let launches: Vec<Launch> = sizes.iter().map(filled).collect();
        let mut sweeps = vec![Vec::new(); sizes.len()];
        for _ in 0..rounds {
            for (launch, times) in launches.iter().zip(&mut sweeps) {
                times.push(sweep(&launch.data()).await);
            }
        }
        let stored = |(launch, size): (&Launch, &u64)| Stored::new(launch.start(), *size);
        let stores: Vec<Stored> = launches.iter().zip(sizes).map(stored).collect();
        let mut costs = vec![[const { Vec::new() }; 3]; sizes.len()];
        for round in 0..rounds {
            for (store, costs) in stores.iter().zip(&mut costs) {
                let round = store.round(round, requests, &original).await;
                for (costs, cost) in costs.iter_mut().zip(round) {
                    costs.push(cost);
                }
            }
        }

        let mut figures: Vec<Figure> = Vec::new();
        for ((size, [reads, lists, posts]), sweeps) in sizes.iter().zip(costs).zip(sweeps) {
            for (name, costs) in [
                ("GET", reads),
                ("list", lists),
                ("POST", posts),
                ("sweep", sweeps),
            ] {
                let smallest = figures.iter().find(|figure| figure.name.starts_with(name));
                let most = smallest.map(|figure| figure.value * MAX_RATIO);
                let name = format!("{name}, {} tasks", number(*size as f64));
                let figure = Figure::new("stored", name, "µs", median(costs));
                figures.push(match most {
                    Some(most) => figure.target(Target::Most(most)),
                    None => figure,
                });
            }
        }
        figures
    })
}

/// A service over a store of this size.
struct Stored {
    side: Side,
    size: u64,
}

impl Stored {
    fn new(service: Service, size: u64) -> Self {
        Self {
            side: Side::service(service),
            size,
        }
    }

    /// Of a read, a list and a submission, in microseconds of processor time.
    async fn round(&self, round: usize, requests: usize, original: &str) -> [f64; 3] {
        let host = self.side.address.to_string();
        let user = |number: usize| (number as u64 % READERS) * (self.size / EACH / READERS);
        let token_of = |number: usize| token(&format!("stored {}", user(number)));
        let reads = (0..requests).map(|number| {
            let task = user(number) * EACH + number as u64 / READERS % EACH;
            let path = format!("/api/concepts/task/01900000-0000-7000-8000-{task:012x}");
            get(&host, &path, &token_of(number))
        });
        let lists =
            (0..requests / 4).map(|number| get(&host, "/api/tasks?limit=5", &token_of(number)));
        let body = json!({
            "original_image_url": original,
            "refinement_prompt": "Make the bean a little larger, please",
        });
        let body = Bytes::from(body.to_string());
        let posts = (0..requests / 16).map(|number| {
            let token = token(&format!("new {round} {number}"));
            post(&host, "/api/concepts/refine", &token, &body)
        });
        let (reads, lists, posts) = (reads.collect(), lists.collect(), posts.collect());
        [
            self.side.round(reads, StatusCode::OK).await.each,
            self.side.round(lists, StatusCode::OK).await.each,
            self.side.round(posts, StatusCode::ACCEPTED).await.each,
        ]
    }
}

/// A round of the sweep that finds nothing to do, in microseconds.
async fn sweep(data: &Path) -> f64 {
    let store = SqliteTasks::open(data, Options::default(), Arc::new(SystemClock)).unwrap();
    let sweep = async || {
        assert_eq!(store.next_due().await.unwrap(), None);
        assert!(store.due(100).await.unwrap().is_empty());
    };
    // To warm up.
    sweep().await;
    let began = Instant::now();
    for _ in 0..SWEEPS {
        sweep().await;
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(SWEEPS)
}

/// With so many completed tasks.
fn filled(launch: Launch, size: u64) -> Launch {
    launch.start().stop();
    fill(&launch.data().join("tasks.sqlite"), size);
    launch
}

fn fill(file: &Path, size: u64) {
    let store = Connection::open(file).unwrap();
    store
        .execute(FILL[0], params![size as i64, EACH as i64, START])
        .unwrap();
    store.execute(FILL[1], []).unwrap();
}
