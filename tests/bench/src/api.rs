//! Requests per second through the API component, and through the same code
//! compiled natively over the same kind of store.

use bytes::Bytes;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::token;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Form;
use crate::figures::{Figure, Target, pairs};
use crate::load::{Connections, get, post};
use crate::sides::{CONNECTIONS, Round, Side};

/// Of native.
const MIN_RATIO: f64 = 0.8;

const REFINE: &str = "/api/concepts/refine";

pub struct Asked {
    side: Side,
    body: Bytes,
    /// A different user for each request.
    users: usize,
    /// Which user can read which task.
    tasks: Vec<(String, String)>,
}

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        // The only task in flight waits for its original, so that only the API
        // is measured.
        let origin = Origin::start();
        let (original, _gate) = origin.gated(&pictures::png(8, 8));
        let (rounds, posts, gets) = form.choose((2, 2_000, 8_000), (7, 4_000, 40_000));
        let mut posted = Vec::new();
        let mut got = Vec::new();
        for round in 0..rounds {
            // Restarted for each round: otherwise thousands of overdue tasks
            // would be published again during the measurement.
            let mut sides = both(&origin, &original);
            if round % 2 == 1 {
                sides.reverse();
            }
            for asked in &mut sides {
                asked.post(posts / 8).await;
                asked.get(gets / 8).await;
            }
            let [mut first, mut second] = sides;
            let gets = [first.get(gets).await, second.get(gets).await];
            let posts = [first.post(posts).await, second.post(posts).await];
            let [post, get] = [posts, gets].map(|mut pair| {
                if round % 2 == 1 {
                    pair.reverse();
                }
                pair
            });
            posted.push(post);
            got.push(get);
        }
        [figures("POST", &posted), figures("GET", &got)].concat()
    })
}

/// The service, and its twin.
fn both(origin: &Origin, original: &str) -> [Asked; 2] {
    [
        service(launch(origin), original),
        Asked::of(Side::twin(), original),
    ]
}

/// The service, whose only task in flight waits for this original.
pub fn service(launch: Launch, original: &str) -> Asked {
    Asked::of(Side::service(api_alone(launch).start()), original)
}

/// With one task in flight, and room for all others to wait.
pub fn api_alone(launch: Launch) -> Launch {
    launch
        .set("concurrency", "1")
        .set("max-backlog", "1000000000")
}

fn figures(method: &str, rounds: &[[Round; 2]]) -> Vec<Figure> {
    let of = |value: fn(&Round) -> f64| pairs(rounds, value);
    vec![
        Figure::of_rounds("API", method, "requests/s", &of(|round| round.per_second))
            .target(Target::OfNative(MIN_RATIO)),
        Figure::of_rounds(
            "API",
            format!("{method}, processor time"),
            "µs",
            &of(|round| round.each),
        ),
    ]
}

impl Asked {
    fn of(side: Side, original: &str) -> Self {
        Self {
            side,
            body: body(original),
            users: 0,
            tasks: Vec::new(),
        }
    }

    pub async fn post(&mut self, count: usize) -> Round {
        let host = self.side.address.to_string();
        let requests = (0..count).map(|user| {
            let token = token(&format!("user {}", self.users + user));
            post(&host, REFINE, &token, &self.body)
        });
        let requests = requests.collect();
        self.users += count;
        self.side.round(requests, StatusCode::ACCEPTED).await
    }

    pub async fn get(&mut self, count: usize) -> Round {
        self.prepare().await;
        let host = self.side.address.to_string();
        let requests = (0..count).map(|number| {
            let (path, token) = &self.tasks[number % self.tasks.len()];
            get(&host, path, token)
        });
        let requests = requests.collect();
        self.side.round(requests, StatusCode::OK).await
    }

    /// Makes tasks to read.
    async fn prepare(&mut self) {
        let host = self.side.address.to_string();
        let mut connections = Connections::open(self.side.address, 1).await;
        self.tasks.clear();
        for _ in 0..CONNECTIONS {
            let token = token(&format!("user {}", self.users));
            self.users += 1;
            let request = post(&host, REFINE, &token, &self.body);
            let (_, bodies) = connections.send(vec![request], StatusCode::ACCEPTED).await;
            let task: Value = serde_json::from_slice(&bodies[0]).unwrap();
            let id = task["task_id"].as_str().unwrap();
            let path = format!("/api/concepts/task/{id}");
            self.tasks.push((path, token));
        }
    }
}

fn body(original: &str) -> Bytes {
    let body = json!({
        "original_image_url": original,
        "refinement_prompt": "Make the bean a little larger, please",
        "logo_description": "A bean on a brown disc",
        "theme_description": "Warm and quiet, as an afternoon in a café",
    });
    Bytes::from(body.to_string())
}
