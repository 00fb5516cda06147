//! Links, the back button, and what was done before.

use concept_refinement_tests::pictures;
use serde_json::json;

use crate::tab::Tab;
use crate::world::{origin, scripted};

async fn refine(tab: &Tab, size: u32, prompt: &str) -> String {
    tab.go("/").await;
    tab.refines(&pictures::png(size, size), prompt).await;
    tab.path().await
}

#[tokio::test]
async fn a_link_and_the_back_button_lead_to_a_refinement() {
    let tab = Tab::open(scripted()).await;
    let first = refine(&tab, 21, "echo it").await;
    let second = refine(&tab, 22, "wait 5ms").await;
    tab.go(&first).await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("after").await, json!([21, 21]));

    tab.click(&format!("#tiles a[href='{second}']")).await;
    tab.shows_image("after", 22).await;
    assert_eq!(tab.path().await, second);
    tab.has_focus_on("result-title").await;
    tab.run("history.back()").await;
    tab.shows_image("after", 21).await;
    assert_eq!(tab.path().await, first);
    tab.run("history.forward()").await;
    tab.shows_image("after", 22).await;

    tab.click(".brand").await;
    tab.sees("compose").await;
    assert_eq!(tab.path().await, "/");
    tab.run("history.back()").await;
    tab.is_done().await;
    assert_eq!(tab.path().await, second);
}

#[tokio::test]
async fn a_link_of_somebody_else_leads_nowhere() {
    let theirs = Tab::open(scripted()).await;
    let path = refine(&theirs, 20, "echo it").await;
    let tab = Tab::blank(scripted()).await;
    for path in [path.as_str(), "/?task=nothing", "/?task=%3Cb%3E"] {
        tab.go(path).await;
        tab.reads("missing-text", "There is no such refinement.")
            .await;
    }
    tab.is_for_everyone("missing").await;
    tab.click("#missing a").await;
    tab.sees("compose").await;
}

#[tokio::test]
async fn what_was_done_before_can_be_deleted() {
    let tab = Tab::open(scripted()).await;
    refine(&tab, 20, "echo it").await;
    let kept = refine(&tab, 21, "wait 5ms").await;
    tab.counts("#tiles img", 2).await;
    tab.until("[...document.querySelectorAll('#tiles img')].every((img) => img.naturalWidth > 0)")
        .await;
    tab.is_for_everyone("result and history").await;

    tab.click("#tiles li:last-child .delete").await;
    tab.sees("confirm").await;
    tab.is_for_everyone("before deleting").await;
    tab.press("Escape").await;
    tab.until("!document.getElementById('confirm').open").await;
    tab.click("#tiles li:last-child .delete").await;
    tab.sees("confirm").await;
    tab.click("#confirm-delete").await;
    tab.counts("#tiles li", 1).await;
    tab.until("document.activeElement.closest('#tiles')").await;
    // The other one is still on show, and its images are there.
    assert_eq!(tab.path().await, kept);
    tab.reload().await;
    tab.is_done().await;
    let left = "Promise.all(['tasks', 'concepts'].map(async (name) => \
        (await (await fetch(`/api/${name}`)).json())[name].length))";
    assert_eq!(tab.value(left).await, json!([1, 1]));

    tab.click("#delete").await;
    tab.sees("confirm").await;
    tab.click("#confirm-delete").await;
    tab.sees("compose").await;
    assert_eq!(tab.path().await, "/");
    tab.hides("history").await;
    assert_eq!(tab.value(left).await, json!([0, 0]));
}

/// One more than a page has.
#[tokio::test]
async fn earlier_ones_come_page_by_page() {
    let tab = Tab::open(scripted()).await;
    let original = origin().picture(&pictures::png(8, 8));
    for _ in 0..13 {
        tab.has_done(&original, "instant").await;
    }
    tab.reload().await;
    tab.counts("#tiles li", 12).await;
    tab.click("#more").await;
    tab.counts("#tiles li", 13).await;
    tab.until("document.activeElement === document.querySelector('#tiles li:last-child a')")
        .await;
    tab.hides("more").await;
}

/// What ends while something else is on show does so in the list too.
#[tokio::test]
async fn what_was_left_under_way_is_seen_to_end() {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    tab.begins(&url, "echo it").await;
    tab.click(".brand").await;
    tab.sees("compose").await;
    tab.reads("tiles", "Under way").await;
    tab.run("document.querySelector('#tiles a').focus()").await;
    gate.open();
    tab.until("document.querySelector('#tiles img')?.naturalWidth === 8")
        .await;
    tab.until("document.activeElement === document.querySelector('#tiles a')")
        .await;
    tab.sees("compose").await;
}
