//! Waiting for a turn: deadlines, positions, and users beside one with many tasks.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::service::{Launch, Service};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::shared::{busy, new_user, picture_url, scripted_launch};

/// In seconds.
const DEADLINE: u64 = 10;

/// How late a deadline may be noticed.
const LATE: Duration = Duration::from_secs(5);

/// How long the model takes for a task.
const TASK: Duration = Duration::from_millis(150);

const USERS: usize = 20;

/// As many tasks as one user has besides.
const MANY: usize = 50;

fn one_at_a_time() -> Launch {
    scripted_launch()
        .set("concurrency", "1")
        .set("rate-limit", "100/month")
        .embedded()
}

async fn accepted_with(user: &Client, prompt: &str, deadline_seconds: u64) -> String {
    let deadline = json!({"deadline_seconds": deadline_seconds});
    let id = user.accepted_with(&picture_url(), prompt, &deadline).await;
    let metadata = &user.task(&id).await["metadata"];
    assert_eq!(metadata["deadline_seconds"], deadline_seconds);
    id
}

/// Of a finished task: since its submission.
fn took(task: &Value) -> Duration {
    let at = |name: &str| -> jiff::Timestamp { task[name].as_str().unwrap().parse().unwrap() };
    let took = at("completed_at").duration_since(at("created_at"));
    took.try_into().unwrap()
}

/// Nobody has begun it: the only worker is busy.
#[tokio::test]
async fn a_deadline_passes_while_the_only_worker_is_busy() {
    let service = one_at_a_time().start();
    let [busy, waits] = [(); 2].map(|()| new_user(&service));
    let first = busy.accepted(&picture_url(), "wait 40000ms").await;
    busy.task_is(&first, "processing").await;
    let id = accepted_with(&waits, "echo it", DEADLINE).await;
    assert_eq!(waits.quota_left().await, 99);
    let task = waits.finished(&id).await;
    assert_eq!(task["status"], "failed", "{task}");
    let message = "Error in refinement task processing: not started within 10 seconds";
    assert_eq!(task["error_message"], message);
    let took = took(&task);
    let deadline = Duration::from_secs(DEADLINE);
    assert!(took >= deadline && took < deadline + LATE, "{took:?}");
    assert_eq!(waits.quota_left().await, 100);
    assert_eq!(busy.task(&first).await["status"], "processing");
    // The place is free for another one.
    waits.accepted(&picture_url(), "echo it").await;
}

#[tokio::test]
async fn a_task_that_was_begun_ends_by_its_deadline() {
    let service = one_at_a_time().start();
    let user = new_user(&service);
    let id = accepted_with(&user, "wait 40000ms", DEADLINE).await;
    user.task_is(&id, "processing").await;
    let task = user.finished(&id).await;
    let message = "Error in refinement task processing: Image refinement failed: the task took \
                   longer than 10 seconds";
    assert_eq!(task["error_message"], message);
    let took = took(&task);
    assert!(took < Duration::from_secs(DEADLINE) + LATE, "{took:?}");
}

/// The time counts on.
#[tokio::test]
async fn a_deadline_passes_while_the_service_is_off() {
    let launch = one_at_a_time();
    let service = launch.start();
    let [busy, waits] = [(); 2].map(|()| new_user(&service));
    let first = busy.accepted(&picture_url(), "wait 40000ms").await;
    busy.task_is(&first, "processing").await;
    let id = accepted_with(&waits, "echo it", DEADLINE).await;
    let launch = launch.at(&service);
    drop(service.kill());
    tokio::time::sleep(Duration::from_secs(DEADLINE)).await;
    let _service = launch.start();
    let waits = waits.reconnected();
    let task = waits.finished_within(&id, LATE).await;
    let message = task["error_message"].as_str().unwrap();
    assert!(message.ends_with("not started within 10 seconds"), "{task}");
}

#[tokio::test]
async fn what_waits_tells_its_position() {
    let service = one_at_a_time().start();
    let (first, task, gate) = busy(&service).await;
    let (mut users, mut tasks) = (vec![first], vec![task]);
    for _ in 0..3 {
        let user = new_user(&service);
        tasks.push(user.accepted(&picture_url(), "echo it").await);
        users.push(user);
    }
    let position = async |at: usize, path: &str| {
        let answer = users[at].get(&format!("{path}/{}", tasks[at])).await;
        answer.header("x-queue-position").map(str::to_owned)
    };
    // A position may be 2 s old.
    eventually("each has a position", SOON, async || {
        let mut positions = Vec::new();
        for at in 0..tasks.len() {
            positions.push(position(at, "/api/tasks").await);
        }
        let expected = [None, Some("1"), Some("2"), Some("3")];
        (positions == expected.map(|position| position.map(str::to_owned))).then_some(())
    })
    .await;
    let seed = position(1, "/api/concepts/task").await;
    assert_eq!(seed.as_deref(), Some("1"), "by the other path");
    gate.open();
    for (user, id) in users.iter().zip(&tasks) {
        user.finished(id).await;
    }
    assert_eq!(position(3, "/api/tasks").await, None, "it has ended");
}

/// What each of some users with one task waits for it, the shortest time first.
async fn waits(service: &Service) -> Vec<Duration> {
    let mut tasks = Vec::new();
    let prompt = format!("wait {}ms", TASK.as_millis());
    for _ in 0..USERS {
        let user = new_user(service);
        let id = user.accepted(&picture_url(), &prompt).await;
        tasks.push((user, id));
    }
    let finished = tasks.iter().map(async |(user, id)| {
        let task = user.finished(id).await;
        assert_eq!(task["status"], "completed", "{task}");
        took(&task)
    });
    let mut waits = join_all(finished).await;
    waits.sort_unstable();
    waits
}

/// Nobody who has one task waits longer than twice what they wait alone.
async fn who_has_one_task_is_not_held_up(launch: &Launch, hosts: usize) {
    let launch = launch.clone().set("active-tasks", &MANY.to_string());
    let services: Vec<_> = (0..hosts).map(|_| launch.elsewhere().start()).collect();
    let alone = waits(&services[0]).await;
    let greedy = new_user(&services[0]);
    let prompt = format!("wait {}ms", TASK.as_millis());
    let mut tasks = Vec::new();
    for _ in 0..MANY {
        tasks.push(greedy.accepted(&picture_url(), &prompt).await);
    }
    let begin = Instant::now();
    let beside = waits(&services[0]).await;
    println!("alone {alone:?}\nbeside {beside:?}");
    for (alone, beside) in alone.iter().zip(&beside) {
        assert!(*beside <= *alone * 2 + TASK, "{beside:?} beside {alone:?}");
    }
    // Otherwise nothing was shown.
    let all = TASK * u32::try_from(MANY / hosts).unwrap();
    assert!(begin.elapsed() < all, "the other tasks were done already");
    let waiting = greedy.task(tasks.last().unwrap()).await;
    assert_eq!(waiting["status"], "pending", "{waiting}");
}

#[tokio::test]
async fn who_has_one_task_waits_behind_nobody_who_has_many() {
    who_has_one_task_is_not_held_up(&one_at_a_time(), 1).await;
}

mod postgres {
    use std::sync::LazyLock;

    use concept_refinement_tests::postgres::{Data, Postgres, Release, new_schema};

    use super::*;
    use crate::shared::scripted_over;

    fn over_postgres() -> Launch {
        static DATABASE: LazyLock<Postgres> =
            LazyLock::new(|| Postgres::start(Release::Fifteen, Data::Volatile));
        scripted_over(&DATABASE.url(&new_schema()))
            .set("concurrency", "1")
            .set("rate-limit", "100/month")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_has_one_task_waits_behind_nobody_who_has_many() {
        for hosts in [1, 3] {
            who_has_one_task_is_not_held_up(&over_postgres(), hosts).await;
        }
    }

    /// Each host has only a part of it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_deadline_passes_while_no_host_works() {
        let launch = over_postgres();
        let [api, other] = ["api", "api"].map(|role| launch.elsewhere().set("role", role).start());
        let user = new_user(&api);
        let id = accepted_with(&user, "echo it", DEADLINE).await;
        let seen = user.at(other.url());
        eventually("another host knows its position", SOON, async || {
            let answer = seen.get(&format!("/api/tasks/{id}")).await;
            (answer.header("x-queue-position") == Some("1")).then_some(())
        })
        .await;
        let task = seen.finished(&id).await;
        let message = task["error_message"].as_str().unwrap();
        assert!(message.ends_with("not started within 10 seconds"), "{task}");
        let took = took(&task);
        assert!(took < Duration::from_secs(DEADLINE) + LATE, "{took:?}");
        assert_eq!(user.quota_left().await, 100);
    }
}
