//! Everything that a page shows comes from somebody, and none of it is to be
//! believed.

use concept_refinement_tests::pictures;
use serde_json::Value;

use crate::tab::Tab;
use crate::world::{origin, scripted};

const MARKUP: &str = r#"refuse: <img src=x onerror="window.pwned=1"><b id="pwned">bold</b>"#;

#[tokio::test]
async fn markup_is_shown_as_text() {
    let tab = Tab::open(scripted()).await;
    let original = origin().picture(&pictures::png(8, 8));
    let task = tab.has_done(&original, MARKUP).await;
    tab.opens(&task).await;
    tab.reads("prompt-error", "<b id=\"pwned\">bold</b>").await;
    tab.reads("tiles", "<b id=\"pwned\">bold</b>").await;
    assert_eq!(
        tab.value("document.getElementById('pwned')").await,
        Value::Null
    );
    assert_eq!(tab.value("window.pwned ?? null").await, Value::Null);
}

#[tokio::test]
async fn only_addresses_of_the_web_are_loaded() {
    let tab = Tab::open(scripted()).await;
    for address in [
        "javascript:window.pwned=1",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
    ] {
        tab.write("address", address).await;
        tab.asks("echo it").await;
        tab.reads("image-error", "must be an http or https URL")
            .await;
        let source = tab.property("picture", "getAttribute('src')").await;
        assert_eq!(source, Value::Null, "{address}");
    }
}

/// The policy is at work, not only sent.
#[tokio::test]
async fn inline_scripts_do_not_run() {
    let tab = Tab::open(scripted()).await;
    tab.may_complain();
    tab.run(
        "const script = document.createElement('script'); \
         script.textContent = 'window.pwned = 1'; document.body.append(script)",
    )
    .await;
    assert_eq!(tab.value("window.pwned ?? null").await, Value::Null);
    tab.until("true").await;
    assert!(
        !tab.errors().is_empty(),
        "a violation is an error to these tests"
    );
}
