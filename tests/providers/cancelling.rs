//! A task that is deleted while its provider is asked.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::stand_in::StandIn as _;
use concept_refinement_tests::stand_in::openai::{self, OpenAi};

/// Far shorter than what the model may take (60 s).
const AT_ONCE: Duration = Duration::from_secs(5);

/// Before its answer begins, and in the middle of it.
#[tokio::test]
async fn its_provider_is_hung_up_on() {
    let silent = Reply::raw(b"").then_silence();
    let half = Reply::new(200, "content-length: 1000\r\n", b"{").then_silence();
    for (name, kept_waiting) in [("silent", silent), ("half an answer", half)] {
        // One of its own: no other test's connections are to be counted.
        let provider = Provider::start();
        let launch = OpenAi.launch(&provider.url()).set("concurrency", "1");
        let service = launch.start();
        let user = Client::session(service.url()).await;
        let original = user.uploaded(&pictures::png(50, 40)).await;
        let prompt = provider.prompt([kept_waiting]);
        let id = user.accepted(&original, &prompt).await;
        eventually("the provider is asked", SOON, async || {
            (provider.times(&prompt) == 1).then_some(())
        })
        .await;
        assert_eq!(provider.open_connections(), 1, "{name}");
        assert_eq!(user.delete(&format!("/api/tasks/{id}")).await.status, 204);
        eventually("the provider is hung up on", AT_ONCE, async || {
            (provider.open_connections() == 0).then_some(())
        })
        .await;

        // The only place is free again.
        let picture = pictures::png(50, 40);
        let prompt = provider.prompt([openai::answer(&picture)]);
        let task = user.refined(&original, &prompt).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        assert_eq!(provider.times(&prompt), 1, "{name}");
        let concepts = user.get("/api/concepts").await.json();
        assert_eq!(concepts["concepts"].as_array().unwrap().len(), 1, "{name}");
    }
}
