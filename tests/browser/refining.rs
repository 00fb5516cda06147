//! The main job: from a picture and a prompt to before and after.

use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use serde_json::json;

use crate::tab::{DESK, PHONE, Tab, file_of};
use crate::world::{local, origin, scripted, unpriced};

const LINK: &str = "document.getElementById('download').href";

#[tokio::test]
async fn an_upload_is_refined_and_compared() {
    let tab = Tab::open(local()).await;
    tab.uploads(&pictures::png(320, 200)).await;
    tab.click("#suggestions button").await;
    let prompt = tab.property("prompt", "value").await;
    assert_eq!(prompt, "more minimalist");
    tab.click("#submit").await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("before").await, json!([320, 200]));
    assert_eq!(tab.natural_size("after").await, json!([320, 200]));
    assert_eq!(tab.text("result-prompt").await, "more minimalist");
    let link = tab.value(LINK).await;
    let after = tab.property("after", "src").await;
    let named = format!("{}&download=picture-refined", after.as_str().unwrap());
    assert_eq!(link, json!(named));
    tab.reads("quota", "9 of 10 refinements left, resets ")
        .await;
}

#[tokio::test]
async fn an_address_is_refined_with_what_is_known_of_the_image() {
    let tab = Tab::open(scripted()).await;
    tab.write("address", &origin().picture(&pictures::webp(90, 60)))
        .await;
    tab.press("Enter").await;
    tab.has_focus_on("prompt").await;
    tab.shows_image("picture", 90).await;
    tab.click("#details summary").await;
    tab.write("logo", "A bean").await;
    tab.write("theme", "Brown").await;
    tab.asks("echo it").await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("after").await, json!([90, 60]));
    let facts = tab.property("facts", "innerText").await;
    let facts = facts.as_str().unwrap();
    assert!(
        facts.contains("A bean") && facts.contains("Brown"),
        "{facts}"
    );
}

/// After the file or the address that was given, also after a reload and for what is made of
/// the result.
#[tokio::test]
async fn a_download_is_named_after_its_original() {
    let tab = Tab::open(scripted()).await;
    let saved_as = async |name: &str| {
        let named =
            format!("fetch({LINK}).then((answer) => answer.headers.get('Content-Disposition'))");
        let expected = format!("attachment; filename=\"{name}\"");
        assert_eq!(tab.value(&named).await, json!(expected));
    };
    let logo = file_of("My logo.v2.png", &pictures::png(40, 30).bytes);
    tab.choose(&logo).await;
    tab.reads("status", "The image is uploaded.").await;
    tab.asks("echo it").await;
    tab.is_done().await;
    saved_as("My logo.v2-refined.png").await;
    tab.reload().await;
    tab.is_done().await;
    saved_as("My logo.v2-refined.png").await;
    tab.refines_again("wait 5ms").await;
    saved_as("My logo.v2-refined.png").await;

    for (path, name) in [
        ("/pictures/a%20lake.jpg", "a lake-refined.webp"),
        ("/pictures/", "refined.webp"),
    ] {
        let reply = Reply::picture(&pictures::webp(9, 6));
        let task = tab
            .has_done(&origin().serve_at(path, reply), "echo it")
            .await;
        tab.opens(&task).await;
        tab.is_done().await;
        saved_as(name).await;
    }
}

#[tokio::test]
async fn progress_is_seen_stage_by_stage() {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(64, 64));
    tab.begins(&url, "wait 1200ms").await;
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
}

#[tokio::test]
async fn a_reload_in_the_middle_goes_on() {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(64, 48));
    tab.begins(&url, "echo it").await;
    let path = tab.path().await;
    assert!(path.starts_with("/?task="), "{path}");
    tab.reload().await;
    tab.sees("watching").await;
    assert_eq!(tab.text("watching-prompt").await, "echo it");
    gate.open();
    tab.is_done().await;
    assert_eq!(tab.path().await, path);
    assert_eq!(tab.natural_size("after").await, json!([64, 48]));
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
}

#[tokio::test]
async fn what_is_under_way_can_be_cancelled() {
    let tab = Tab::open(scripted()).await;
    let (url, _gate) = origin().gated(&pictures::png(64, 48));
    tab.begins(&url, "echo it").await;
    let task = tab.path().await;
    tab.reads("watching", "Either way it counts against your quota.")
        .await;
    tab.click("#cancel").await;
    tab.reads("compose-title", "Cancelled").await;
    tab.has_focus_on("compose-title").await;
    // It is kept.
    assert_eq!(tab.path().await, task);
    tab.reads("tiles", "Cancelled").await;
    let kept = "fetch('/api/tasks').then((a) => a.json()).then(({tasks}) => \
        tasks.map(({status, error_message}) => [status, error_message]))";
    assert_eq!(
        tab.value(kept).await,
        json!([["failed", "Cancelled by its user."]])
    );
    tab.is_for_everyone("cancelled").await;
    // What was asked for is there to be asked for again.
    tab.write("address", &origin().picture(&pictures::png(64, 48)))
        .await;
    tab.click("#submit").await;
    tab.is_done().await;
}

#[tokio::test]
async fn what_is_under_way_can_be_deleted() {
    let tab = Tab::open(scripted()).await;
    let (url, _gate) = origin().gated(&pictures::png(64, 48));
    tab.begins(&url, "echo it").await;
    tab.click("#forget").await;
    tab.reads("confirm-text", "It still counts against your quota.")
        .await;
    tab.press("Escape").await;
    tab.until("!document.getElementById('confirm').open").await;
    tab.sees("watching").await;
    tab.click("#forget").await;
    tab.sees("confirm").await;
    tab.click("#confirm-delete").await;
    tab.sees("compose").await;
    assert_eq!(tab.path().await, "/");
    let left = "fetch('/api/tasks').then((a) => a.json()).then(({tasks}) => tasks.length)";
    assert_eq!(tab.value(left).await, json!(0));
    tab.hides("history").await;
    tab.reads("quota", "999 of 1000 refinements left").await;
}

#[tokio::test]
async fn who_has_no_quota_is_told_of_none() {
    let tab = Tab::open(unpriced()).await;
    tab.run("document.getElementById('confirm').showModal()")
        .await;
    tab.until(
        "document.getElementById('confirm-text').innerText.trim() \
         === 'It is removed for good, with its images.'",
    )
    .await;
}

/// What ends while it is being cancelled is shown as it ended.
#[tokio::test]
async fn what_has_ended_is_not_cancelled() {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(64, 48));
    // Its end is not heard of at once, and the request comes too late.
    let urls = json!({"urls": ["*/events"]});
    tab.call("Network.setBlockedURLs", urls).await;
    tab.begins(&url, "echo it").await;
    tab.run(
        "const real = window.fetch; window.fetch = async (path, options) => { \
         if (path.endsWith('/cancel')) { \
         window.isLate = true; let task = {}; \
         while (!task.completed_at) \
         task = await (await real(path.replace('/cancel', ''))).json(); } \
         return real(path, options); }",
    )
    .await;
    tab.click("#cancel").await;
    tab.until("window.isLate").await;
    gate.open();
    tab.is_done().await;
}

#[tokio::test]
async fn an_address_needs_no_scheme() {
    let tab = Tab::open(scripted()).await;
    for (typed, expected) in [
        ("example.com/a.png", "https://example.com/a.png"),
        (" example.com:8080/a.png ", "https://example.com:8080/a.png"),
        ("//example.com/a.png", "https://example.com/a.png"),
        ("http://example.com/a.png", "http://example.com/a.png"),
        ("ftp://example.com/a.png", "ftp://example.com/a.png"),
        ("a cup of coffee", "a cup of coffee"),
    ] {
        tab.write("address", typed).await;
        tab.press("Enter").await;
        let address = tab.property("address", "value").await;
        assert_eq!(address, expected, "{typed}");
        tab.sees("chosen-row").await;
        tab.click("#remove").await;
    }
}

#[tokio::test]
async fn a_sample_is_tried_by_one_click() {
    let tab = Tab::open(local()).await;
    tab.until(
        "[...document.querySelectorAll('#samples img')].every((image) => image.naturalWidth > 0)",
    )
    .await;
    tab.click("#samples button:nth-of-type(1)").await;
    tab.reads("status", "The image is uploaded.").await;
    let prompt = "document.getElementById('prompt').value";
    assert_eq!(
        tab.value(prompt).await,
        "more minimalist, lighter shades of brown"
    );
    // Words that came with a sample go with it, one's own stay.
    tab.click("#remove").await;
    tab.click("#samples button:nth-of-type(3)").await;
    tab.until(&format!("{prompt} === 'replace the blue with green'"))
        .await;
    tab.write("prompt", "a bit warmer").await;
    tab.click("#remove").await;
    tab.click("#samples button:nth-of-type(2)").await;
    tab.reads("chosen", "sample-lake.webp").await;
    tab.has_focus_on("prompt").await;
    assert_eq!(tab.value(prompt).await, "a bit warmer");
    tab.click("#submit").await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("after").await, json!([960, 720]));
}

#[tokio::test]
async fn the_slider_is_as_wide_as_the_picture() {
    let tab = Tab::open(scripted()).await;
    for (width, height) in [(300, 900), (900, 300), (40, 40)] {
        tab.go("/").await;
        tab.refines(&pictures::png(width, height), "echo it").await;
        for size in [DESK, PHONE] {
            tab.looks(size, false).await;
            let apart = "['left', 'right'].map((side) => Math.abs( \
                document.getElementById('split').getBoundingClientRect()[side] \
                - document.getElementById('compare').getBoundingClientRect()[side]))";
            let apart = tab.value(apart).await;
            for side in [0, 1] {
                assert!(apart[side].as_f64().unwrap() < 1.0, "{size:?}: {apart}");
            }
        }
        tab.looks(DESK, false).await;
    }
}

/// A model that answers at once takes no time that can be told.
#[tokio::test]
async fn how_long_it_took_is_told_as_people_say_it() {
    let tab = Tab::open(scripted()).await;
    let original = origin().picture(&pictures::png(8, 8));
    let task = tab.has_done(&original, "instant").await;
    let took = "Date.parse(task.completed_at) - Date.parse(task.created_at)";
    let took = tab.value(&format!("((task) => {took})({task})")).await;
    tab.opens(&task).await;
    tab.is_done().await;
    let facts = tab.text("facts").await;
    match took.as_f64().unwrap() < 100.0 {
        true => assert!(facts.contains("under 0.1 s"), "{facts}"),
        false => assert!(facts.ends_with(" s"), "{facts}"),
    }
}

#[tokio::test]
async fn the_slider_follows_the_pointer() {
    let tab = Tab::open(scripted()).await;
    tab.refines(&pictures::png(400, 300), "echo it").await;
    let [x, y, width, height] = tab.place("compare").await;
    tab.mouse("mousePressed", x + width / 2.0, y + height / 2.0)
        .await;
    tab.mouse("mouseMoved", x + width / 4.0, y + height / 2.0)
        .await;
    tab.mouse("mouseReleased", x + width / 4.0, y + height / 2.0)
        .await;
    let value = tab.property("split", "valueAsNumber").await;
    let value = value.as_f64().unwrap();
    assert!((value - 25.0).abs() <= 1.0, "{value}");
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
}
