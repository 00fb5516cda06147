//! Health beside a model that computes in the instances of `wasmtime serve`, where nothing
//! but threads and new instances keeps them apart.

use std::pin::pin;
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::{percentile, read};
use concept_refinement_tests::pictures;
use concept_refinement_tests::platform::wasmtime::Wasmtime;
use concept_refinement_tests::platform::{Model, Start, origin};
use futures::future::{Either, join_all, select};

const USERS: usize = 10;

/// For all pictures together, on a slow machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Without the settings of `docs/platforms.md` it was 4.6 s and more on two quiet cores, with
/// them 0.1 s, and 1.2 s beside a compiler.
const MOST: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_answered_while_large_pictures_are_refined() {
    let _turn = crate::turn().await;
    let service = Start::<Wasmtime>::new(Model::Local)
        .set("model-timeout", "5m")
        .set("task-timeout", "6m")
        .start();
    let photo = origin().picture(&pictures::jpeg(5_000, 4_000));
    let refined = join_all((0..USERS).map(async |_| {
        let client = Client::session(service.url()).await;
        let id = client.accepted(&photo, "a little warmer").await;
        eventually("all are refined", LIMIT, async || {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let task = client.task(&id).await;
            let is_active = ["pending", "processing"]
                .map(Into::into)
                .contains(&task["status"]);
            (!is_active).then_some(task)
        })
        .await
    }));
    let client = Client::new(service.url());
    let mut waits = Vec::new();
    let asked = async {
        loop {
            waits.push(read(&client, "/api/health").await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let tasks = match select(pin!(refined), pin!(asked)).await {
        Either::Left((tasks, _)) => tasks,
        Either::Right((never, _)) => never,
    };
    for task in tasks {
        assert_eq!(task["status"], "completed", "{task}");
    }
    waits.sort_unstable();
    let p95 = percentile(&waits, 95);
    show(&format!(
        "health on wasmtime serve beside {USERS} users with 20 megapixels each: \
         p50 {:?}, p95 {p95:?}, at most {:?} ({} requests)",
        percentile(&waits, 50),
        percentile(&waits, 100),
        waits.len(),
    ));
    assert!(waits.len() > 20 && p95 < MOST, "{} {p95:?}", waits.len());
}
