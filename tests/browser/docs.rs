//! The page that shows the description of the API.

use concept_refinement_tests::service::Service;
use serde_json::{Value, json};

use crate::tab::{PHONE, Tab};
use crate::world::local;

async fn open(service: &Service, place: &str) -> Tab {
    let tab = Tab::blank(service).await;
    let url = format!("{}/docs{place}", service.url());
    tab.call("Page.navigate", json!({"url": url})).await;
    tab.until("document.querySelector('.operation')").await;
    tab
}

#[tokio::test]
async fn the_docs_show_every_operation_and_are_for_everyone() {
    let tab = open(local(), "").await;
    let described = "fetch('/openapi.json').then((a) => a.json()).then(({paths}) => \
        Object.values(paths).flatMap((item) => Object.keys(item)).length)";
    let shown = tab.value("document.querySelectorAll('.operation').length");
    assert_eq!(shown.await, tab.value(described).await);
    tab.is_for_everyone("the docs").await;
    tab.run("for (const part of document.querySelectorAll('details')) part.open = true")
        .await;
    tab.until("document.querySelectorAll('form.try').length === document.querySelectorAll('.operation').length")
        .await;
    tab.is_for_everyone("the docs, all open").await;
    tab.has_no_errors();
}

/// Nothing comes from elsewhere: the page works without a network.
#[tokio::test]
async fn the_docs_need_nothing_from_elsewhere() {
    let tab = open(local(), "").await;
    let requests = tab.events("Network.requestWillBeSent");
    assert!(requests.len() >= 5, "{requests:?}");
    for request in requests {
        let url = request["request"]["url"].as_str().unwrap();
        assert!(url.starts_with(local().url()), "{url}");
    }
}

#[tokio::test]
async fn requests_can_be_tried_by_keyboard_and_on_a_phone() {
    let tab = open(local(), "#refine_concept").await;
    tab.looks(PHONE, true).await;
    tab.click("#anonymous").await;
    tab.reads("who-state", "You are the anonymous user").await;
    tab.run("document.querySelector('#refine_concept form').requestSubmit()")
        .await;
    tab.until(&outcome("refine_concept", "202")).await;
    let answered = "[...document.querySelectorAll('#refine_concept form pre')].pop().textContent";
    tab.until(&format!("{answered}.includes('task_id')")).await;
    let task_id = tab.value(&format!("JSON.parse({answered}).task_id")).await;

    // Its events, until the stream ends.
    tab.run("document.querySelector('#watch_task > summary').focus()")
        .await;
    tab.press("Enter").await;
    tab.until("document.querySelector('#watch_task form')")
        .await;
    tab.write("watch_task-task_id", task_id.as_str().unwrap())
        .await;
    tab.press("Enter").await;
    tab.until(&outcome("watch_task", "200")).await;
    tab.until(
        "[...document.querySelectorAll('#watch_task form pre')].pop().textContent.includes('event: task')",
    )
    .await;
    assert_eq!(tab.hidden_width().await, Value::from(0));
    tab.has_no_errors();
}

/// The answer that an operation's form shows.
fn outcome(operation: &str, status: &str) -> String {
    format!(
        "document.querySelector('#{operation} form .outcome').textContent.startsWith('{status}')"
    )
}
