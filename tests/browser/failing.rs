//! What does not work is said in plain words, beside what caused it.

use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use serde_json::json;

use crate::tab::{Tab, file_of};
use crate::world::{local, origin, scripted, stingy};

#[tokio::test]
async fn a_form_that_is_not_filled_in_says_what_is_missing_all_at_once() {
    let tab = Tab::open(scripted()).await;
    tab.click("#submit").await;
    tab.reads("image-error", "Choose an image, or give its address.")
        .await;
    tab.reads("prompt-error", "This must be at least 5 characters.")
        .await;
    tab.until("document.activeElement.id === 'file'").await;
    let invalid = tab
        .value("document.getElementById('prompt').getAttribute('aria-invalid')")
        .await;
    assert_eq!(invalid, "true");
    tab.is_for_everyone("422").await;
    // It is taken back where it no longer holds.
    tab.write("prompt", "echo it").await;
    tab.until("document.getElementById('prompt-error').hidden")
        .await;
    tab.has_no_errors();
}

#[tokio::test]
async fn an_address_that_cannot_be_used_says_so_beside_it() {
    let tab = Tab::open(scripted()).await;
    tab.write("address", "http://127.0.0.1:1/a.png").await;
    tab.asks("echo it").await;
    tab.reads("image-error", "must point to a public address")
        .await;
    tab.until("document.activeElement.id === 'address'").await;
    tab.has_no_errors();
}

#[tokio::test]
async fn one_at_a_time_offers_to_watch_what_is_under_way() {
    let tab = Tab::open(scripted()).await;
    let (url, gate) = origin().gated(&pictures::png(50, 50));
    tab.write("address", &url).await;
    tab.asks("echo it").await;
    tab.sees("watching").await;
    let first = tab.path().await;
    tab.click(".brand").await;
    tab.sees("compose").await;
    tab.write("address", &origin().picture(&pictures::png(8, 8)))
        .await;
    tab.asks("wait 5ms").await;
    tab.reads("form-error", "Another refinement is under way: “echo it”")
        .await;
    tab.is_for_everyone("409").await;
    tab.click("#form-error-action").await;
    tab.sees("watching").await;
    assert_eq!(tab.path().await, first);
    tab.is_for_everyone("progress").await;
    gate.open();
    tab.is_done().await;
    assert_eq!(tab.natural_size("after").await, json!([50, 50]));
    tab.has_no_errors();
}

#[tokio::test]
async fn a_spent_quota_says_when_it_goes_on() {
    let tab = Tab::open(stingy()).await;
    tab.uploads(&pictures::png(8, 8)).await;
    tab.asks("echo it").await;
    tab.is_done().await;
    tab.reads("quota", "0 of 1 left until ").await;
    tab.click("#revise").await;
    tab.sees("compose").await;
    tab.click("#submit").await;
    tab.reads(
        "form-error",
        "You have used the one refinement that you have for now.",
    )
    .await;
    tab.reads("form-error", "You can refine again ").await;
    tab.is_for_everyone("429").await;
    // It is remembered.
    tab.reload().await;
    tab.reads("quota", "0 of 1 left until ").await;
    tab.has_no_errors();
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
    tab.is_for_everyone("failed").await;
    // A reload says the same, and what was asked for is there.
    tab.reload().await;
    tab.reads("prompt-error", "no logos are made here").await;
    tab.until("document.getElementById('picture').naturalWidth === 8")
        .await;
    tab.asks("echo it").await;
    tab.is_done().await;
    tab.has_no_errors();
}

/// The local model says all that it understands.
#[tokio::test]
async fn a_long_reason_does_not_push_the_form_down() {
    let tab = Tab::open(local()).await;
    tab.uploads(&pictures::png(8, 8)).await;
    tab.asks("qwertz uiop").await;
    tab.reads(
        "prompt-error",
        "found no word in the prompt that it can act on.",
    )
    .await;
    let is_seen = "document.querySelector('#prompt-error details p').checkVisibility({contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true}) && document.querySelector('#prompt-error details').open";
    assert_eq!(tab.value(is_seen).await, false);
    let height = "document.getElementById('prompt-error').offsetHeight";
    let folded = tab.value(height).await.as_f64().unwrap();
    assert!(folded < 150.0, "{folded}");
    tab.is_for_everyone("failed at length").await;
    tab.click("#prompt-error summary").await;
    tab.until(is_seen).await;
    tab.reads("prompt-error", "It understands ").await;
    tab.has_no_errors();
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
    tab.has_no_errors();
}

#[tokio::test]
async fn an_upload_that_is_refused_says_why_below_it() {
    let tab = Tab::open(scripted()).await;
    let large = [pictures::png(8, 8).bytes, vec![0; 3 << 20]].concat();
    let whole = pictures::png(8, 8).bytes;
    let cases = [
        ("large.png", large, "larger than 1 MiB"),
        ("text.png", b"This is no image.".to_vec(), "PNG, JPEG, WebP"),
        ("half.png", whole[..whole.len() / 2].to_vec(), "image"),
    ];
    for (name, bytes, words) in cases {
        tab.choose(&file_of(name, &bytes)).await;
        tab.reads("image-error", words).await;
        tab.sees("empty").await;
    }
    tab.uploads(&pictures::png(9, 9)).await;
    tab.until("document.getElementById('image-error').hidden")
        .await;
    tab.has_no_errors();
}
