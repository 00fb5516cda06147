//! Tasks end to end through the real executable on a disk, with a model that
//! answers at once: how long one takes, and how many there can be.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::Form;
use crate::figures::{Figure, Target};
use crate::load::{Connection, get, post};
use crate::sides::Side;

/// Tasks a second while latencies are measured.
const RATE: u32 = 20;

/// How a user learns that a task has ended.
#[derive(Clone, Copy)]
enum Learns {
    /// The answer to the submission waits for it.
    Waiting,
    /// By looking now and then.
    Polling,
}

/// Between two looks at a task.
const POLL: Duration = Duration::from_millis(200);

const WAIT: HeaderValue = HeaderValue::from_static("respond-async, wait=60");

/// Users who submit one task after the other, and look at it now and then. They
/// become more until the service is the limit, and fewer than it admits at once.
pub const USERS: usize = 256;
const MOST_USERS: usize = 1024;

/// More users that bring less than this are enough.
const GAIN: f64 = 1.05;

const MAX_P50: f64 = 5.0;
const MAX_P99: f64 = 15.0;
const MIN_RATE: f64 = 1_200.0;
const MAX_EACH: f64 = 0.9;

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let origin = Origin::start();
        let side = Side::service(launch(&origin).start());
        let asked = Asked::new(vec![side], &origin);
        // To warm up.
        asked.many(USERS, 1).await;
        let latencies = asked.at_rate(form.choose(60, 400)).await;
        let (users, per_second, each) = asked.most(form.choose(2, 8)).await;
        let milliseconds = |percent| percentile(&latencies, percent).as_secs_f64() * 1e3;
        vec![
            Figure::new("task", "submit to completed, p50", "ms", milliseconds(50))
                .target(Target::Most(MAX_P50)),
            Figure::new("task", "submit to completed, p99", "ms", milliseconds(99))
                .target(Target::Most(MAX_P99)),
            Figure::new("task", "durable, end to end", "tasks/s", per_second)
                .target(Target::Least(MIN_RATE)),
            Figure::new("task", "durable, processor time", "ms", each)
                .target(Target::Most(MAX_EACH)),
            Figure::new("task", "durable, by so many", "users", users as f64),
        ]
    })
}

/// One service, or several hosts that are one, each asked by its share of users.
pub struct Asked {
    sides: Vec<Side>,
    body: Bytes,
}

impl Asked {
    pub fn new(sides: Vec<Side>, origin: &Origin) -> Self {
        Self::with_prompt(sides, origin, "instant")
    }

    /// As long as the scripted model takes for this prompt.
    pub fn with_prompt(sides: Vec<Side>, origin: &Origin, prompt: &str) -> Self {
        let original = origin.picture(&pictures::png(64, 64));
        let body = json!({"original_image_url": original, "refinement_prompt": prompt});
        let body = Bytes::from(body.to_string());
        Self { sides, body }
    }

    fn address_for(&self, user: usize) -> SocketAddr {
        self.sides[user % self.sides.len()].address
    }

    fn processor(&self) -> Duration {
        let sides = self.sides.iter();
        sides.map(|side| side.process.usage().processor).sum()
    }

    /// How long each takes, from the fastest on, while so many a second are
    /// submitted.
    pub async fn at_rate(&self, count: usize) -> Vec<Duration> {
        let mut ticks = interval(Duration::from_secs(1) / RATE);
        let mut tasks = JoinSet::new();
        for number in 0..count {
            let address = self.address_for(number);
            let mut connection = Connection::open(address).await;
            let (host, body) = (address.to_string(), self.body.clone());
            let token = token(&format!("user {number}"));
            ticks.tick().await;
            tasks.spawn(async move {
                refined(&mut connection, &host, &token, &body, Learns::Waiting).await
            });
        }
        let mut latencies = tasks.join_all().await;
        latencies.sort_unstable();
        latencies
    }

    /// With as many users as bring something: how many, tasks a second, and
    /// milliseconds of the server's processor time a task.
    pub async fn most(&self, each: usize) -> (usize, f64, f64) {
        let mut users = USERS;
        let mut best = self.many(users, each).await;
        while users < MOST_USERS {
            let more = self.many(users * 2, each).await;
            if more.0 < best.0 * GAIN {
                break;
            }
            (users, best) = (users * 2, more);
        }
        (users, best.0, best.1)
    }

    /// By users who each submit the next when the last is done: tasks a second,
    /// and milliseconds of the server's processor time a task.
    pub async fn many(&self, users: usize, each: usize) -> (f64, f64) {
        let before = self.processor();
        let begin = Instant::now();
        let acts = (0..users).map(async |user| {
            let address = self.address_for(user);
            let mut connection = Connection::open(address).await;
            let host = address.to_string();
            let token = token(&format!("user {user}"));
            for _ in 0..each {
                refined(&mut connection, &host, &token, &self.body, Learns::Polling).await;
            }
        });
        join_all(acts).await;
        let time = begin.elapsed();
        let used = self.processor() - before;
        let count = (users * each) as f64;
        (count / time.as_secs_f64(), used.as_secs_f64() * 1e3 / count)
    }
}

/// How long it takes from submitting a task until it is seen to be completed.
async fn refined(
    connection: &mut Connection,
    host: &str,
    token: &str,
    body: &Bytes,
    learns: Learns,
) -> Duration {
    let begin = Instant::now();
    let mut request = post(host, "/api/concepts/refine", token, body);
    if let Learns::Waiting = learns {
        request.headers_mut().insert("prefer", WAIT);
    }
    let (status, answer) = connection.send(request).await;
    assert!(status.is_success(), "{status}: {answer:?}");
    let mut task: Value = serde_json::from_slice(&answer).unwrap();
    let id = task["task_id"].as_str().unwrap();
    let path = format!("/api/concepts/task/{id}");
    loop {
        let took = begin.elapsed();
        match (task["status"].as_str(), learns) {
            (Some("completed"), _) => return took,
            (Some("pending" | "processing"), Learns::Polling) => sleep(POLL).await,
            _ => panic!("{task}"),
        }
        let (_, answer) = connection.send(get(host, &path, token)).await;
        task = serde_json::from_slice(&answer).unwrap();
    }
}
