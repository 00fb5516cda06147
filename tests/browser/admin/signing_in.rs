//! A token opens the page, and says what may be done there.

use serde_json::json;

use super::{attend, failed, user};
use crate::tab::Tab;
use crate::world::{ADMIN_READ_TOKEN, ADMIN_TOKEN, attended};

#[tokio::test]
async fn a_token_of_the_operator_opens_the_page_until_it_is_forgotten() {
    let tab = Tab::blank(attended()).await;
    tab.goes_to_door(attended(), "/").await;
    tab.sees("signin").await;
    tab.is_for_everyone("sign in as an operator").await;
    for (wrong, words) in [("two words", "one word"), ("wrong", "not accepted")] {
        tab.presents(wrong).await;
        tab.reads("token-error", words).await;
        tab.sees("signin").await;
    }
    tab.presents(&format!("Bearer {ADMIN_TOKEN}")).await;
    tab.sees("desk").await;
    tab.goes_to_door(attended(), "/?view=audit").await;
    tab.sees("audit").await;

    tab.click("#signout").await;
    tab.sees("signin").await;
    let kept = tab
        .value("JSON.stringify([sessionStorage, localStorage])")
        .await;
    assert_eq!(kept, "[{},{}]");
    tab.goes_to_door(attended(), "/").await;
    tab.sees("signin").await;
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let id = failed(&user("grace"), "not now").await;
    let path = format!("/?user=grace&task={id}");
    let tab = Tab::attends(attended(), &path, ADMIN_READ_TOKEN).await;
    tab.shows(&id).await;
    tab.reads("reader", "This token is read-only.").await;
    tab.is_for_everyone("a reader").await;
    for button in ["pause", "many", "retry", "delete"] {
        let disabled = format!("document.getElementById('{button}').ariaDisabled");
        assert_eq!(tab.value(&disabled).await, json!("true"), "{button}");
        let title = tab.property(button, "title").await;
        assert_eq!(title, "This token is read-only.", "{button}");
        tab.click(&format!("#{button}")).await;
        let asked = tab.value("Boolean(document.querySelector('dialog[open]'))");
        assert_eq!(asked.await, false, "{button}");
    }
    let metadata = tab.value("document.getElementById('metadata').hidden");
    assert_eq!(metadata.await, true);

    // It is told where no task is on show too, however one comes there, and asked only there.
    let tab = Tab::attends(attended(), "/?user=nobody", ADMIN_READ_TOKEN).await;
    tab.reads("task-summary", "No task matches.").await;
    let asked = tab.events("Network.requestWillBeSent");
    let urls = asked.iter().map(|sent| sent["request"]["url"].as_str());
    assert!(urls.flatten().all(|url| !url.ends_with("?limit=1")));
    tab.click("#to-audit").await;
    tab.reads("reader", "This token is read-only.").await;
}

/// Nothing is asked while nobody looks, and at once when somebody does.
#[tokio::test]
async fn a_hidden_page_asks_for_nothing() {
    let tab = attend("/").await;
    let asked = "performance.getEntriesByName(`${location.origin}/admin/v1/queue`).length";
    let before = tab.value(asked).await.as_u64().unwrap();
    let becomes = |is_hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{value: {is_hidden}, configurable: true}}); \
             document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    tab.run(&becomes(true)).await;
    // That nothing comes can only be waited for.
    tab.value("new Promise((resolve) => setTimeout(resolve, 5500))")
        .await;
    assert_eq!(tab.value(asked).await, json!(before));
    tab.run(&becomes(false)).await;
    tab.until(&format!("{asked} > {before}")).await;
}
