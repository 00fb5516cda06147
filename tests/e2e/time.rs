//! What time does: the host within this process, with a clock that is set.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::{Clock, ManualClock, SystemClock};
use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Components, Config, Host, HostBuilder};
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::{artifacts, pictures, reaper};
use reqwest::Method;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A host with anonymous sessions and the scripted model.
async fn host(clock: Arc<ManualClock>, settings: &[(&str, &str)]) -> Host {
    host_at(&data(), clock, settings).await
}

/// A new data directory.
fn data() -> PathBuf {
    let data = reaper::scratch("host");
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    data
}

async fn host_at(data: &Path, clock: Arc<ManualClock>, settings: &[(&str, &str)]) -> Host {
    let model = artifacts::scripted_model();
    let mut values = Values::new();
    let mut set = |name: &str, value: &str| {
        values.set(table::find(name).unwrap(), value);
    };
    set("listen", "127.0.0.1:0");
    set("data-dir", data.to_str().unwrap());
    set("model", model.to_str().unwrap());
    for (name, value) in settings {
        set(name, value);
    }
    let config = Config::new(values).unwrap();
    let components = Components::load(Some(&artifacts::components()), &config).unwrap();
    HostBuilder::new(config)
        .components(components)
        .clock(clock)
        .start()
        .await
        .unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemClock.now()))
}

async fn session(host: &Host) -> Client {
    Client::session(&format!("http://{}", host.address())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_url_ends_after_its_time() {
    let clock = clock();
    let host = host(Arc::clone(&clock), &[]).await;
    let client = session(&host).await;
    let url = client.uploaded(&pictures::png(8, 8)).await;
    let anybody = Client::new(client.base());
    for (minutes, expected) in [(0, 200), (44, 200), (16, 403), (600, 403)] {
        clock.advance(Duration::from_secs(minutes * 60));
        let answer = anybody.get(&url).await;
        assert_eq!(answer.status, expected, "after {minutes} more minutes");
    }
    assert_eq!(
        client.get(&url).await.status,
        200,
        "the owner sees it all the same"
    );
    let (path, _) = url.split_once('?').unwrap();
    let task = client.refined(path, "echo it").await;
    assert_eq!(
        anybody
            .get(task["image_url"].as_str().unwrap())
            .await
            .status,
        200
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_begins_anew_with_its_window() {
    let clock = clock();
    let host = host(Arc::clone(&clock), &[("rate-limit", "2/day")]).await;
    let client = session(&host).await;
    let url = client.uploaded(&pictures::png(8, 8)).await;
    for _ in 0..2 {
        for remaining in ["1", "0"] {
            let answer = client.refine(&url, "instant").await;
            assert_eq!(answer.status, 202, "{answer:?}");
            assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining));
            client.finished(&answer.task_id()).await;
        }
        let refused = client.refine(&url, "instant").await;
        assert_eq!(refused.status, 429);
        clock.advance(DAY);
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotency_key_is_remembered_for_a_day() {
    let clock = clock();
    let host = host(Arc::clone(&clock), &[]).await;
    let client = session(&host).await;
    let url = client.uploaded(&pictures::png(8, 8)).await;
    let client = client.with("idempotency-key", "key");
    let first = client.refine(&url, "instant").await;
    client.finished(&first.task_id()).await;
    clock.advance(DAY - Duration::from_secs(60));
    let replayed = client.refine(&url, "instant").await;
    assert_eq!(replayed.json(), first.json());
    clock.advance(Duration::from_secs(120));
    let second = client.refine(&url, "instant").await;
    assert_eq!(second.status, 202);
    assert_eq!(second.header("idempotency-replayed"), None);
    assert_ne!(second.task_id(), first.task_id());
    host.stop().await;
}

/// An anonymous user who has an upload, a task and a concept.
struct User {
    id: String,
    token: String,
    upload_path: String,
    task_id: String,
    concept_id: String,
}

/// The session that an answer gives to a browser.
fn cookie(answer: &Answer) -> Option<String> {
    let cookie = answer.header("set-cookie")?.strip_prefix("session=")?;
    cookie.split(';').next().map(str::to_owned)
}

impl User {
    async fn new(host: &Host) -> Self {
        let anybody = Client::new(&base(host));
        let answer = anybody.send(Method::POST, "/api/auth/session", "").await;
        let token = cookie(&answer).unwrap();
        let client = anybody.cookie(&token);
        let picture = pictures::png(8, 8);
        let upload = client.upload(picture.media_type, &picture.bytes).await;
        let upload = upload.json();
        let original = upload["image_url"].as_str().unwrap();
        let task = client.refined(original, "echo it").await;
        assert_eq!(task["status"], "completed", "{task}");
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&answer.json()["user_id"]),
            token,
            upload_path: text(&upload["path"]),
            task_id: text(&task["task_id"]),
            concept_id: text(&task["result_id"]),
        }
    }

    /// Reads what is theirs, with what the browser has; whether the session was
    /// renewed.
    async fn read(&mut self, host: &Host) -> bool {
        let client = Client::new(&base(host)).cookie(&self.token);
        let mut renewed = None;
        for path in [
            format!("/api/images/{}", self.upload_path),
            format!("/api/tasks/{}", self.task_id),
            format!("/api/concepts/{}", self.concept_id),
        ] {
            let answer = client.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            renewed = cookie(&answer).or(renewed);
        }
        let is_renewed = renewed.is_some();
        self.token = renewed.unwrap_or_else(|| self.token.clone());
        is_renewed
    }

    /// What is still there of theirs, whoever may see it: upload, task, concept.
    async fn left(&self, host: &Host) -> [bool; 3] {
        let stores = host.capabilities();
        let upload = stores.images.stat(&self.upload_path).await.unwrap();
        let task = stores.tasks().get(&self.id, &self.task_id).await.unwrap();
        let concept = stores.concepts().get(&self.id, &self.concept_id);
        let concept = concept.await.unwrap();
        [upload.is_some(), task.is_some(), concept.is_some()]
    }
}

fn base(host: &Host) -> String {
    format!("http://{}", host.address())
}

/// The clock jumps by days, so each round of deletion is that of a start at which
/// the operator confirms the clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_in_use_lasts_and_what_was_left_goes() {
    let (data, clock) = (data(), clock());
    let start = async |confirmed: bool| {
        let now = clock.now().to_string();
        let (today, _) = now.split_once('T').unwrap();
        let mut settings = vec![("anonymous-retention", "10d")];
        settings.extend(confirmed.then_some(("confirm-clock", today)));
        host_at(&data, Arc::clone(&clock), &settings).await
    };
    let mut host = start(false).await;
    let mut reader = User::new(&host).await;
    // By the day on which they were there.
    let mut left = vec![(0, User::new(&host).await)];
    let mut renewals = Vec::new();
    for day in 1..=90 {
        clock.advance(DAY);
        if reader.read(&host).await {
            renewals.push(day);
        }
        if [2, 45].contains(&day) {
            left.push((day, User::new(&host).await));
        }
        // A session lasts 30 days, and 10 more what it made.
        let gone = match day {
            41 => 0,
            43 => 2,
            90 => 45,
            _ => continue,
        };
        host.stop().await;
        host = start(true).await;
        for (there, user) in &left {
            if *there <= gone {
                eventually("what was left goes", SOON, async || {
                    (user.left(&host).await == [false; 3]).then_some(())
                })
                .await;
            }
        }
        for (there, user) in &left {
            let expected = [*there > gone; 3];
            assert_eq!(user.left(&host).await, expected, "{there} on day {day}");
        }
        reader.read(&host).await;
    }
    assert_eq!(renewals, [15, 30, 45, 60, 75, 90]);
    assert_eq!(reader.left(&host).await, [true; 3]);
    host.stop().await;
}
