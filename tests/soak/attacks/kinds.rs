//! What one client does at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use concept_refinement_tests::attacks::{Attacker, HTTP2, endless_request, keep_alive};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use futures::future::{BoxFuture, join_all};
use futures::{FutureExt as _, stream};
use reqwest::{Body, Method};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What the service has places for.
const CONNECTIONS: usize = 4096;
const REQUESTS: usize = 2048;

/// Shorter than a download may take, which a task waits for that is watched.
const WATCHED: Duration = Duration::from_secs(25);

/// What slow uploads send, and how much of it a second: hardly more than is asked
/// of them, and for longer than a span of 30 s in which that is looked at.
const SLOW_UPLOAD: usize = 44 << 10;
const SLOW_PACE: usize = 1_100;

/// What an attack has to hand.
#[derive(Clone)]
pub struct Means {
    pub attacker: Attacker,
    pub originals: Originals,
    pub gains: Arc<Gains>,
}

/// URLs.
#[derive(Clone)]
pub struct Originals {
    pub good: String,
    /// Held back until the attacks are over.
    pub gated: String,
    /// Begins to answer, and says nothing more.
    pub silent: String,
}

/// What attackers were granted.
#[derive(Default)]
pub struct Gains {
    /// Tasks that were accepted, with their users.
    pub tasks: Mutex<Vec<(Client, String)>>,
    /// Slow uploads that ended well.
    pub slow_uploads: AtomicUsize,
}

type Attack = fn(Means) -> BoxFuture<'static, ()>;

pub const ATTACKS: [(&str, Attack); 11] = [
    ("silent connections", |it| silent(it).boxed()),
    ("HTTP/2 that answers pings", |it| pings(it).boxed()),
    ("slow requests", |it| slow_requests(it).boxed()),
    ("slow uploads", |it| slow_uploads(it).boxed()),
    ("watchers", |it| watchers(it).boxed()),
    ("a thousand who wait", |it| waits(it).boxed()),
    ("as many uploads as there may be", |it| uploads(it).boxed()),
    ("uploads that are broken off", |it| {
        broken_uploads(it).boxed()
    }),
    ("names of elsewhere, and readiness", |it| {
        questions(it).boxed()
    }),
    ("models that misbehave", |it| bad_models(it).boxed()),
    ("originals that hang", |it| hanging_originals(it).boxed()),
];

impl Means {
    /// Asks for a refinement, and remembers the task. None: it was refused.
    async fn ask(&self, user: &Client, original: &str, prompt: &str) -> Option<String> {
        let body = serde_json::json!({
            "original_image_url": original,
            "refinement_prompt": prompt,
        });
        let asking = user.with("content-type", "application/json");
        let answer = asking
            .try_send(Method::POST, "/api/concepts/refine", body.to_string())
            .await
            .ok()?;
        matches!(answer.status, 200 | 202).then(|| {
            let id = answer.task_id();
            let mut tasks = self.gains.tasks.lock().unwrap();
            tasks.push((user.without("prefer"), id.clone()));
            id
        })
    }

    /// The same again and again, by one more user of this client.
    async fn insist(&self, client: &Client, original: &str, prompt: &str) {
        let user = granted(client).await;
        loop {
            self.ask(&user, original, prompt).await;
            sleep(Duration::from_millis(500)).await;
        }
    }
}

/// A new user, once the service has room for one more session.
pub async fn session(of: &Attacker) -> Client {
    granted(&of.client()).await
}

/// The same on the connections of this client.
async fn granted(client: &Client) -> Client {
    client.bearer(&token(client).await)
}

async fn token(client: &Client) -> String {
    loop {
        let answer = client.try_send(Method::POST, "/api/auth/session", "").await;
        if let Ok(answer) = answer
            && answer.status == 201
        {
            return answer.json()["access_token"].as_str().unwrap().to_owned();
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Holds so many connections, and replaces them now and then.
async fn hold(attacker: &Attacker, count: usize, says: &[u8]) {
    let mut held = attacker.connections(count, says).await;
    loop {
        sleep(Duration::from_millis(100)).await;
        let oldest = held.len().saturating_sub(count);
        held.drain(..oldest);
        held.extend(attacker.connections(count / 64, says).await);
    }
}

async fn silent(means: Means) {
    hold(&means.attacker, CONNECTIONS, b"").await;
}

async fn pings(means: Means) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() < 500 {
            let stream = means.attacker.connection(HTTP2).await;
            connections.spawn(keep_alive(stream));
        }
        connections.join_next().await;
    }
}

async fn slow_requests(means: Means) {
    let says = endless_request(&token(&means.attacker.client()).await);
    hold(&means.attacker, REQUESTS + 100, says.as_bytes()).await;
}

/// As slowly as is allowed, and as many of a user as may be under way.
async fn slow_uploads(means: Means) {
    const USERS: usize = 10;
    const OF_USER: usize = 4;

    let image = pictures::padded(SLOW_UPLOAD);
    let users = (0..USERS).map(async |_| {
        let user = session(&means.attacker).await;
        let user = user
            .with("content-type", "image/png")
            .with("content-length", &image.len().to_string());
        let uploads = (0..OF_USER).map(async |_| {
            loop {
                let pieces: Vec<_> = image.chunks(SLOW_PACE).map(<[u8]>::to_vec).collect();
                let pieces = stream::unfold(pieces.into_iter(), |mut pieces| async {
                    sleep(Duration::from_secs(1)).await;
                    Some((std::io::Result::Ok(pieces.next()?), pieces))
                });
                let body = Body::wrap_stream(pieces);
                let answer = user.try_send(Method::POST, "/api/images", body).await;
                if answer.is_ok_and(|answer| answer.status == 201) {
                    means.gains.slow_uploads.fetch_add(1, Ordering::Relaxed);
                }
                sleep(Duration::from_millis(100)).await;
            }
        });
        join_all(uploads).await;
    });
    join_all(users).await;
}

async fn watchers(means: Means) {
    let token = token(&means.attacker.client()).await;
    let user = means.attacker.client().bearer(&token);
    loop {
        if let Some(id) = means.ask(&user, &means.originals.gated, "echo it").await {
            let says = format!(
                "GET /api/tasks/{id}/events HTTP/1.1\r\nhost: localhost\r\n\
                 authorization: Bearer {token}\r\n\r\n"
            );
            let _ = timeout(WATCHED, hold(&means.attacker, 1000, says.as_bytes())).await;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// One after the other, so that their downloads do not time out all at once.
async fn waits(means: Means) {
    let client = means.attacker.client().with("prefer", "wait=55");
    let users = (0..1000).map(async |number| {
        sleep(Duration::from_millis(25) * number).await;
        means
            .insist(&client, &means.originals.gated, "echo it")
            .await;
    });
    join_all(users).await;
}

async fn hanging_originals(means: Means) {
    let client = means.attacker.client();
    let users = (0..50).map(|_| means.insist(&client, &means.originals.silent, "echo it"));
    join_all(users).await;
}

/// By several users, each as much as it may have: elsewhere than on loopback an
/// address gets no more sessions than a few.
async fn uploads(means: Means) {
    let picture = pictures::jpeg(2000, 2000);
    let users = (0..10).map(async |_| {
        let user = session(&means.attacker).await;
        let user = user.with("content-type", "image/jpeg");
        loop {
            let bytes = picture.bytes.clone();
            let _ = user.try_send(Method::POST, "/api/images", bytes).await;
            sleep(Duration::from_millis(200)).await;
        }
    });
    join_all(users).await;
}

async fn broken_uploads(means: Means) {
    let says = format!(
        "POST /api/images HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: image/png\r\ncontent-length: 1000000\r\n\r\n",
        token(&means.attacker.client()).await
    );
    let begun = pictures::padded(10_000);
    loop {
        let mut stream = means.attacker.connection(says.as_bytes()).await;
        let _ = stream.write_all(&begun).await;
        sleep(Duration::from_millis(50)).await;
    }
}

async fn questions(means: Means) {
    let rebound = means.attacker.client().with("host", "evil.example");
    loop {
        let _ = rebound.try_send(Method::GET, "/", "").await;
        let ready = means.attacker.client();
        let _ = ready.try_send(Method::GET, "/api/health/ready", "").await;
        sleep(Duration::from_millis(5)).await;
    }
}

async fn bad_models(means: Means) {
    let prompts = [
        "trap now",
        "eat memory",
        "loop for ever",
        "answer nonsense",
        "hoard 10000 fields",
        "say 60000000 bytes of a refusal",
    ];
    let client = means.attacker.client();
    let users = prompts.map(|prompt| means.insist(&client, &means.originals.good, prompt));
    join_all(users).await;
}
