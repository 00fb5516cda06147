//! What does not work is said in plain words, beside what caused it.

use concept_refinement_tests::pictures;
use concept_refinement_tests::server::{Gate, Reply};
use concept_refinement_tests::stand_in::openai;
use serde_json::{Value, json};

use crate::tab::{Tab, file, file_of};
use crate::world::{frugal, narrow, origin, provider, scripted, stingy, unpriced};

#[tokio::test]
async fn a_form_that_is_not_filled_in_says_what_is_missing_all_at_once() {
    let tab = Tab::open(scripted()).await;
    tab.click("#submit").await;
    tab.reads("image-error", "Choose an image, or give its address.")
        .await;
    tab.reads("prompt-error", "Say what should change.").await;
    tab.has_focus_on("file").await;
    let invalid = tab.property("prompt", "getAttribute('aria-invalid')").await;
    assert_eq!(invalid, "true");
    tab.is_for_everyone("422").await;
    // It is taken back where it no longer holds.
    tab.write("prompt", "echo it").await;
    tab.hides("prompt-error").await;
}

#[tokio::test]
async fn an_address_that_cannot_be_used_says_so_beside_it() {
    let tab = Tab::open(scripted()).await;
    tab.write("address", "http://127.0.0.1:1/a.png").await;
    tab.asks("echo it").await;
    tab.reads("image-error", "The image must be on the public internet.")
        .await;
    tab.has_focus_on("address").await;
}

/// Who asks for another refinement while one is under way: the first one's path, and what
/// holds it back.
async fn asked_for_two() -> (Tab, String, Gate) {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(50, 50));
    tab.begins(&url, "echo it").await;
    let path = tab.path().await;
    tab.click(".brand").await;
    tab.sees("compose").await;
    tab.write("address", &origin().picture(&pictures::png(8, 8)))
        .await;
    tab.asks("wait 5ms").await;
    tab.reads("form-error", "Another refinement is under way: “echo it”")
        .await;
    (tab, path, gate)
}

#[tokio::test]
async fn one_at_a_time_offers_to_watch_what_is_under_way() {
    let (tab, first, gate) = asked_for_two().await;
    tab.is_for_everyone("409").await;
    tab.click("#form-error-action").await;
    tab.sees("watching").await;
    assert_eq!(tab.path().await, first);
    tab.is_for_everyone("progress").await;
    gate.open();
    tab.is_done().await;
    assert_eq!(tab.natural_size("after").await, json!([50, 50]));
}

#[tokio::test]
async fn what_is_in_the_way_leaves_when_it_has_ended() {
    let (tab, _, gate) = asked_for_two().await;
    tab.has_focus_on("form-error-action").await;
    gate.open();
    tab.hides("form-error").await;
    tab.reads("status", "The other refinement has ended.").await;
    tab.has_focus_on("submit").await;
    tab.press("Enter").await;
    tab.is_done().await;
    assert_eq!(tab.natural_size("after").await, json!([8, 8]));
}

#[tokio::test]
async fn a_spent_quota_says_when_it_goes_on() {
    let tab = Tab::open(stingy()).await;
    tab.refines(&pictures::png(8, 8), "echo it").await;
    tab.reads("quota", "0 of 1 refinement left, resets ").await;
    tab.click("#revise").await;
    tab.sees("compose").await;
    tab.click("#submit").await;
    tab.reads(
        "form-error",
        "You have used the one refinement that you have for now.",
    )
    .await;
    tab.reads("form-error", "You can refine again ").await;
    // This browser runs on the machine of the service.
    tab.reads(
        "form-error",
        "The setting REFINEMENT_RATE_LIMIT allows more",
    )
    .await;
    tab.is_for_everyone("429").await;
    // The service is asked for it.
    tab.reload().await;
    tab.reads("quota", "0 of 1 refinement left, resets ").await;
}

#[tokio::test]
async fn a_spent_budget_says_when_it_goes_on() {
    let tab = Tab::open(frugal()).await;
    let picture = pictures::png(8, 8);
    let prompt = provider().prompt([openai::answer(&picture)]);
    tab.reads(
        "quota",
        "10 of 10 refinements left, 0.10 of 0.10 USD left, resets ",
    )
    .await;
    tab.refines(&picture, &prompt).await;
    tab.reads(
        "quota",
        "9 of 10 refinements left, 0.04 of 0.10 USD left, resets ",
    )
    .await;
    tab.click("#revise").await;
    tab.sees("compose").await;
    tab.click("#submit").await;
    tab.reads(
        "form-error",
        "Budget exceeded for /concepts/refine (0.10 USD/month). It starts again on ",
    )
    .await;
    tab.is_for_everyone("budget").await;
    tab.reload().await;
    tab.reads(
        "quota",
        "9 of 10 refinements left, 0.04 of 0.10 USD left, resets ",
    )
    .await;
}

#[tokio::test]
async fn calls_of_unknown_price_are_told_in_words() {
    let tab = Tab::open(unpriced()).await;
    tab.sees("compose").await;
    let picture = pictures::png(8, 8);
    let prompt = provider().prompt([openai::answer(&picture)]);
    tab.refines(&picture, &prompt).await;
    tab.reads("quota", "1 call of unknown price, resets ").await;
}

/// The log has the reason, which is for the operator.
#[tokio::test]
async fn a_model_that_cannot_be_used_is_told_in_words_for_everyone() {
    let tab = Tab::open(scripted()).await;
    tab.uploads(&pictures::png(8, 8)).await;
    for reason in [
        "the provider refused the key",
        "the provider answered 429: You exceeded your current quota, please check your plan",
    ] {
        tab.asks(&format!("refuse: {reason}")).await;
        tab.reads("form-error", "This service cannot refine at the moment.")
            .await;
        let told = tab.text("form-error-text").await;
        assert_eq!(
            told, "This service cannot refine at the moment.",
            "{reason}"
        );
        tab.reads("compose-lede", "What you asked for is still here.")
            .await;
        tab.hides("prompt-error").await;
    }
    tab.is_for_everyone("a model that cannot be used").await;
}

#[tokio::test]
async fn a_refusal_of_the_model_stands_beside_the_prompt() {
    let tab = Tab::open(scripted()).await;
    tab.uploads(&pictures::png(8, 8)).await;
    tab.asks("refuse: no logos are made here").await;
    tab.reads(
        "prompt-error",
        "The image could not be refined: no logos are made here.",
    )
    .await;
    tab.reads("compose-title", "That did not work").await;
    tab.reads("compose-lede", "Fix the problem and try again.")
        .await;
    tab.is_for_everyone("failed").await;
    // A reload says the same, and what was asked for is there.
    tab.reload().await;
    tab.reads("prompt-error", "no logos are made here").await;
    tab.shows_image("picture", 8).await;
    tab.asks("echo it").await;
    tab.is_done().await;
}

/// A model may say all that it understands.
#[tokio::test]
async fn a_long_reason_does_not_push_the_form_down() {
    let tab = Tab::open(scripted()).await;
    tab.uploads(&pictures::png(8, 8)).await;
    let all = "lighter and darker ".repeat(20);
    tab.asks(&format!(
        "refuse: no word of this is known; known are {all}"
    ))
    .await;
    tab.reads("prompt-error", "no word of this is known.").await;
    let is_seen = "document.querySelector('#prompt-error details p').checkVisibility({contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true}) && document.querySelector('#prompt-error details').open";
    assert_eq!(tab.value(is_seen).await, false);
    let height = "document.getElementById('prompt-error').offsetHeight";
    let folded = tab.value(height).await.as_f64().unwrap();
    assert!(folded < 150.0, "{folded}");
    tab.is_for_everyone("failed at length").await;
    tab.click("#prompt-error summary").await;
    tab.until(is_seen).await;
    tab.reads("prompt-error", "Known are lighter and darker ")
        .await;
}

#[tokio::test]
async fn an_original_that_cannot_be_had_stands_beside_the_image() {
    let tab = Tab::open(scripted()).await;
    tab.write("address", &origin().serve(Reply::status(404)))
        .await;
    tab.asks("echo it").await;
    tab.reads("image-error", "The original could not be downloaded: ")
        .await;
    tab.reads("image-error", "404").await;
    tab.sees("address").await;
}

#[tokio::test]
async fn an_image_with_too_many_pixels_is_not_sent() {
    let tab = Tab::open(narrow()).await;
    tab.reads("file-hint", "up to 1 MiB and 1000 pixels.").await;
    tab.choose(&file(&pictures::png(40, 30))).await;
    tab.reads("image-error", "The image has more than 1000 pixels.")
        .await;
    tab.sees("empty").await;
    assert_eq!(uploads(&tab), 0);
    tab.uploads(&pictures::png(40, 25)).await;
}

/// How many were sent.
fn uploads(tab: &Tab) -> usize {
    let requests = tab.events("Network.requestWillBeSent");
    let is_upload = |sent: &Value| {
        let url = sent["request"]["url"].as_str().unwrap();
        sent["request"]["method"] == "POST" && url.ends_with("/api/images")
    };
    requests.iter().filter(|sent| is_upload(sent)).count()
}

#[tokio::test]
async fn an_upload_that_is_refused_says_why_below_it() {
    let tab = Tab::open(scripted()).await;
    let large = [pictures::png(8, 8).bytes, vec![0; 3 << 20]].concat();
    let whole = pictures::png(8, 8).bytes;
    let cases = [
        ("text.png", b"This is no image.".to_vec(), "PNG, JPEG, WebP"),
        ("half.png", whole[..whole.len() / 2].to_vec(), "image"),
    ];
    for (name, bytes, words) in cases {
        tab.choose(&file_of(name, &bytes)).await;
        tab.reads("image-error", words).await;
        tab.sees("empty").await;
    }
    let sent = uploads(&tab);
    assert_eq!(sent, 2);
    // What the page knows to be refused is not sent.
    let svg = b"<?xml version='1.0'?>\n<!-- a drawing --><svg width='8'/>";
    let cases = [
        ("large.png", large, "The image is larger than 1 MiB."),
        (
            "photo.png",
            b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf".to_vec(),
            "AVIF images are not supported; use PNG, JPEG, WebP or GIF.",
        ),
        (
            "photo.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(),
            "HEIC images are not supported; use PNG, JPEG, WebP or GIF.",
        ),
        (
            "drawing.svg",
            svg.to_vec(),
            "SVG images are not supported; use PNG, JPEG, WebP or GIF.",
        ),
    ];
    for (name, bytes, words) in cases {
        tab.choose(&file_of(name, &bytes)).await;
        tab.reads("image-error", words).await;
        tab.sees("empty").await;
    }
    tab.is_for_everyone("an image that cannot be used").await;
    assert_eq!(uploads(&tab), sent);
    tab.uploads(&pictures::png(9, 9)).await;
    tab.hides("image-error").await;
}
