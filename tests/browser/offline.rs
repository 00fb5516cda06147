//! A connection that comes and goes.

use concept_refinement_tests::pictures;
use serde_json::json;

use crate::tab::Tab;
use crate::world::{origin, scripted};

impl Tab {
    async fn connection(&self, is_there: bool) {
        let conditions = json!({
            "offline": !is_there, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.call("Network.emulateNetworkConditions", conditions)
            .await;
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_sent_again() {
    let tab = Tab::open(scripted()).await;
    tab.connection(false).await;
    tab.choose(&crate::tab::file(&pictures::png(30, 30))).await;
    tab.reads("image-error", "cannot be reached. Trying again")
        .await;
    tab.connection(true).await;
    tab.reads("status", "The image is uploaded.").await;
    tab.connection(false).await;
    tab.asks("echo it").await;
    tab.reads("form-error", "cannot be reached. Trying again")
        .await;
    tab.connection(true).await;
    tab.is_done().await;
    let made = "fetch('/api/tasks').then((a) => a.json()).then(({tasks}) => tasks.length)";
    assert_eq!(tab.value(made).await, json!(1));
}

#[tokio::test]
async fn what_is_refused_in_the_end_waits_for_no_connection() {
    let tab = Tab::open(scripted()).await;
    tab.connection(false).await;
    tab.click("#submit").await;
    tab.reads("form-error", "cannot be reached. Trying again")
        .await;
    tab.connection(true).await;
    tab.reads("prompt-error", "Say what should change.").await;
    tab.hides("form-error").await;
}

#[tokio::test]
async fn a_result_is_loaded_once_the_connection_is_back() {
    let tab = Tab::open(scripted()).await;
    let original = origin().picture(&pictures::png(30, 20));
    let task = tab.has_done(&original, "echo it").await;
    let urls = json!({"urls": ["*/api/images/*"]});
    tab.call("Network.setBlockedURLs", urls).await;
    tab.opens(&task).await;
    tab.reads("no-picture", "The refined image cannot be loaded.")
        .await;
    tab.call("Network.setBlockedURLs", json!({"urls": []}))
        .await;
    tab.run("dispatchEvent(new Event('online'))").await;
    tab.is_done().await;
    tab.hides("no-picture").await;
}

/// A stream of events may outlive the connection of all other requests.
#[tokio::test]
async fn what_could_not_be_asked_at_the_end_is_asked_once_the_connection_is_back() {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(30, 20));
    tab.begins(&url, "echo it").await;
    tab.is_at("downloading").await;
    tab.reads("tiles", "Under way").await;
    let urls = json!({"urls": ["*/api/tasks*", "*/lineage"]});
    tab.call("Network.setBlockedURLs", urls).await;
    gate.open();
    tab.is_done().await;
    tab.reads("history-error", "cannot be reached").await;
    // A service that starts again may answer before all of it can be used.
    tab.run(
        "const real = fetch; \
         window.fetch = (path, options) => { \
         if (!path.startsWith('/api/tasks?')) return real(path, options); \
         window.fetch = real; \
         return Promise.resolve(Response.json({detail: 'Not yet.'}, {status: 503})); }",
    )
    .await;
    tab.reads("history-error", "Not yet.").await;
    tab.call("Network.setBlockedURLs", json!({"urls": []}))
        .await;
    tab.run("dispatchEvent(new Event('online'))").await;
    tab.reads("badges", "Made with AI").await;
    tab.hides("history-error").await;
    assert!(!tab.text("tiles").await.contains("Under way"));
}

/// Where events do not arrive, the page asks.
#[tokio::test]
async fn a_task_is_watched_without_events_too() {
    let tab = Tab::open(scripted()).await;
    let urls = json!({"urls": ["*/events"]});
    tab.call("Network.setBlockedURLs", urls).await;
    let (url, gate) = origin().gated(&pictures::png(30, 20));
    tab.begins(&url, "echo it").await;
    tab.until("document.querySelector('#steps .done')").await;
    gate.open();
    tab.is_done().await;
}
