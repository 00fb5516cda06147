//! How it looks: in the dark, on a phone, and ways in that only a person has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use serde_json::json;

use crate::tab::{DESK, PHONE, Tab, file};
use crate::world::{local, origin, scripted};

/// The relative luminance of a colour of the page (WCAG 2.2).
const LUMINANCE: &str = "((property) => { \
    const [r, g, b] = getComputedStyle(document.documentElement)[property].match(/[\\d.]+/g) \
    .map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4); \
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; })";

#[tokio::test]
async fn it_is_dark_where_the_visitor_wants_it_dark() {
    let tab = Tab::open(scripted()).await;
    let mut grounds = Vec::new();
    for is_dark in [false, true] {
        tab.looks(DESK, is_dark).await;
        let of = async |property: &str| {
            let luminance = tab.value(&format!("{LUMINANCE}('{property}')")).await;
            luminance.as_f64().unwrap()
        };
        let (ground, letters) = (of("backgroundColor").await, of("color").await);
        let contrast = (ground.max(letters) + 0.05) / (ground.min(letters) + 0.05);
        assert!(contrast >= 7.0, "dark: {is_dark}: {contrast}");
        grounds.push(ground);
    }
    assert!(grounds[0] > 0.8 && grounds[1] < 0.05, "{grounds:?}");
}

#[tokio::test]
async fn the_form_is_for_everyone_empty_and_filled_in() {
    let tab = Tab::open(local()).await;
    tab.is_for_everyone("empty").await;
    tab.uploads(&pictures::png(300, 100)).await;
    tab.click("#details summary").await;
    tab.write(
        "prompt",
        &"a very long word: Donaudampfschifffahrtsgesellschaft ".repeat(8),
    )
    .await;
    tab.is_for_everyone("filled in").await;
}

#[tokio::test]
async fn an_upload_under_way_is_for_everyone() {
    let tab = Tab::open(scripted()).await;
    // It gets no further than this browser.
    let held = json!({"patterns": [{"urlPattern": "*/api/images"}]});
    tab.call("Fetch.enable", held).await;
    tab.choose(&file(&pictures::png(60, 40))).await;
    tab.sees("uploading").await;
    tab.is_for_everyone("uploading").await;
    // Asked for too early, it is sent when the image is there.
    tab.asks("echo it").await;
    tab.until("document.getElementById('submit').ariaDisabled === 'true'")
        .await;
    let paused = async || tab.events("Fetch.requestPaused").pop();
    let paused = eventually("the upload is held", SOON, paused).await;
    let request = json!({"requestId": paused["requestId"]});
    tab.call("Fetch.continueRequest", request).await;
    tab.is_done().await;
}

/// The rules are at work.
#[tokio::test]
async fn what_not_everyone_can_use_is_found() {
    let tab = Tab::open(scripted()).await;
    tab.may_complain();
    for (fault, rule) in [
        (
            "prompt.placeholder = ''; prompt.labels[0].remove()",
            "label",
        ),
        (
            "document.querySelector('.lede').style.color = '#aaa'",
            "color-contrast",
        ),
        (
            "document.getElementById('picture').hidden = false; \
          document.getElementById('picture').removeAttribute('alt')",
            "image-alt",
        ),
    ] {
        tab.run(&format!(
            "const prompt = document.getElementById('prompt'); {fault}"
        ))
        .await;
        let found = tab.violations().await;
        let found = found.as_array().unwrap();
        assert!(found.iter().any(|one| one[0] == rule), "{rule}: {found:?}");
    }
}

/// By touch, from the image to the result.
#[tokio::test]
async fn a_phone_will_do() {
    let tab = Tab::blank(scripted()).await;
    tab.looks(PHONE, true).await;
    tab.go("/").await;
    tab.refines(&pictures::png(500, 900), "echo it").await;
    let [top, bottom] = ["top", "bottom"]
        .map(|side| format!("document.getElementById('compare').getBoundingClientRect().{side}"));
    // The image first: all of it is on the screen.
    tab.until(&format!("{top} >= 0 && {bottom} <= innerHeight"))
        .await;
    for id in ["download", "again", "revise", "delete", "split"] {
        let height = tab
            .value(&format!(
                "document.getElementById('{id}').getBoundingClientRect().height"
            ))
            .await;
        assert!(
            height.as_f64().unwrap() >= 24.0,
            "{id} is too small for a finger"
        );
    }
    assert_eq!(tab.hidden_width().await, 0);
}

#[tokio::test]
async fn earlier_refinements_stand_two_in_a_row_on_a_phone() {
    let tab = Tab::open(scripted()).await;
    let original = origin().picture(&pictures::png(8, 8));
    for _ in 0..3 {
        tab.has_done(&original, "echo it").await;
    }
    tab.go("/").await;
    tab.counts("#tiles li", 3).await;
    let rows = "JSON.stringify([...document.querySelectorAll('#tiles li')]\
        .map((tile) => document.querySelector('#tiles li').offsetTop === tile.offsetTop))";
    for width in [320, 390, 480] {
        tab.looks((width, 844), false).await;
        assert_eq!(tab.value(rows).await, "[true,true,false]", "{width}");
        assert_eq!(tab.hidden_width().await, 0, "{width}");
    }
}

#[tokio::test]
async fn an_image_is_pasted_or_dropped() {
    let tab = Tab::open(scripted()).await;
    let bytes = STANDARD.encode(pictures::png(33, 22).bytes);
    for (event, transfer) in [("paste", "clipboardData"), ("drop", "dataTransfer")] {
        tab.run(&format!(
            "const bytes = Uint8Array.from(atob('{bytes}'), (c) => c.charCodeAt(0)); \
             const transfer = new DataTransfer(); \
             transfer.items.add(new File([bytes], '{event}.png', {{type: 'image/png'}})); \
             document.body.dispatchEvent(new {}('{event}', {{{transfer}: transfer, bubbles: true, cancelable: true}}))",
            if event == "paste" { "ClipboardEvent" } else { "DragEvent" },
        ))
        .await;
        tab.reads("chosen", &format!("{event}.png")).await;
        tab.shows_image("picture", 33).await;
        tab.reads("status", "The image is uploaded.").await;
    }
    tab.click("#remove").await;
    tab.sees("empty").await;
    // What was uploaded and then not used is not kept.
    let uploads = async || {
        let answers = tab.events("Network.responseReceived");
        let statuses = answers.iter().map(|answer| &answer["response"]);
        let of_images = statuses.filter(|answer| {
            let url = answer["url"].as_str().unwrap();
            url.contains("/api/images/uploads/") && answer["status"] == 204
        });
        (of_images.count() == 2).then_some(())
    };
    eventually("both uploads are deleted", SOON, uploads).await;
    // An address that is pasted beside the fields is one of an image.
    tab.run(
        "document.activeElement.blur(); const transfer = new DataTransfer(); \
         transfer.setData('text/plain', 'https://example.com/a.png'); \
         document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true}))",
    )
    .await;
    let address = tab.property("address", "value").await;
    assert_eq!(address, "https://example.com/a.png");
}
