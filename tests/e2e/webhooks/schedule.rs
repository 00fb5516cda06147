//! When attempts are made: the host within this process, by a clock of ours.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Clock as _;
use concept_refinement_capability::clock::{ManualClock, SystemClock};
use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Components, Config, HostBuilder};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::{artifacts, pictures, reaper};
use serde_json::{Value, json};

use super::{attempted, receiver, redeliver, seconds, webhook};

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;

/// Between two attempts.
const WAITS: [f64; 7] = [
    5.0,
    5.0 * MINUTE,
    30.0 * MINUTE,
    2.0 * HOUR,
    5.0 * HOUR,
    10.0 * HOUR,
    10.0 * HOUR,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_attempts_are_made_on_the_schedule_and_another_on_request() {
    let data = reaper::scratch("host");
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let model = artifacts::scripted_model();
    let mut values = Values::new();
    for (name, value) in [
        ("listen", "127.0.0.1:0"),
        ("data-dir", data.to_str().unwrap()),
        ("model", model.to_str().unwrap()),
        ("allow-webhooks", "127.0.0.1"),
    ] {
        values.set(table::find(name).unwrap(), value);
    }
    let config = Config::new(values).unwrap();
    let components = Components::load(Some(&artifacts::components()), &config).unwrap();
    let builder = HostBuilder::new(config)
        .components(components)
        .clock(Arc::clone(&clock) as _);
    let host = builder.start().await.unwrap();
    let base = format!("http://{}", host.address());
    let client = Client::session(&base).await;
    let hook = receiver().hook([Reply::status(500)]);
    let body = json!({
        "original_image_url": client.uploaded(&pictures::png(8, 8)).await,
        "refinement_prompt": "instant",
        "webhook_url": hook,
    });
    let id = client.post("/api/concepts/refine", &body).await.task_id();

    for (number, wait) in WAITS.iter().enumerate() {
        let told = attempted(&client, &id, number + 1).await;
        assert_eq!(told["state"], "pending", "{told}");
        assert_eq!(redeliver(&client, &id).await, 409);
        let ended = clock.now().0 as f64 / 1e6;
        let next = seconds(&told["next_attempt_at"]);
        let waits = next - ended;
        assert!(
            (*wait..=wait * 1.1 + 0.001).contains(&waits),
            "{waits}: {told}"
        );

        // Just before it nothing is due.
        clock.advance(Duration::from_secs_f64(waits - 0.5));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(webhook(&client, &id).await, told);
        clock.advance(Duration::from_millis(510));
    }
    let told = attempted(&client, &id, 8).await;
    assert_eq!(told["state"], "failed", "{told}");
    assert_eq!(told["next_attempt_at"], Value::Null, "{told}");
    assert_eq!(redeliver(&client, &id).await, 202);
    let told = attempted(&client, &id, 9).await;
    assert_eq!(told["state"], "failed", "{told}");

    let deliveries = receiver().deliveries(&hook);
    assert_eq!(deliveries.len(), 9);
    for delivery in &deliveries {
        assert_eq!(delivery.header("webhook-id"), Some(&*format!("msg_{id}")));
    }
    host.stop().await;
}
