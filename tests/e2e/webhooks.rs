//! Webhooks: what a receiver is told, how often, and what its user sees of it.

mod answers;
mod kills;
mod names;
mod sharing;
mod telling;
mod verifying;

use std::sync::LazyLock;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::service::{Launch, Service};
pub use concept_refinement_tests::shared::receiver;
use serde_json::{Value, json};

use crate::shared::{picture_url, scripted_launch};

/// A service whose webhooks may go to this machine.
fn launch() -> Launch {
    scripted_launch().set("allow-webhooks", "127.0.0.1")
}

fn service() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| launch().start());
    &SERVICE
}

/// The id of a task of whose end this URL is to be told.
pub async fn accepted(client: &Client, prompt: &str, webhook_url: &str) -> String {
    let hooked = json!({"webhook_url": webhook_url});
    client.accepted_with(&picture_url(), prompt, &hooked).await
}

/// What came of the webhook so far.
async fn webhook(client: &Client, task_id: &str) -> Value {
    let answer = client.get(&format!("/api/tasks/{task_id}/webhook")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The same once so many attempts were made.
async fn attempted(client: &Client, task_id: &str, attempts: usize) -> Value {
    eventually(&format!("{attempts} attempts"), SOON, async || {
        let webhook = webhook(client, task_id).await;
        let made = webhook["attempts"].as_array().unwrap().len();
        assert!(made <= attempts, "too many: {webhook}");
        (made == attempts).then_some(webhook)
    })
    .await
}

async fn redeliver(client: &Client, task_id: &str) -> u16 {
    let path = format!("/api/tasks/{task_id}/webhook/redeliver");
    client.post(&path, &json!({})).await.status
}

/// A time in an answer, in seconds since 1970.
fn seconds(time: &Value) -> f64 {
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    time.as_microsecond() as f64 / 1e6
}
