//! The main job: from a picture and a prompt to before and after.

use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use serde_json::json;

use crate::tab::Tab;
use crate::world::{local, origin, scripted};

#[tokio::test]
async fn an_upload_is_refined_and_compared() {
    let tab = Tab::open(local()).await;
    tab.uploads(&pictures::png(320, 200)).await;
    tab.click("#suggestions button").await;
    let prompt = tab.value("document.getElementById('prompt').value").await;
    assert_eq!(prompt, "more minimalist");
    tab.click("#submit").await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("before").await, json!([320, 200]));
    assert_eq!(tab.natural_size("after").await, json!([320, 200]));
    assert_eq!(tab.text("result-prompt").await, "more minimalist");
    let link = tab.value("document.getElementById('download').href").await;
    let after = tab.value("document.getElementById('after').src").await;
    assert_eq!(link, after);
    assert_eq!(
        tab.text("quota").await.split(" until ").next(),
        Some("9 of 10 left")
    );
    tab.has_no_errors();
}

#[tokio::test]
async fn an_address_is_refined_with_what_is_known_of_the_image() {
    let tab = Tab::open(scripted()).await;
    tab.write("address", &origin().picture(&pictures::webp(90, 60)))
        .await;
    tab.press("Enter").await;
    tab.until("document.activeElement.id === 'prompt'").await;
    tab.until("document.getElementById('picture').naturalWidth === 90")
        .await;
    tab.click("summary").await;
    tab.write("logo", "A bean").await;
    tab.write("theme", "Brown").await;
    tab.asks("echo it").await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("after").await, json!([90, 60]));
    let facts = tab
        .value("document.getElementById('facts').innerText")
        .await;
    let facts = facts.as_str().unwrap();
    assert!(
        facts.contains("A bean") && facts.contains("Brown"),
        "{facts}"
    );
    tab.has_no_errors();
}

#[tokio::test]
async fn progress_is_seen_stage_by_stage() {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(64, 64));
    tab.write("address", &url).await;
    tab.asks("wait 1200ms").await;
    tab.sees("watching").await;
    tab.is_at("downloading").await;
    tab.until("document.getElementById('elapsed').textContent !== '0:00'")
        .await;
    gate.open();
    tab.is_at("refining").await;
    tab.until("document.getElementById('status').textContent.includes('Refining')")
        .await;
    tab.is_done().await;
    tab.until("document.getElementById('status').textContent.includes('is refined')")
        .await;
    tab.has_no_errors();
}

#[tokio::test]
async fn a_reload_in_the_middle_goes_on() {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(64, 48));
    tab.write("address", &url).await;
    tab.asks("echo it").await;
    tab.sees("watching").await;
    let path = tab.path().await;
    assert!(path.starts_with("/?task="), "{path}");
    tab.reload().await;
    tab.sees("watching").await;
    assert_eq!(tab.text("watching-prompt").await, "echo it");
    gate.open();
    tab.is_done().await;
    assert_eq!(tab.path().await, path);
    assert_eq!(tab.natural_size("after").await, json!([64, 48]));
    tab.has_no_errors();
}

/// Whoever comes when a stage has begun is told of it too.
#[tokio::test]
async fn the_stage_that_is_under_way_is_seen_after_a_reload() {
    let tab = Tab::open(scripted()).await;
    tab.uploads(&pictures::png(64, 48)).await;
    tab.asks("wait 5000ms").await;
    tab.is_at("refining").await;
    tab.reload().await;
    tab.is_at("refining").await;
    let done = tab
        .value("[...document.querySelectorAll('#steps .done')].map((step) => step.dataset.step)")
        .await;
    assert_eq!(done, json!(["waiting", "downloading"]));
    tab.is_done().await;
    tab.has_no_errors();
}

#[tokio::test]
async fn what_is_under_way_can_be_cancelled() {
    let tab = Tab::open(scripted()).await;
    let (url, _gate) = origin().gated(&pictures::png(64, 48));
    tab.write("address", &url).await;
    tab.asks("echo it").await;
    tab.sees("watching").await;
    tab.click("#cancel").await;
    tab.sees("compose").await;
    assert_eq!(tab.path().await, "/");
    // What was asked for is there to be asked for again.
    tab.write("address", &origin().picture(&pictures::png(64, 48)))
        .await;
    tab.click("#submit").await;
    tab.is_done().await;
    tab.has_no_errors();
}

#[tokio::test]
async fn a_result_is_refined_further() {
    let tab = Tab::open(scripted()).await;
    tab.uploads(&pictures::png(80, 60)).await;
    tab.asks("echo it").await;
    tab.is_done().await;
    let first = tab.path().await;
    tab.click("#again").await;
    tab.reads("chosen", "The refined image").await;
    tab.asks("wait 10ms").await;
    tab.until(&format!(
        "location.search && !{}.endsWith(location.search)",
        json!(first)
    ))
    .await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("before").await, json!([80, 60]));
    tab.has_no_errors();
}

#[tokio::test]
async fn the_slider_follows_the_pointer() {
    let tab = Tab::open(scripted()).await;
    tab.uploads(&pictures::png(400, 300)).await;
    tab.asks("echo it").await;
    tab.is_done().await;
    let frame = tab
        .value("(({x, y, width, height}) => [x, y, width, height])(document.getElementById('compare').getBoundingClientRect())")
        .await;
    let [x, y, width, height] = [0, 1, 2, 3].map(|at: usize| frame[at].as_f64().unwrap());
    tab.mouse("mousePressed", x + width / 2.0, y + height / 2.0)
        .await;
    tab.mouse("mouseMoved", x + width / 4.0, y + height / 2.0)
        .await;
    tab.mouse("mouseReleased", x + width / 4.0, y + height / 2.0)
        .await;
    let value = tab
        .value("Number(document.getElementById('split').value)")
        .await;
    let value = value.as_f64().unwrap();
    assert!((value - 25.0).abs() <= 1.0, "{value}");
    tab.has_no_errors();
}

#[tokio::test]
async fn an_original_that_cannot_be_shown_any_more_leaves_the_result() {
    let tab = Tab::open(scripted()).await;
    let url = origin().picture(&pictures::png(40, 30));
    tab.write("address", &url).await;
    tab.asks("echo it").await;
    tab.is_done().await;
    let path = url.trim_start_matches("http://").split_once('/').unwrap().1;
    origin().serve_at(&format!("/{path}"), Reply::status(404));
    tab.call("Network.setCacheDisabled", json!({"cacheDisabled": true}))
        .await;
    tab.reload().await;
    tab.reads("stage-note", "original can no longer be shown")
        .await;
    assert_eq!(tab.natural_size("after").await, json!([40, 30]));
    tab.has_no_errors();
}
