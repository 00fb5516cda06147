//! Steady, mixed load: users who do what users do, some of them badly. What
//! they leave behind they remove, so that nothing has a reason to grow.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures::Picture;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::tokens::token;
use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt as _, StreamExt as _};
use reqwest::{Body, Method};
use serde_json::Value;
use tokio::time::{sleep, timeout};

/// Between two looks at a task, and between two rounds of a user.
const POLL: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(200);

/// The slowest end of a task: a model that hangs, and a busy machine.
const END: Duration = Duration::from_secs(60);

/// What models do that do not answer well. They crash, hang and eat in turn.
const BAD: [&str; 10] = [
    "trap now",
    "refuse: not today",
    "trap midway",
    "answer nonsense",
    "hang for ever",
    "answer less",
    "eat memory",
    "loop for ever",
    "unavailable for 10ms",
    "answer empty",
];

/// How long the requests took since they were taken last.
#[derive(Clone, Default)]
pub struct Latencies(Arc<Mutex<Vec<Duration>>>);

pub struct Load {
    anybody: Client,
    original: String,
    picture: Picture,
    latencies: Latencies,
}

/// One after the other, for ever. Each kind has users of its own.
type Round = for<'a> fn(&'a User, usize) -> BoxFuture<'a, ()>;

const ROUNDS: [(Round, usize); 4] = [
    (|user, _| user.refine_by_url().boxed(), 6),
    (|user, _| user.refine_an_upload().boxed(), 4),
    (|user, _| user.leave_early().boxed(), 3),
    (|user, round| user.ask_a_bad_model(round).boxed(), 3),
];

/// How far apart users of the bad models begin among what those do.
const STRIDE: usize = 3;

struct User {
    client: Client,
    load: Arc<Load>,
}

impl Latencies {
    pub fn take(&self) -> Vec<Duration> {
        let mut latencies = std::mem::take(&mut *self.0.lock().unwrap());
        latencies.sort_unstable();
        latencies
    }
}

impl Load {
    pub fn new(url: &str, origin: &Origin, picture: Picture) -> Self {
        Self {
            anybody: Client::new(url),
            original: origin.picture(&picture),
            picture,
            latencies: Latencies::default(),
        }
    }

    pub fn latencies(&self) -> Latencies {
        self.latencies.clone()
    }

    /// Goes on until then, and ends with the rounds that were begun.
    pub async fn until(self, end: Instant) {
        let load = Arc::new(self);
        let mut users = tokio::task::JoinSet::new();
        for (kind, (round, count)) in ROUNDS.into_iter().enumerate() {
            for number in 0..count {
                let name = format!("user {kind} {number}");
                let user = User {
                    client: load.anybody.bearer(&token(&name)),
                    load: Arc::clone(&load),
                };
                users.spawn(async move {
                    let mut rounds = number * STRIDE;
                    while Instant::now() < end {
                        round(&user, rounds).await;
                        rounds += 1;
                        sleep(PAUSE).await;
                    }
                });
            }
        }
        users.join_all().await;
    }
}

impl User {
    async fn refine_by_url(&self) {
        let task = self.task(&self.load.original, "wait 50ms").await;
        assert_eq!(task["status"], "completed", "{task}");
        self.look_around().await;
        self.download(task["image_url"].as_str().unwrap()).await;
        self.forget(&task).await;
    }

    async fn refine_an_upload(&self) {
        let picture = &self.load.picture;
        let client = self.client.with("content-type", picture.media_type);
        let upload = client.send(Method::POST, "/api/images", picture.bytes.clone());
        let upload = self.timed(upload).await;
        assert_eq!(upload.status, 201, "{upload:?}");
        let (upload, expected) = (upload.json(), &picture.bytes);
        let url = upload["image_url"].as_str().unwrap();
        assert_eq!(&self.download(url).await.body, expected);
        let task = self.task(url, "echo it").await;
        assert_eq!(task["status"], "completed", "{task}");
        let refined = self.download(task["image_url"].as_str().unwrap()).await;
        assert_eq!(&refined.body, expected);
        self.forget(&task).await;
        let path = upload["path"].as_str().unwrap();
        self.delete(&format!("/api/images/{path}")).await;
    }

    /// A task that is asked to be deleted while it is worked on, and requests
    /// whose client is gone before they are answered.
    async fn leave_early(&self) {
        let task = self
            .client
            .accepted(&self.load.original, "wait 300ms")
            .await;
        let aborted = Duration::from_millis(1);
        let (first, _) = self.load.picture.bytes.split_at(64);
        let beginning = stream::iter([Ok::<_, std::io::Error>(first.to_vec())]);
        let client = self.client.with("content-type", "image/png");
        let upload = client.try_send(
            Method::POST,
            "/api/images",
            Body::wrap_stream(beginning.chain(stream::pending())),
        );
        // None of them is answered in time, or it does not matter.
        let _ = timeout(20 * aborted, upload).await;
        let _ = timeout(aborted, self.client.get("/api/tasks?limit=100")).await;
        let _ = timeout(aborted, self.client.get("/api/concepts")).await;
        self.delete(&format!("/api/tasks/{task}")).await;
    }

    async fn ask_a_bad_model(&self, round: usize) {
        let prompt = BAD[round % BAD.len()];
        let task = self.task(&self.load.original, prompt).await;
        assert_eq!(task["status"], "failed", "{prompt}: {task}");
        self.forget(&task).await;
    }

    /// The finished task of a refinement, as a page would wait for it.
    async fn task(&self, original: &str, prompt: &str) -> Value {
        let submitted = self.timed(self.client.refine(original, prompt)).await;
        assert_eq!(submitted.status, 202, "{submitted:?}");
        let path = format!("/api/tasks/{}", submitted.task_id());
        let begin = Instant::now();
        loop {
            let task = self.get(&path).await.json();
            if matches!(task["status"].as_str(), Some("completed" | "failed")) {
                return task;
            }
            assert!(begin.elapsed() < END, "{prompt}: it does not end: {task}");
            sleep(POLL).await;
        }
    }

    async fn look_around(&self) {
        for path in [
            "/api/tasks",
            "/api/concepts",
            "/api/health/ready",
            "/nowhere",
        ] {
            self.timed(self.client.get(path)).await;
        }
    }

    async fn download(&self, url: &str) -> Answer {
        let image = self.timed(self.load.anybody.get(url)).await;
        assert_eq!(image.status, 200, "{image:?}");
        image
    }

    /// Deletes the task and its concept with its image.
    async fn forget(&self, task: &Value) {
        if let Some(concept) = task["result_id"].as_str() {
            self.delete(&format!("/api/concepts/{concept}")).await;
        }
        let task = task["task_id"].as_str().unwrap();
        self.delete(&format!("/api/tasks/{task}")).await;
    }

    async fn get(&self, path: &str) -> Answer {
        let answer = self.timed(self.client.get(path)).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer
    }

    async fn delete(&self, path: &str) {
        let answer = self.timed(self.client.delete(path)).await;
        assert_eq!(answer.status, 204, "{path}: {answer:?}");
    }

    async fn timed(&self, request: impl Future<Output = Answer>) -> Answer {
        let begin = Instant::now();
        let answer = request.await;
        let took = begin.elapsed();
        self.load.latencies.0.lock().unwrap().push(took);
        answer
    }
}
