//! What an operator does has a reason, and is in the audit.

use concept_refinement_tests::pictures;
use serde_json::json;

use super::{another, attend, failed, user};
use crate::tab::Tab;
use crate::world::{ADMIN_TOKEN, origin};

#[tokio::test]
async fn a_failed_task_is_retried_with_a_reason() {
    let id = failed(&user("dave"), "not now").await;
    let tab = attend(&format!("/?user=dave&task={id}")).await;
    tab.shows(&id).await;
    tab.click("#retry").await;
    tab.press("Enter").await;
    tab.reads("reason-error", "Give a reason.").await;
    tab.is_for_everyone("a reason is missing").await;
    // Escape closes the question alone.
    tab.press("Escape").await;
    tab.until("!document.querySelector('dialog[open]')").await;
    tab.shows(&id).await;
    assert_eq!(tab.focus().await, "retry");

    tab.click("#retry").await;
    tab.reasons("the provider is back").await;
    tab.reads("facts", "Retry of").await;
    assert_eq!(tab.focus().await, "panel-title");
    tab.lists(2).await;
    tab.click(&format!("#facts a[title='{id}']")).await;
    tab.shows(&id).await;
    tab.reads("story", "Retried as").await;

    tab.click("#to-audit").await;
    tab.reads("audit-rows", "the provider is back").await;
    tab.is_for_everyone("the audit").await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said_by_the_service() {
    let erin = user("erin");
    let id = failed(&erin, "not now").await;
    let (url, gate) = origin().gated(&pictures::png(20, 10));
    let active = erin.accepted(&url, "echo it").await;
    let tab = attend(&format!("/?user=erin&task={id}")).await;
    tab.shows(&id).await;
    tab.click("#retry").await;
    tab.write("reason", "again").await;
    tab.press("Enter").await;
    tab.until("document.getElementById('reason-error').textContent.endsWith('.')")
        .await;
    tab.is_for_everyone("409").await;
    tab.press("Escape").await;

    // What is in the way is cancelled.
    tab.click(&format!("tr[data-task='{active}'] td")).await;
    tab.shows(&active).await;
    tab.click("#cancel").await;
    tab.reasons("it is in the way").await;
    tab.reads("facts", "Cancelled by the operator.").await;
    tab.until(&format!(
        "document.querySelector(\"tr[data-task='{active}'] .status\").textContent === 'failed'"
    ))
    .await;
    gate.open();

    tab.click("#delete").await;
    tab.reasons("nobody needs it").await;
    tab.lists(1).await;
    assert_eq!(tab.focus().await, "tasks-title");
}

#[tokio::test]
async fn all_that_match_are_counted_and_then_deleted() {
    let frank = user("frank");
    for reason in ["one", "two", "three"] {
        failed(&frank, reason).await;
    }
    let tab = attend("/?status=failed&user=frank").await;
    tab.lists(3).await;
    tab.click("#many").await;
    tab.is_for_everyone("all that match").await;
    tab.click("#all-actions input[value=delete]").await;
    tab.click("#all-act").await;
    tab.reads("all-count", "3 tasks match").await;
    tab.is_for_everyone("counted").await;
    // Not before there is a reason.
    tab.press("Enter").await;
    tab.reads("all-error", "Give a reason.").await;
    tab.write("all-reason", "a test is over").await;
    tab.press("Enter").await;
    tab.reads("job-title", "Deleted 3 tasks").await;
    tab.reads("job-figures", "3 done, 0 not possible, 0 left")
        .await;
    tab.lists(0).await;
    tab.is_for_everyone("a job").await;
    tab.click("#job-dismiss").await;
    tab.hides("job").await;
    assert_eq!(tab.path().await, "/?status=failed&user=frank");
}

#[tokio::test]
async fn the_queue_is_paused_and_resumed() {
    let service = another();
    let tab = Tab::attends(&service, "/", ADMIN_TOKEN).await;
    for (state, reason) in [
        ("Paused", "the provider is down"),
        ("Running", "it is back"),
    ] {
        tab.click("#pause").await;
        tab.reasons(reason).await;
        tab.reads("queue-state", state).await;
        tab.is_for_everyone(state).await;
        assert_eq!(tab.focus().await, json!("pause"));
    }
    tab.click("#to-audit").await;
    tab.reads("audit-rows", "the provider is down").await;
    tab.reads("audit-rows", "it is back").await;
}

#[tokio::test]
async fn the_queue_is_drained() {
    let service = another();
    let user = concept_refinement_tests::client::Client::user(service.url(), "heidi");
    let (url, gate) = origin().gated(&pictures::png(20, 10));
    let id = user.accepted(&url, "echo it").await;
    user.task_is(&id, "processing").await;
    let tab = Tab::attends(&service, "/", ADMIN_TOKEN).await;
    tab.click("#drain").await;
    let reason = format!("a new disk: {}", "it is long ".repeat(20));
    tab.reasons(reason.trim()).await;
    tab.reads("queue-state", "Draining").await;
    tab.is_for_everyone("draining").await;
    assert_eq!(tab.focus().await, json!("pause"));
    gate.open();
    tab.reads("queue-state", "Paused").await;
    tab.reads("status", "The queue is drained.").await;
    // An operator's words are shown whole.
    tab.click("#to-audit").await;
    tab.reads("audit-rows", reason.trim()).await;
    let cut = "[...document.querySelectorAll('#audit-rows td')]\
        .some((cell) => cell.scrollWidth > cell.clientWidth || cell.scrollHeight > cell.clientHeight)";
    assert_eq!(tab.value(cut).await, json!(false));
}

#[tokio::test]
async fn why_a_task_failed_is_shown_whole() {
    let reason = "the provider says more than fits into two lines of a table; ".repeat(4);
    let id = failed(&user("ivan"), reason.trim()).await;
    let tab = attend("/?user=ivan").await;
    tab.lists(1).await;
    let cell = format!("document.querySelector(\"tr[data-task='{id}'] td:last-child\")");
    let is_whole = format!(
        "{cell}.innerText.includes({}) && [{cell}, ...{cell}.children]\
         .every((part) => part.scrollHeight <= part.clientHeight || !part.clientHeight)",
        json!(reason.trim())
    );
    assert_eq!(tab.value(&is_whole).await, json!(true));
}
