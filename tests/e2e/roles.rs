//! Roles: which parts a process runs, and with which stores it may.

use std::sync::LazyLock;
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::nats::NatsServer;
use concept_refinement_tests::postgres::{Data, Postgres, Release, new_schema};
use concept_refinement_tests::pubsub::{PubSub, envelope, push, token};
use concept_refinement_tests::s3::{Kind, shared};
use concept_refinement_tests::service::{Launch, Service};
use reqwest::Method;

use crate::pubsub::pushing;
use crate::shared::{new_user, origin, picture_url, scripted_launch};

/// Longer than a lease of the worker that died, and than it takes until somebody
/// sweeps.
const TAKEN_OVER: Duration = Duration::from_secs(60);

/// What the processes of one service share.
pub struct Hosts {
    pub launch: Launch,
}

impl Hosts {
    /// On stores of their own, with this queue.
    pub fn with(queue: &str) -> Self {
        Self::of(scripted_launch(), queue)
    }

    fn of(launch: Launch, queue: &str) -> Self {
        static DATABASE: LazyLock<Postgres> =
            LazyLock::new(|| Postgres::start(Release::Fifteen, Data::Volatile));
        let launch = launch
            .set("tasks", &DATABASE.url(&new_schema()))
            .set("queue", queue)
            .set("lease", "5s")
            .images_in(&shared(Kind::S3sFs).place());
        Self { launch }
    }

    /// On a directory of its own, as on another machine.
    fn start(&self, role: &str) -> Service {
        self.launch.elsewhere().set("role", role).start()
    }
}

/// By the one secret that they share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_host_signs_another_takes() {
    let launch = Launch::new().scripted();
    let launch = launch.set("allow-sources", &origin().authority());
    let hosts = Hosts::of(launch, "store");
    let [here, there] = ["all", "all"].map(|role| hosts.start(role));
    let session = Client::session(here.url()).await;
    let task = session.refined(&picture_url(), "echo it").await;
    let same = session.at(there.url());
    let path = format!("/api/tasks/{}", task["task_id"].as_str().unwrap());
    assert_eq!(same.get(&path).await.json()["status"], "completed");

    let image = task["image_url"].as_str().unwrap();
    let image = image.strip_prefix(here.url()).unwrap_or(image);
    let stranger = Client::new(there.url());
    assert_eq!(stranger.get(image).await.status, 200, "{image}");
    let unsigned = image.split('?').next().unwrap();
    assert_eq!(stranger.get(unsigned).await.status, 401, "{image}");
}

/// Another machine could not reach it.
#[test]
fn an_embedded_store_with_a_role_of_its_own_is_refused() {
    for role in ["api", "worker"] {
        for (name, value, what) in [
            ("queue", "nats://127.0.0.1:4222", "tasks is sqlite"),
            ("tasks", "postgres://127.0.0.1/refinement", "images is file"),
        ] {
            let launch = Launch::new().embedded().set("role", role);
            let ended = launch.set(name, value).run();
            assert!(!ended.status.success(), "{role} {name}");
            let expected = format!(
                ": must be all where {what}: an embedded store belongs to one process at a \
                 time"
            );
            let log = &ended.log;
            assert!(log.contains(&expected), "{role} {name}: {log}");
        }
    }
}

/// The task waits, and so does one whose worker died.
#[tokio::test]
async fn without_a_worker_tasks_wait_for_one() {
    let nats = NatsServer::start();
    for queue in [nats.new_url(), "store".to_owned()] {
        let hosts = Hosts::with(&queue);
        let api = hosts.start("api");
        let (first, second) = (new_user(&api), new_user(&api));
        let waits = first.accepted(&picture_url(), "echo it").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(first.task(&waits).await["status"], "pending", "{queue}");
        let worker = hosts.start("worker");
        assert_eq!(first.finished(&waits).await["status"], "completed");
        let orphan = second.accepted(&picture_url(), "wait 3000ms").await;
        second.task_is(&orphan, "processing").await;
        worker.kill();
        let _worker = hosts.start("worker");
        eventually("another one goes on", TAKEN_OVER, async || {
            let task = second.task(&orphan).await;
            (task["status"] == "completed").then_some(())
        })
        .await;
    }
}

/// As units of systemd have one.
#[tokio::test]
async fn the_socket_of_a_directory_stays_with_who_listens_there() {
    const SAID: &str = "another process listens on the socket";
    let launch = Hosts::with("store").launch;
    let start = |role| launch.clone().set("role", role).start();
    let answers = async || {
        let socket = Client::on_socket(&launch.data());
        socket.get("/admin/v1/queue").await.status == 200
    };
    let first = start("api");
    let second = start("worker").stop();
    assert!(second.log.contains(SAID), "{}", second.log);
    assert!(answers().await, "it was taken along");
    drop(first.kill());

    // What a process left that was killed is taken over.
    let third = start("worker");
    assert!(answers().await, "it was not taken over");
    let third = third.stop();
    assert!(!third.log.contains(SAID), "{}", third.log);
    assert!(!launch.data().join("control").exists());
}

#[tokio::test]
async fn a_worker_serves_health_and_nothing_else() {
    let hosts = Hosts::with("store");
    let worker = hosts.start("worker");
    let client = Client::new(worker.url());
    let health = client.get("/api/health").await;
    assert_eq!(health.status, 200, "{health:?}");
    eventually("it is ready", Duration::from_secs(15), async || {
        let ready = client.get("/api/health/ready").await;
        (ready.status == 200 && ready.json()["capabilities"]["queue"] == "ok").then_some(())
    })
    .await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/docs"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/api/tasks"),
        (Method::GET, "/api/healthy"),
        (Method::POST, "/api/auth/session"),
        (Method::POST, "/api/concepts/refine"),
        (Method::POST, "/pubsub/push"),
    ] {
        // Nothing of the API's description holds there.
        let url = format!("{}{path}", worker.url());
        let answer = Client::new("no API").send(method.clone(), &url, "").await;
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(answer.json()["error_code"], "NOT_FOUND", "{method} {path}");
    }
}

#[tokio::test]
async fn messages_are_pushed_to_workers_alone() {
    let pubsub = PubSub::start();
    let (topic, _) = pubsub.topic();
    let mut hosts = Hosts::with(&topic);
    hosts.launch = pushing(hosts.launch, &pubsub);
    let (api, worker) = (hosts.start("api"), hosts.start("worker"));
    let client = new_user(&api);
    let url = picture_url();
    let id = client.accepted(&url, "echo it").await;
    let message = envelope(&pubsub.published()[0]);
    let (status, _) = push(api.url(), &token(), &message).await.unwrap();
    assert_eq!(status, 404);
    assert_eq!(client.task(&id).await["status"], "pending");
    let (status, _) = push(worker.url(), &token(), &message).await.unwrap();
    assert_eq!(status, 204);
    assert_eq!(client.task(&id).await["status"], "completed");
}
