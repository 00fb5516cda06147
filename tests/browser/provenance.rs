//! Where an image comes from: what marks a result bears, and whether a file was made here.

use concept_refinement_domain::image::metadata::{Reader, SourceType};
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use serde_json::{Value, json};

use crate::tab::{Tab, file_of};
use crate::world::{closed, local, narrow, scripted};

/// A picture that names its digital source type.
fn marked(source: SourceType) -> Vec<u8> {
    let bytes = pictures::png(40, 30).bytes;
    let mut reader = Reader::new();
    reader.push(&bytes);
    let metadata = reader.finish(bytes.len().try_into().unwrap());
    let mut filter = metadata.marked(source).filter();
    let mut out = Vec::new();
    filter.push(&bytes, &mut out);
    filter.finish(&mut out);
    out
}

impl Tab {
    /// Asks where a file comes from.
    async fn asks_about(&self, name: &str, bytes: &[u8]) {
        self.choose_in("#origin-file", &file_of(name, bytes)).await;
    }

    /// The names of the badges in an element.
    async fn badges(&self, id: &str) -> Value {
        self.value(&format!(
            "[...document.querySelectorAll('#{id} summary')].map((badge) => badge.textContent)"
        ))
        .await
    }
}

#[tokio::test]
async fn a_marked_result_has_a_badge_that_explains_itself() {
    let tab = Tab::open(scripted()).await;
    tab.refines(&pictures::png(40, 30), "echo it").await;
    let path = tab.path().await;
    let composite = "compositeWithTrainedAlgorithmicMedia";
    for (source, mark, badge, address) in [
        (Some(composite), "xmp", "Made with AI", composite),
        (
            Some("algorithmicallyEnhanced"),
            "xmp",
            "Edited by rules",
            "algorithmicallyEnhanced",
        ),
        (
            None,
            "c2pa",
            "Content credentials",
            "contentcredentials.org",
        ),
        (None, "none", "", ""),
        (Some("digitalCapture"), "xmp", "", ""),
        (Some("toString"), "xmp", "", ""),
    ] {
        let provenance = json!({"source": source, "mark": mark, "sha256": "", "original_had_credentials": false});
        tab.go("/").await;
        tab.run(&format!(
            "const real = window.fetch; window.fetch = async (path, options) => {{ \
             const answer = await real(path, options); \
             if (!String(path).endsWith('/lineage')) return answer; \
             const {{concepts}} = await answer.json(); \
             return Response.json({{concepts: concepts.map((one) => ({{...one, provenance: {provenance}, notes: ['told']}}))}}); }}"
        ))
        .await;
        tab.click(&format!("#tiles a[href='{path}']")).await;
        tab.is_done().await;
        tab.reads("notes", "told").await;
        let expected: Vec<&str> = [badge].into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(tab.badges("badges").await, json!(expected), "{provenance}");
        if badge.is_empty() {
            continue;
        }
        tab.click("#badges summary").await;
        tab.reads("badges", "What that means").await;
        let link = tab
            .value("document.querySelector('#badges a').href")
            .await
            .to_string();
        assert!(link.contains(address), "{link}");
        tab.is_for_everyone(badge).await;
    }
}

#[tokio::test]
async fn a_file_is_asked_about() {
    let tab = Tab::open(local()).await;
    tab.refines(&pictures::png(64, 48), "lighter").await;
    // What was made here is known by its bytes, wherever it has been.
    tab.run(
        "fetch(document.getElementById('after').src).then((answer) => answer.blob()).then((blob) => { \
         const transfer = new DataTransfer(); \
         transfer.items.add(new File([blob], 'back.png', {type: 'image/png'})); \
         document.getElementById('origin').dispatchEvent(new DragEvent('drop', \
         {dataTransfer: transfer, bubbles: true, cancelable: true})); })",
    )
    .await;
    tab.reads("origin-answer", "Made here on ").await;
    tab.reads("origin-answer", "back.png").await;

    for (source, badge) in [
        (
            SourceType::CompositeWithTrainedAlgorithmicMedia,
            "Made with AI",
        ),
        (SourceType::AlgorithmicallyEnhanced, "Edited by rules"),
    ] {
        tab.asks_about("marked.png", &marked(source)).await;
        tab.reads("origin-answer", badge).await;
        tab.reads("origin-answer", "Not made here, or changed since")
            .await;
        assert_eq!(tab.badges("origin-answer").await, json!([badge]));
    }
    tab.click("#origin-answer summary").await;
    tab.is_for_everyone("where a file comes from").await;

    tab.asks_about("plain.png", &pictures::png(40, 30).bytes)
        .await;
    tab.reads("origin-answer", "It has no mark").await;
    assert_eq!(tab.badges("origin-answer").await, json!([]));
}

#[tokio::test]
async fn a_file_that_is_no_image_is_refused_in_words() {
    let tab = Tab::open(local()).await;
    // Elsewhere on the page, what is dropped is an original.
    tab.run(
        "const transfer = new DataTransfer(); \
         transfer.items.add(new File(['words'], 'dropped.png', {type: 'image/png'})); \
         document.getElementById('origin').dispatchEvent(new DragEvent('drop', \
         {dataTransfer: transfer, bubbles: true, cancelable: true}))",
    )
    .await;
    assert!(tab.property("chosen-row", "hidden").await == true);
    tab.reads("origin-error", "not an image").await;
    tab.asks_about("notes.png", b"These are words.").await;
    tab.reads("origin-error", "not an image").await;
    tab.is_for_everyone("a refusal").await;
    // The next answer takes its place.
    tab.asks_about("plain.png", &pictures::png(40, 30).bytes)
        .await;
    tab.reads("origin-answer", "It has no mark").await;
    tab.hides("origin-error").await;

    let tab = Tab::open(narrow()).await;
    tab.asks_about("wide.png", &pictures::png(40, 30).bytes)
        .await;
    tab.reads("origin-error", "The image has more than 1000 pixels.")
        .await;
}

/// A visitor who has no token may ask too, and no credentials are sent.
#[tokio::test]
async fn nobody_has_to_sign_in_to_ask() {
    let tab = Tab::open(closed()).await;
    tab.sees("signin").await;
    tab.asks_about("plain.png", &pictures::png(40, 30).bytes)
        .await;
    tab.reads("origin-answer", "It has no mark").await;
}

#[tokio::test]
async fn where_it_is_turned_off_nobody_is_invited_to_ask() {
    let service = Launch::new().set("verify", "off").start();
    let tab = Tab::open(&service).await;
    tab.sees("compose").await;
    tab.hides("origin").await;
    let tab = Tab::open(local()).await;
    tab.sees("origin").await;
}
