//! Whether a request costs more the more tasks are stored: processor time of a
//! read, a list and a submission over stores of a thousand to a million tasks.

use std::path::Path;

use bytes::Bytes;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::tokens::token;
use hyper::StatusCode;
use rusqlite::{Connection, params};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::Form;
use crate::api::api_alone;
use crate::figures::{Figure, Target, number};
use crate::load::{get, post};
use crate::sides::Side;

/// Tasks of each user.
const EACH: u64 = 10;

/// Of what a request costs over the smallest store.
const MAX_RATIO: f64 = 1.1;

/// 2026-11-20T12:00:00Z, in microseconds.
const START: i64 = 1_795_176_000_000_000;

/// Completed tasks, and their concepts.
const FILL: [&str; 2] = [
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO task (id, user_id, is_anonymous, status, original_image_url,
         refinement_prompt, created_at, updated_at, completed_at, result_id, image_path,
         attempt, revision)
     SELECT printf('01900000-0000-7000-8000-%012x', i), 'stored ' || (i / ?2), 0, 'completed',
         'https://example.com/logo.png', 'Make the bean a little larger, please', ?3 + i,
         ?3 + i, ?3 + i, printf('01900000-0000-8000-8000-%012x', i),
         printf('refined/0123456789abcdef0123456789abcdef/01900000-0000-7000-8000-%012x-1.png', i),
         1, 2
     FROM n",
    "INSERT INTO concept (id, task_id, user_id, is_anonymous, image_path, image_url,
         original_image_url, refinement_prompt, color_palettes, created_at)
     SELECT result_id, id, user_id, 0, image_path, '/api/images/' || image_path,
         original_image_url, refinement_prompt, '[]', completed_at
     FROM task",
];

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let sizes: &[u64] = form.choose(&[1_000, 100_000], &[1_000, 10_000, 100_000, 1_000_000]);
        let requests = form.choose(4_000, 20_000);
        let mut figures: Vec<Figure> = Vec::new();
        for size in sizes {
            let costs = costs(*size, requests).await;
            for (name, cost) in ["GET", "list", "POST"].into_iter().zip(costs) {
                let smallest = figures.iter().find(|figure| figure.name.starts_with(name));
                let most = smallest.map(|figure| figure.value * MAX_RATIO);
                let name = format!("{name}, {} tasks", number(*size as f64));
                let figure = Figure::new("stored", name, "µs", cost);
                figures.push(match most {
                    Some(most) => figure.target(Target::Most(most)),
                    None => figure,
                });
            }
        }
        figures
    })
}

/// Of a read, a list and a submission, in microseconds of processor time.
async fn costs(size: u64, requests: usize) -> [f64; 3] {
    let origin = Origin::start();
    let (original, _gate) = origin.gated(&pictures::png(8, 8));
    let launch = api_alone(launch(&origin));
    launch.start().stop();
    fill(&launch.data().join("tasks.sqlite"), size);
    let side = Side::service(launch.start());
    let host = side.address.to_string();
    let stored = |number: usize| (number as u64).wrapping_mul(7919) % size;
    let owner = |task: u64| token(&format!("stored {}", task / EACH));
    let read = |number: usize| {
        let task = stored(number);
        let path = format!("/api/concepts/task/01900000-0000-7000-8000-{task:012x}");
        get(&host, &path, &owner(task))
    };
    let lists =
        (0..requests / 4).map(|number| get(&host, "/api/tasks?limit=5", &owner(stored(number))));
    let body = json!({
        "original_image_url": original,
        "refinement_prompt": "Make the bean a little larger, please",
    });
    let body = Bytes::from(body.to_string());
    let posts = (0..requests / 2).map(|number| {
        let token = token(&format!("new {number}"));
        post(&host, "/api/concepts/refine", &token, &body)
    });
    let first = (0..requests.min(2_000)).map(read).collect();
    let (reads, lists) = ((0..requests).map(read).collect(), lists.collect());
    let posts = posts.collect();
    // To warm up: what is read the first time is read from the disk.
    side.round(first, StatusCode::OK).await;
    [
        side.round(reads, StatusCode::OK).await.each,
        side.round(lists, StatusCode::OK).await.each,
        side.round(posts, StatusCode::ACCEPTED).await.each,
    ]
}

fn fill(file: &Path, size: u64) {
    let store = Connection::open(file).unwrap();
    store
        .execute(FILL[0], params![size as i64, EACH as i64, START])
        .unwrap();
    store.execute(FILL[1], []).unwrap();
}
