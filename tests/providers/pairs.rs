//! The providers, each with a service that asks it.

use std::sync::LazyLock;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::stand_in::{ALL, StandIn};
use serde_json::Value;

/// How it begins that a task failed at its model.
pub const FAILED: &str = "Error in refinement task processing: Image refinement failed: ";

/// A service with a provider's model, and the provider.
pub struct Pair {
    pub stand_in: &'static dyn StandIn,
    pub service: Service,
    pub provider: Provider,
}

/// One of each provider, that many tests share.
pub fn pairs() -> &'static [Pair] {
    static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
        let pair = |stand_in: &&'static dyn StandIn| {
            let provider = stand_in.start();
            let service = stand_in.launch(&provider.url()).start();
            Pair {
                stand_in: *stand_in,
                service,
                provider,
            }
        };
        ALL.iter().map(pair).collect()
    });
    &PAIRS
}

/// That of this provider.
pub fn pair(stand_in: &dyn StandIn) -> &'static Pair {
    let mut pairs = pairs().iter();
    let pair = pairs.find(|pair| pair.label() == stand_in.label());
    pair.unwrap()
}

impl Pair {
    pub fn label(&self) -> &'static str {
        self.stand_in.label()
    }

    /// The finished task of a new user, and the user.
    pub async fn refined(&self, prompt: &str) -> (Client, Value) {
        refined(&self.service, prompt).await
    }
}

/// Starts a service while others start.
pub async fn started(launch: Launch) -> Service {
    let service = tokio::task::spawn_blocking(move || launch.start());
    service.await.unwrap()
}

/// The finished task of a new user that uploaded a picture, and the user.
pub async fn refined(service: &Service, prompt: &str) -> (Client, Value) {
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    let task = client.refined(&original, prompt).await;
    (client, task)
}

/// The refined image's bytes.
pub async fn image(client: &Client, task: &Value) -> Vec<u8> {
    assert_eq!(task["status"], "completed", "{task}");
    let answer = client.get(task["image_url"].as_str().unwrap()).await;
    answer.body.to_vec()
}
