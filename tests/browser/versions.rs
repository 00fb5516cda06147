//! A result is refined again, its versions stand side by side, and what is to stay is said.

use concept_refinement_tests::pictures;
use serde_json::{Value, json};

use crate::tab::Tab;
use crate::world::{local, origin, scripted};

/// The pair on show, by the paths of the images.
const PAIR: &str =
    "['before', 'after'].map((id) => new URL(document.getElementById(id).src).pathname)";

impl Tab {
    /// Refines the result on show again, and returns the address of the new one.
    pub async fn refines_again(&self, prompt: &str) -> String {
        let before = self.path().await;
        self.click("#again").await;
        self.reads("chosen", "The refined image").await;
        self.asks(prompt).await;
        self.until(&format!(
            "location.search && location.pathname + location.search !== {}",
            json!(before)
        ))
        .await;
        self.is_done().await;
        self.path().await
    }

    /// The paths of the images of the lineage, oldest first, and of its first original.
    async fn lineage(&self, path: &str) -> (String, Vec<String>) {
        let script = format!(
            "(async () => {{ \
             const json = async (path) => (await fetch(path)).json(); \
             const task = await json(`/api/tasks/${{new URLSearchParams({}).get('task')}}`); \
             const {{concepts}} = await json(`/api/concepts/${{task.result_id}}/lineage`); \
             const path = (url) => new URL(url).pathname; \
             return [path(concepts[0].original_image_url), concepts.map((one) => path(one.image_url))]; }})()",
            json!(path.trim_start_matches('/'))
        );
        serde_json::from_value(self.value(&script).await).unwrap()
    }
}

#[tokio::test]
async fn a_result_is_refined_as_the_concept_that_it_is() {
    let tab = Tab::open(scripted()).await;
    tab.refines(&pictures::png(80, 60), "echo it").await;
    assert!(
        tab.property("versions", "hidden").await == true,
        "one version is no choice"
    );
    let first = tab.path().await;
    tab.refines_again("wait 4ms").await;
    assert_eq!(tab.natural_size("before").await, json!([80, 60]));
    let sent = tab.sent().await;
    let concept = format!(
        "fetch('/api/tasks/{}').then((a) => a.json()).then((task) => task.result_id)",
        first.trim_start_matches("/?task=")
    );
    assert_eq!(sent["original_concept_id"], tab.value(&concept).await);
    assert_eq!(sent["original_image_url"], Value::Null, "{sent}");

    // The same words for the same original, also after a reload.
    tab.reload().await;
    tab.is_done().await;
    tab.click("#revise").await;
    tab.shows_image("picture", 80).await;
    tab.asks("wait 5ms").await;
    tab.is_done().await;
    let revised = tab.sent().await;
    assert_eq!(revised["original_concept_id"], sent["original_concept_id"]);

    // Another source takes its place.
    tab.click("#again").await;
    tab.click("#remove").await;
    tab.sees("empty").await;
    tab.refines(&pictures::png(30, 20), "echo it").await;
    let sent = tab.sent().await;
    assert!(sent["original_image_url"].is_string(), "{sent}");
    assert_eq!(sent["original_concept_id"], Value::Null, "{sent}");
}

#[tokio::test]
async fn an_earlier_refinement_is_refined_again_from_the_list() {
    let tab = Tab::open(scripted()).await;
    let original = origin().picture(&pictures::png(50, 40));
    let task = tab.has_done(&original, "echo it").await;
    tab.go("/").await;
    tab.click("#tiles .tile-actions button").await;
    tab.reads("chosen", "The refined image").await;
    tab.has_focus_on("prompt").await;
    tab.shows_image("picture", 50).await;
    tab.is_for_everyone("refining again").await;
    tab.asks("echo it").await;
    tab.is_done().await;
    let sent = tab.sent().await;
    assert_eq!(sent["original_concept_id"], task["result_id"]);
}

#[tokio::test]
async fn a_concept_that_is_deleted_meanwhile_is_told_at_the_image() {
    let tab = Tab::open(scripted()).await;
    tab.refines(&pictures::png(40, 30), "echo it").await;
    tab.click("#again").await;
    let delete = "fetch('/api/concepts').then((a) => a.json()).then(({concepts}) => \
        fetch(`/api/concepts/${concepts[0].id}`, {method: 'DELETE'})).then((a) => a.status)";
    assert_eq!(tab.value(delete).await, 204);
    tab.asks("echo it").await;
    tab.reads("image-error", "There is no such concept.").await;
    tab.click("#remove").await;
    tab.sees("empty").await;
}

#[tokio::test]
async fn versions_open_and_any_two_are_compared() {
    let tab = Tab::open(scripted()).await;
    tab.refines(&pictures::png(90, 60), "echo it").await;
    tab.refines_again("wait 2ms").await;
    let third = tab.refines_again("wait 3ms").await;
    let (original, images) = tab.lineage(&third).await;
    assert_eq!(images.len(), 3);
    tab.counts("#strip li", 3).await;
    let words = tab
        .value("[...document.querySelectorAll('#strip li')].map((item) => item.innerText.trim())")
        .await;
    assert_eq!(words, json!(["1. echo it", "2. wait 2ms", "3. wait 3ms"]));
    let marked = "[...document.querySelectorAll('#strip a')].map((link) => link.ariaCurrent)";
    assert_eq!(tab.value(marked).await, json!([null, null, "true"]));
    // Parent and child, until others are chosen.
    assert_eq!(tab.value(PAIR).await, json!([images[1], images[2]]));
    tab.is_for_everyone("versions").await;

    for (left, right) in [(0, 3), (3, 1), (1, 2)] {
        for (id, at) in [("left", left), ("right", right)] {
            tab.run(&format!(
                "const list = document.getElementById('{id}'); list.value = {at}; \
                 list.dispatchEvent(new Event('change'))"
            ))
            .await;
        }
        let path = |at: usize| at.checked_sub(1).map_or(&original, |index| &images[index]);
        let expected = json!([path(left), path(right)]);
        tab.until(&format!(
            "JSON.stringify({PAIR}) === JSON.stringify({expected}) \
             && document.getElementById('split').checkVisibility()"
        ))
        .await;
    }
    // They are what comes back with the connection.
    let pair = tab.value(PAIR).await;
    for (urls, event) in [(json!(["*/api/images/*"]), "change"), (json!([]), "online")] {
        tab.call("Network.setBlockedURLs", json!({"urls": urls}))
            .await;
        tab.run(&format!(
            "document.getElementById('right').dispatchEvent(new Event('{event}', {{bubbles: true}}))"
        ))
        .await;
        let is_there = event == "online";
        tab.until(&format!(
            "document.getElementById('no-picture').hidden === {is_there}"
        ))
        .await;
    }
    tab.sees("split").await;
    assert_eq!(tab.value(PAIR).await, pair);
    let spoken = tab
        .value("['before', 'after'].map((id) => document.getElementById(id).alt)")
        .await;
    assert_eq!(spoken, json!(["1. echo it", "2. wait 2ms"]));

    // A version opens, and with it come those before and after it.
    tab.click("#strip li:first-child a").await;
    tab.reads("result-prompt", "echo it").await;
    tab.until(&format!("{marked}.join() === 'true,,'")).await;
    assert_eq!(tab.value(PAIR).await, json!([original, images[0]]));
    tab.run("history.back()").await;
    tab.reads("result-prompt", "wait 3ms").await;
    assert_eq!(tab.path().await, third);

    // A narrow screen scrolls the strip, and not the page.
    tab.looks((360, 740), true).await;
    tab.sees("strip").await;
    assert_eq!(tab.hidden_width().await, 0);
}

#[tokio::test]
async fn what_should_stay_is_said_and_kept() {
    let tab = Tab::open(local()).await;
    tab.uploads(&pictures::png(64, 48)).await;
    tab.click("#details summary").await;
    tab.click("#aspects [value=layout]").await;
    tab.click("#aspects [value=shapes]").await;
    tab.is_for_everyone("what should stay").await;
    tab.asks("lighter").await;
    tab.is_done().await;
    let sent = tab.sent().await;
    assert_eq!(sent["preserve_aspects"], json!(["layout", "shapes"]));
    tab.reads("facts", "layout, shapes").await;
    // The same request has them again, a new one does not.
    tab.click("#revise").await;
    let chosen = "[...document.querySelectorAll('#aspects :checked')].map((box) => box.value)";
    assert_eq!(tab.value(chosen).await, json!(["layout", "shapes"]));
    tab.click("#submit").await;
    tab.is_done().await;
    tab.click("#again").await;
    assert_eq!(tab.value(chosen).await, json!([]));
    tab.asks("lighter").await;
    tab.is_done().await;
    let sent = tab.sent().await;
    assert_eq!(sent["preserve_aspects"], Value::Null, "{sent}");
}
