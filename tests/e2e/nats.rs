//! A queue in NATS JetStream, through the executable: away at the start, killed,
//! hanging, wiped.

use std::fs;
use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{READINESS, eventually};
use concept_refinement_tests::nats::NatsServer;
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Service;
use concept_refinement_tests::tls;
use serde_json::Value;

use crate::outage;
use crate::shared::{new_user, picture_url, scripted_launch};
use crate::unusable::{DISTRUSTED, assert_refused};

/// How long after its return it may take until it works.
const RETURN: Duration = Duration::from_secs(5);

/// What waits for nothing, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);

pub async fn ready(service: &Service) -> (u16, Value) {
    let ready = Client::new(service.url()).get("/api/health/ready").await;
    (ready.status, ready.json()["capabilities"]["queue"].clone())
}

/// A task is accepted soon, and done.
async fn assert_back(service: &Service) {
    let client = new_user(service);
    let id = eventually("a task is accepted", RETURN, async || {
        let answer = client.refine(&picture_url(), "echo it").await;
        (answer.status == 202).then(|| answer.task_id())
    });
    let id = id.await;
    assert_eq!(client.finished(&id).await["status"], "completed");
    eventually("it is ready", READINESS, async || {
        (ready(service).await == (200, "ok".into())).then_some(())
    })
    .await;
}

/// What needs no queue goes on at once, and what was refused costs nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_away_reads_go_on_and_a_refused_task_costs_no_quota() {
    let server = NatsServer::start();
    let proxy = Proxy::to(server.address());
    let queue = format!("nats://{}", proxy.address());
    let launch = scripted_launch().set("rate-limit", "10/month");
    let service = launch.set("queue", &queue).start();
    let client = new_user(&service);
    let task = client.refined(&picture_url(), "echo it").await;
    let paths = [
        format!("/api/tasks/{}", task["task_id"].as_str().unwrap()),
        "/api/tasks".to_owned(),
        "/api/concepts".to_owned(),
        task["image_url"].as_str().unwrap().to_owned(),
    ];
    for (used, mode) in [(2, Mode::Refuse), (3, Mode::Hang)] {
        proxy.set(mode);
        let refused = outage::in_time(mode, client.refine(&picture_url(), "echo it")).await;
        assert_eq!(refused.status, 503, "{mode:?}: {refused:?}");
        for path in &paths {
            let begin = Instant::now();
            let read = client.get(path).await;
            assert_eq!(read.status, 200, "{mode:?}: {path}: {read:?}");
            assert!(begin.elapsed() < AT_ONCE, "{mode:?}: {path}");
        }
        outage::degraded(&client, mode, "queue", "tasks").await;
        let tasks = client.get("/api/tasks").await.json();
        for found in tasks["tasks"].as_array().unwrap() {
            let status = found["status"].as_str().unwrap();
            assert!(
                ["completed", "failed"].contains(&status),
                "{mode:?}: {found}"
            );
        }

        proxy.set(Mode::Pass);
        let accepted = eventually("a task is accepted", RETURN, async || {
            let answer = client.refine(&picture_url(), "echo it").await;
            (answer.status == 202).then_some(answer)
        });
        let accepted = accepted.await;
        let left = (10 - used).to_string();
        let remaining = accepted.header("x-ratelimit-remaining");
        assert_eq!(remaining, Some(left.as_str()), "{mode:?}");
        client.finished(&accepted.task_id()).await;
        outage::ready(&client).await;
    }
}

#[test]
fn what_it_refuses_is_told_in_a_sentence() {
    let server = NatsServer::with(&["--user", "ada", "--pass", "correct horse"]);
    let address = server.address();
    let refused = format!("NATS at {address} cannot be used: it refuses the credentials");
    let url = format!("nats://ada:hunter2@{address}");
    let launch = scripted_launch().unset("queue");
    let launch = launch.variable("REFINEMENT_QUEUE", &url);
    assert_refused("a wrong password", &launch, "queue", &refused, &["hunter2"]);
}

/// A server of an operator, whose users prove by a file who they are.
#[tokio::test]
async fn credentials_come_by_a_file() {
    const NOT_A_FILE: &str = "nowhere.creds";
    let file = |name: &str| format!("{}/nats/{name}", env!("CARGO_MANIFEST_DIR"));
    let server = NatsServer::with(&["--config", &file("operator.conf")]);
    let launch = |credentials: &str| {
        let url = format!("{}?credentials={credentials}", server.url());
        scripted_launch().set("queue", &url)
    };
    let service = launch(&file("refiner.creds")).start();
    assert_back(&service).await;

    let secret = |name: &str| {
        let text = fs::read_to_string(file(name)).unwrap();
        let seed = text.lines().find(|line| line.starts_with("SU")).unwrap();
        seed.to_owned()
    };
    let torn = scratch("credentials").join("torn.creds");
    let seed = secret("refiner.creds");
    fs::write(&torn, &seed).unwrap();
    let torn = torn.display().to_string();
    let refused = "it refuses the credentials".to_owned();
    let unusable = |file: &str| format!("its credentials in {file}: ");
    let [strange, missing] = ["stranger.creds", NOT_A_FILE].map(file);
    for (case, credentials, expected) in [
        ("another operator's user", &strange, refused),
        ("no file", &missing, unusable(&missing)),
        ("a file of no credentials", &torn, unusable(&torn)),
    ] {
        let expected = format!("NATS at {} cannot be used: {expected}", server.address());
        let secrets = [seed.as_str(), &secret("stranger.creds")];
        assert_refused(case, &launch(credentials), "queue", &expected, &secrets);
    }
}

/// By the certificates of the operator.
#[tokio::test]
async fn a_server_has_to_prove_who_it_is() {
    let file = |name: &str| tls::file(name).display().to_string();
    let server = NatsServer::with(&[
        "--tls",
        "--tlscert",
        &file("server.pem"),
        "--tlskey",
        &file("server.key"),
    ]);
    let port = server.address().port();
    let launch = |url: String, authority: &str| {
        scripted_launch()
            .set("queue", &url)
            .set("ca-file", &file(authority))
    };
    // The server asks for TLS itself, whatever the scheme.
    for scheme in ["tls", "nats"] {
        let service = launch(format!("{scheme}://localhost:{port}"), "authority.pem").start();
        assert_back(&service).await;
    }
    for [case, host, authority, expected] in DISTRUSTED {
        let launch = launch(format!("tls://ada:hunter2@{host}:{port}"), authority);
        let expected = format!(
            "NATS at {host}:{port} cannot be used: its certificate does not fit: {expected}"
        );
        assert_refused(case, &launch, "queue", &expected, &["hunter2"]);
    }
}
