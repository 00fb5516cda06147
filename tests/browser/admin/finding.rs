//! Tasks are found by what the address says, and opened without a pointer.

use serde_json::json;

use super::{attend, failed, user};
use crate::tab::{PHONE, Tab};

/// What the filter's fields say.
const FIELDS: &str = "[...document.getElementById('filter').elements].filter(({name}) => name) \
    .map(({value}) => value)";

#[tokio::test]
async fn filters_stay_in_the_address() {
    let ada = user("ada of the filters");
    let first = failed(&ada, "no clouds").await;
    failed(&ada, "no rain").await;
    let tab = attend("/?status=failed&user=ada+of+the+filters").await;
    tab.lists(2).await;
    let fields = json!(["failed", "ada of the filters", "", "", "", ""]);
    assert_eq!(tab.value(FIELDS).await, fields);
    tab.is_for_everyone("a list").await;

    tab.write("error-filter", "clouds").await;
    tab.press("Enter").await;
    tab.lists(1).await;
    assert_eq!(tab.focus().await, "error-filter");
    let narrow = tab.path().await;
    assert_eq!(
        narrow,
        "/?status=failed&user=ada+of+the+filters&error=clouds"
    );
    tab.run("history.back()").await;
    tab.lists(2).await;
    assert_eq!(tab.value(FIELDS).await, fields);
    tab.run("history.forward()").await;
    tab.lists(1).await;

    // Somebody else is told the address.
    let other = attend(&narrow).await;
    other.lists(1).await;
    other.click("#task-rows td").await;
    other.shows(&first).await;
    // The command line finds it by what the title says.
    let title = format!("Task {}", &first[..18]);
    assert_eq!(other.text("panel-title").await, title);
}

#[tokio::test]
async fn a_filter_that_cannot_be_used_says_so() {
    let tab = attend("/?since=yesterday").await;
    tab.reads(
        "task-error",
        "A value cannot be used. since: It has to be a time, as 2026-11-20T12:00:00Z.",
    )
    .await;
    tab.is_for_everyone("a filter that cannot be used").await;
}

#[tokio::test]
async fn a_task_is_opened_by_keyboard() {
    let bob = user("bob at the keyboard");
    let mut ids = Vec::new();
    for reason in ["one", "two", "three"] {
        ids.insert(0, failed(&bob, reason).await);
    }
    let tab = attend("/?user=bob+at+the+keyboard").await;
    tab.lists(3).await;
    tab.run("document.querySelector('#task-rows a[tabindex=\"0\"]').focus()")
        .await;
    tab.press("j").await;
    tab.press("ArrowDown").await;
    tab.press("k").await;
    tab.press("Enter").await;
    tab.shows(&ids[1]).await;
    assert_eq!(tab.focus().await, "panel-title");
    let story = tab.text("story").await;
    for step in ["Submitted", "Claimed", "later", "Failed"] {
        assert!(story.contains(step), "{step}: {story}");
    }
    tab.reads("metadata-facts", "refuse: two").await;
    tab.is_for_everyone("a task").await;

    // The next one, and back to the list.
    tab.press("j").await;
    tab.shows(&ids[2]).await;
    tab.press("Escape").await;
    tab.hides("panel").await;
    let focused = "document.activeElement.closest('tr')?.dataset.task";
    assert_eq!(tab.value(focused).await, json!(ids[2]));
}

/// Whatever a user, a prompt or an error says, it is text.
#[tokio::test]
async fn what_users_wrote_is_shown_as_text() {
    let name = "<img src=x onerror=alert(1)>";
    failed(&user(name), "<script>alert(2)</script>").await;
    let tab = attend("/?error=%3Cscript").await;
    tab.lists(1).await;
    tab.click("#task-rows td").await;
    tab.reads("facts", name).await;
    tab.reads("metadata-facts", "<script>alert(2)</script>")
        .await;
    let made = "document.querySelectorAll('#main img, #main script').length";
    assert_eq!(tab.value(made).await, 0);
}

#[tokio::test]
async fn a_phone_will_do_for_operators() {
    let name = "carol on a phone";
    let id = failed(&user(name), "a reason").await;
    let tab: Tab = attend("/?user=carol+on+a+phone").await;
    tab.looks(PHONE, true).await;
    tab.lists(1).await;
    assert_eq!(tab.hidden_width().await, 0);
    tab.click("#task-rows td").await;
    tab.shows(&id).await;
    assert_eq!(tab.hidden_width().await, 0);
    tab.click("#close").await;
    tab.sees("task-table").await;
}

#[tokio::test]
async fn a_task_that_is_not_there_says_so() {
    let tab = attend("/?task=01a213fd-f760-7f22-a1f4-dea74c9942fe").await;
    tab.reads("panel-error", "There is no such task").await;
}
