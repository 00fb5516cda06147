//! The service beside any other server that speaks the same contract: the same
//! requests to both, in turns. Of the other nothing is known but its URL.
//!
//! The prompt is `instant`: ours answers it with its scripted model at once, and
//! a fair comparison needs the same of the other.

use std::path::Path;
use std::time::{Duration, Instant};

use concept_refinement_tests::client::http;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::pictures::{Picture, png};
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::Form;
use crate::figures::{Figure, pairs};

/// Users of each server; the other may give fewer sessions.
const USERS: usize = 32;

/// Between two looks at a task.
const POLL: Duration = Duration::from_millis(5);

/// A task that takes longer is no matter of comparison any more.
const TASK_TIMEOUT: Duration = Duration::from_secs(300);

pub fn measure(form: Form, url: &str, users: Option<&Path>) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let origin = Origin::start();
        let service = launch(&origin).start();
        let theirs = match users {
            Some(path) => {
                let tokens = std::fs::read_to_string(path).unwrap();
                tokens.lines().map(str::to_owned).take(USERS).collect()
            }
            None => sessions(url).await,
        };
        assert!(
            !theirs.is_empty(),
            "{url} gives no session: name a file with tokens"
        );
        let ours = (0..theirs.len()).map(|user| token(&format!("user {user}")));
        let sides = [
            Side::of(service.url(), ours.collect()).await,
            Side::of(url, theirs).await,
        ];
        let (rounds, gets) = form.choose((2, 200), (5, 1_000));
        let mut measured = Vec::new();
        for round in 0..rounds {
            let mut pair = [Round::default(); 2];
            for number in [round % 2, 1 - round % 2] {
                pair[number] = sides[number].round(gets).await;
            }
            measured.push(pair);
        }
        let of = |value: fn(&Round) -> f64| pairs(&measured, value);
        let users = sides[0].users.len();
        let name = |what: &str| format!("{what}, {users} users");
        vec![
            Figure::of_rounds(
                "against",
                name("GET of a task"),
                "requests/s",
                &of(|round| round.gets_per_second),
            ),
            Figure::of_rounds(
                "against",
                name("tasks end to end"),
                "tasks/s",
                &of(|round| round.tasks_per_second),
            ),
            Figure::of_rounds(
                "against",
                "submit to completed, one user, p50",
                "ms",
                &of(|round| round.alone),
            ),
        ]
    })
}

/// As many anonymous sessions as are given.
async fn sessions(url: &str) -> Vec<String> {
    let client = http().build().unwrap();
    let mut tokens = Vec::new();
    while tokens.len() < USERS {
        let asked = client
            .post(format!("{url}/api/auth/session"))
            .send()
            .await
            .unwrap();
        if !asked.status().is_success() {
            break;
        }
        let answer: Value = asked.json().await.unwrap();
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
    }
    tokens
}

#[derive(Clone, Copy, Default)]
pub struct Round {
    pub gets_per_second: f64,
    pub tasks_per_second: f64,
    /// From submitted to completed while nobody else asks: the median, in
    /// milliseconds.
    pub alone: f64,
}

/// A server and its users.
pub struct Side {
    users: Vec<User>,
}

struct User {
    client: Client,
    base: String,
    token: String,
    /// The URL of their upload.
    image: String,
}

impl Side {
    pub async fn of(base: &str, tokens: Vec<String>) -> Self {
        let picture = png(64, 64);
        let users = tokens
            .into_iter()
            .map(|token| User::new(base, token, &picture));
        let users = join_all(users).await;
        // To warm up.
        join_all(users.iter().map(User::refined)).await;
        Self { users }
    }

    pub async fn round(&self, gets: usize) -> Round {
        const TASKS: usize = 2;
        let count = self.users.len() as f64;
        let ids = join_all(self.users.iter().map(async |user| user.refined().await.0)).await;
        let begin = Instant::now();
        join_all(self.users.iter().zip(&ids).map(async |(user, id)| {
            for _ in 0..gets {
                user.task(id).await;
            }
        }))
        .await;
        let gets_per_second = count * gets as f64 / begin.elapsed().as_secs_f64();

        let begin = Instant::now();
        join_all(self.users.iter().map(async |user| {
            for _ in 0..TASKS {
                user.refined().await;
            }
        }))
        .await;
        let tasks_per_second = count * TASKS as f64 / begin.elapsed().as_secs_f64();

        let mut alone = Vec::new();
        for user in &self.users {
            alone.push(user.refined().await.1);
        }
        alone.sort_unstable();
        Round {
            gets_per_second,
            tasks_per_second,
            alone: percentile(&alone, 50).as_secs_f64() * 1e3,
        }
    }
}

impl User {
    async fn new(base: &str, token: String, picture: &Picture) -> Self {
        let mut user = Self {
            client: http().build().unwrap(),
            base: base.trim_end_matches('/').to_owned(),
            token,
            image: String::new(),
        };
        let upload = user
            .request(Method::POST, "/api/images")
            .header("content-type", picture.media_type)
            .body(picture.bytes.clone());
        let uploaded = user.answer(upload, StatusCode::CREATED).await;
        user.image = uploaded["image_url"].as_str().unwrap().to_owned();
        user
    }

    /// The id of a task that is completed, and how long it took.
    async fn refined(&self) -> (String, Duration) {
        let begin = Instant::now();
        let body = json!({"original_image_url": self.image, "refinement_prompt": "instant"});
        let submit = self
            .request(Method::POST, "/api/concepts/refine")
            .json(&body);
        let task = self.answer(submit, StatusCode::ACCEPTED).await;
        let id = task["task_id"].as_str().unwrap().to_owned();
        loop {
            let task = self.task(&id).await;
            match task["status"].as_str() {
                Some("completed") => return (id, begin.elapsed()),
                Some("pending" | "processing") if begin.elapsed() < TASK_TIMEOUT => {
                    sleep(POLL).await
                }
                _ => panic!("{}: {task}", self.base),
            }
        }
    }

    async fn task(&self, id: &str) -> Value {
        let get = self.request(Method::GET, &format!("/api/concepts/task/{id}"));
        self.answer(get, StatusCode::OK).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        request.bearer_auth(&self.token)
    }

    async fn answer(&self, request: reqwest::RequestBuilder, expected: StatusCode) -> Value {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert_eq!(status, expected, "{}: {body}", self.base);
        serde_json::from_str(&body).unwrap()
    }
}
