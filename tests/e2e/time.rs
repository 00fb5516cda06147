//! What time does: the host within this process, with a clock that is set.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_host::capability::clock::{Clock, ManualClock, SystemClock};
use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Components, Config, Host, HostBuilder};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::{artifacts, pictures, reaper};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A host with anonymous sessions and the scripted model.
async fn host(clock: Arc<ManualClock>, settings: &[(&str, &str)]) -> Host {
    let data = reaper::scratch("host");
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
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    let config = Config::new(values).unwrap();
    let components = Components::load(Some(&artifacts::components()), &config).unwrap();
    HostBuilder::new(config, components)
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
