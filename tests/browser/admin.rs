//! The operator's page at the admin listener: what is seen, by whom, and what is done.

mod acting;
mod finding;
mod signing_in;
mod weight;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Launch, Service};
use serde_json::{Value, json};

use crate::tab::Tab;
use crate::world::{ADMIN_TOKEN, attended, origin};

impl Tab {
    /// At a path of the operator's page, with a token that was given to it before.
    async fn attends(service: &Service, path: &str, token: &str) -> Self {
        let tab = Self::blank(service).await;
        tab.goes_to_door(service, path).await;
        tab.sees("signin").await;
        tab.presents(token).await;
        tab.sees("desk").await;
        tab
    }

    /// Goes there, and waits until the page knows whether a token is needed.
    async fn goes_to_door(&self, service: &Service, path: &str) {
        let url = format!("{}{path}", service.admin().await);
        self.call("Page.navigate", json!({"url": url})).await;
        self.until(
            "document.readyState === 'complete' && !document.querySelector('main[aria-busy]')",
        )
        .await;
    }

    /// Waits until the list is loaded and has so many tasks.
    async fn lists(&self, count: usize) {
        self.until(&format!(
            "!document.querySelector('#task-table[aria-busy]') \
             && document.querySelectorAll('#task-rows tr').length === {count}"
        ))
        .await;
    }

    /// Waits until this task is open, with its story.
    async fn shows(&self, id: &str) {
        self.until(&format!(
            "document.querySelector('#facts')?.checkVisibility() \
             && document.querySelector('#facts').textContent.includes({})",
            json!(id)
        ))
        .await;
    }

    /// Gives a reason in the dialog that is open, and waits until it is gone.
    async fn reasons(&self, reason: &str) {
        self.write("reason", reason).await;
        self.press("Enter").await;
        self.until("!document.querySelector('dialog[open]')").await;
    }

    async fn focus(&self) -> Value {
        self.value("document.activeElement.id").await
    }
}

/// A user of their own, of the service that the tests share.
fn user(name: &str) -> Client {
    Client::user(attended().url(), name)
}

/// The id of a task of this user that has failed with this reason.
async fn failed(user: &Client, reason: &str) -> String {
    let picture = origin().picture(&pictures::png(8, 8));
    let task = user.refined(&picture, &format!("refuse: {reason}")).await;
    assert_eq!(task["status"], "failed", "{task}");
    task["task_id"].as_str().unwrap().to_owned()
}

/// A service like the one that the tests share, for what concerns all of its users.
fn another() -> Service {
    let launch: Launch = crate::world::attended_launch();
    launch.start()
}

async fn attend(path: &str) -> Tab {
    Tab::attends(attended(), path, ADMIN_TOKEN).await
}
