//! Ten thousand webhooks that nobody takes: what they cost the tasks beside them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::tasks::{Leases as _, Tasks as _};
use concept_refinement_domain::capability::{Finished, NewTask, Stored, Submission};
use concept_refinement_domain::task::Refinement;
use concept_refinement_domain::webhook::Webhook;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Launch;
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use uuid::Uuid;

use crate::turn;

const WEBHOOKS: usize = 10_000;

/// Nobody listens there, so that each attempt fails at once.
const RECEIVERS: usize = 100;

/// Tasks of a round, of as many users, and rounds of each service.
const TASKS: usize = 12;
const ROUNDS: usize = 15;

/// How much longer a round may take: as much as rounds of one service differ.
const NOISE: f64 = 1.15;

/// What costs time does so in each of these; what the machine does beside it does not.
const SERIES: usize = 3;

/// Tasks that ended in a service that died then.
async fn ended(data: &Path) {
    let options = Options {
        max_backlog: u32::MAX,
        lease: Duration::from_secs(3600),
        ..Options::default()
    };
    let store = &SqliteTasks::open(data, options, Arc::new(SystemClock)).unwrap();
    let end = async |number: usize| {
        let task = NewTask {
            webhook: Some(Webhook {
                url: format!("http://127.0.1.{}:1/hook", number % RECEIVERS),
                origin: "http://127.0.0.1".into(),
            }),
            ..NewTask::new(
                Uuid::now_v7().to_string(),
                format!("told {number}"),
                Refinement::new("https://example.com/a.png", "make it lighter"),
            )
        };
        let id = task.id.clone();
        let submitted = store.submit(task).await.unwrap();
        assert!(matches!(submitted, Submission::Created(_)));
        let claimed = store.claim(&id, None).await.unwrap().unwrap();
        let image = Stored {
            path: format!("refined/{id}.png"),
            url: format!("/api/images/refined/{id}.png"),
            sha256: None,
        };
        let finished = store.finish(&claimed.lease, image.into()).await.unwrap();
        assert_eq!(finished, Finished::Done);
    };
    stream::iter(0..WEBHOOKS)
        .for_each_concurrent(256, end)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_webhooks_that_nobody_takes_cost_the_pipeline_nothing() {
    let _turn = turn().await;
    let origin = Origin::start();
    let launch = Launch::new()
        .scripted()
        .with_tokens()
        .embedded()
        .set("allow-sources", &origin.authority())
        .set("allow-webhooks", "127.0.0.0/8")
        .set("rate-limit", "unlimited");
    ended(&launch.data()).await;
    let (beside, alone) = (launch.start(), launch.elsewhere().start());
    let url = origin.picture(&pictures::png(64, 64));
    let round = async |base: &str| {
        let users = (0..TASKS).map(|user| Client::user(base, &format!("user {user}")));
        let begin = Instant::now();
        join_all(users.map(async |client| {
            client.completed(&url, "echo it").await;
        }))
        .await;
        begin.elapsed()
    };
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let mut ratios = Vec::new();
    while ratios.len() < SERIES && ratios.iter().all(|ratio| *ratio >= NOISE) {
        let (mut of_beside, mut of_alone) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            of_beside.push(round(beside.url()).await);
            of_alone.push(round(alone.url()).await);
        }
        let (beside, alone) = (median(of_beside), median(of_alone));
        let ratio = beside.as_secs_f64() / alone.as_secs_f64();
        show(&format!(
            "{TASKS} tasks: {alone:?}, beside {WEBHOOKS} webhooks that nobody takes {beside:?} \
             ({ratio:.2} times)"
        ));
        ratios.push(ratio);
    }
    let is_slower = ratios.iter().all(|ratio| *ratio >= NOISE);
    assert!(!is_slower, "{ratios:.2?} times as long");
}
