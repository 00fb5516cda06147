//! Operators of several hosts over one database: what is done on one holds on all, and
//! whatever a host leaves another one goes on with.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{READINESS, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::postgres::new_schema;
use concept_refinement_tests::service::{Launch, Service};
use futures::future::join_all;
use serde_json::json;

use super::jobs::preview;
use super::{act, attended, ended, entries, failed, found, metrics, operator, read};
use crate::nats::ready;
use crate::shared::{new_name, new_user, origin, picture_url, scripted_over};

const HOSTS: usize = 3;

/// Nothing may happen for so long, in which all of it would.
const QUIET: Duration = Duration::from_millis(1500);

/// Far shorter than the sweep's interval.
pub const AT_ONCE: Duration = Duration::from_secs(5);

/// What a dead host had is taken over by then.
const TAKEN_OVER: Duration = Duration::from_secs(20);

fn launch() -> Launch {
    attended(scripted_over(&postgres().url(&new_schema()))).set("lease", "2s")
}

fn start(launch: &Launch) -> Vec<Service> {
    (0..HOSTS).map(|_| launch.elsewhere().start()).collect()
}

async fn operators(hosts: &[Service]) -> Vec<Client> {
    join_all(hosts.iter().map(operator)).await
}

/// Pushes and readiness go by what each host knows.
async fn all_know(hosts: &[Service], is_paused: bool) {
    let expected = if is_paused {
        "paused by the operator"
    } else {
        "ok"
    };
    for (host, operator) in hosts.iter().zip(operators(hosts).await) {
        eventually("each host knows", READINESS, async || {
            let is_ready = ready(host).await == (200, json!(expected));
            let measured = metrics(&operator).await.samples["concept_refinement_queue_paused"];
            let measured = measured == f64::from(u8::from(is_paused));
            (is_ready && measured).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_holds_on_all_hosts_and_outlives_who_made_it() {
    let launch = launch();
    let mut hosts = start(&launch);
    let ops = operators(&hosts).await;
    assert_eq!(act(&ops[0], "queue/pause", "x").await.status, 200);
    let picture = picture_url();
    let users: Vec<_> = hosts.iter().map(new_user).collect();
    let ids = join_all(users.iter().map(|user| user.accepted(&picture, "echo it"))).await;
    all_know(&hosts, true).await;
    hosts.remove(0).kill();
    hosts.push(launch.elsewhere().start());
    all_know(&hosts, true).await;
    tokio::time::sleep(QUIET).await;
    assert!(origin().requests(&picture).is_empty());
    for operator in operators(&hosts).await {
        let queue = read(&operator, "queue").await;
        assert_eq!(queue["paused"], true, "{queue}");
        assert_eq!(queue["pending"], HOSTS, "{queue}");
    }

    // By another one, and all know of it at once.
    let begin = Instant::now();
    let ops = operators(&hosts).await;
    assert_eq!(act(&ops[1], "queue/resume", "x").await.status, 200);
    for id in &ids {
        let task = eventually("it goes on", AT_ONCE, async || {
            let task = read(&ops[0], &format!("tasks/{id}")).await;
            (task["status"] == "completed").then_some(task)
        })
        .await;
        assert_eq!(task["attempt"], 1, "{task}");
    }
    all_know(&hosts, false).await;
    assert!(begin.elapsed() < AT_ONCE, "{:?}", begin.elapsed());
}

/// Where the operator asks a host that does none of the work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_hear_at_once_of_what_is_resumed_elsewhere() {
    let launch = launch();
    let api = launch.elsewhere().set("role", "api").start();
    let _worker = launch.elsewhere().set("role", "worker").start();
    let operator = operator(&api).await;
    let user = new_user(&api);
    for _ in 0..3 {
        assert_eq!(act(&operator, "queue/pause", "x").await.status, 200);
        let id = user.accepted(&picture_url(), "echo it").await;
        tokio::time::sleep(QUIET).await;
        assert_eq!(user.task(&id).await["status"], "pending");
        assert_eq!(act(&operator, "queue/resume", "x").await.status, 200);
        let begin = Instant::now();
        assert_eq!(user.finished(&id).await["status"], "completed");
        assert!(begin.elapsed() < AT_ONCE, "{:?}", begin.elapsed());
    }
}

/// Many hosts, one task, one retry of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_hosts_one_succeeds() {
    let hosts = start(&launch());
    let ops = operators(&hosts).await;
    for _ in 0..5 {
        let user = Client::user(hosts[0].url(), &new_name());
        let (id, _) = failed(&user).await;
        let retries = (0..9).map(|number| {
            let (operator, path) = (&ops[number % HOSTS], format!("tasks/{id}/retry"));
            async move { act(operator, &path, &format!("{number}")).await.status }
        });
        let statuses = join_all(retries).await;
        // It fails again at once, and may be retried then.
        let done = statuses.iter().filter(|status| **status == 200).count();
        assert!(done >= 1, "{statuses:?}");
        assert!(
            statuses.iter().all(|status| matches!(status, 200 | 409)),
            "{statuses:?}"
        );
        let audit = entries(&ops[1], |entry| entry["target"] == *id).await;
        assert_eq!(audit.len(), done, "{statuses:?}");
        let all = found(&ops[2], "", 100).await;
        let retries = all.iter().filter(|task| task["retry_of"] == *id).count();
        assert_eq!(retries, done, "{statuses:?}");
    }
}

/// Its host is killed at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_finished_by_another_host() {
    const MANY: usize = 150;
    let launch = launch();
    let mut hosts = start(&launch);
    let ops = operators(&hosts).await;
    act(&ops[0], "queue/pause", "to have some").await;
    let picture = picture_url();
    let users: Vec<_> = (0..MANY)
        .map(|number| Client::user(hosts[number % HOSTS].url(), &new_name()))
        .collect();
    for some in users.chunks(30) {
        join_all(some.iter().map(|user| user.accepted(&picture, "instant"))).await;
    }
    let seen = preview(&ops[0], "cancel", &json!({"status": "pending"})).await;
    assert_eq!(seen["count"], MANY, "{seen}");
    let job = super::jobs::start(&ops[0], "cancel", &seen, MANY as u64).await;
    assert_eq!(job.status, 202, "{job:?}");
    hosts.remove(0).kill();
    let job = job.json()["id"].as_str().unwrap().to_owned();
    let ended = tokio::time::timeout(TAKEN_OVER, ended(&ops[1], &job))
        .await
        .unwrap();
    assert_eq!([&ended["done"], &ended["failed"]], [MANY, 0], "{ended}");
    let cancelled = found(&ops[2], "error=Cancelled+by+the+operator.", 100).await;
    assert_eq!(cancelled.len(), MANY);
    let audit = entries(&ops[1], |entry| entry["action"] == "cancel").await;
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert_eq!(audit[0]["count"], MANY);
}
