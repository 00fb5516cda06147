//! Without a pointer: every step by Tab, Enter and arrow keys, with a focus that
//! can be seen.

use concept_refinement_tests::pictures;
use serde_json::json;

use crate::tab::Tab;
use crate::world::{origin, scripted};

const SHIFT: u32 = 8;
const CONTROL: u32 = 2;

/// What has the focus, and whether that can be seen: by an outline of its own,
/// or of the label that stands for a hidden input.
const FOCUS: &str = "(() => { const element = document.activeElement; \
    const label = element.type === 'file' ? document.querySelector('.pick .button') : element; \
    const {outlineStyle, outlineWidth} = getComputedStyle(label); \
    const {width, bottom} = label.getBoundingClientRect(); \
    return [element.id || element.className || element.tagName, \
    outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && width > 1 && bottom > 0]; })()";

impl Tab {
    /// Presses Tab until an element has the focus.
    async fn tabs_to(&self, name: &str, modifiers: u32) {
        let mut way = Vec::new();
        for _ in 0..50 {
            self.press_with("Tab", modifiers).await;
            let focus = self.value(FOCUS).await;
            let (at, is_visible) = (&focus[0], &focus[1]);
            if at != "BODY" {
                assert_eq!(is_visible, true, "the focus on {at} cannot be seen");
            }
            if at == name {
                return;
            }
            way.push(at.clone());
        }
        panic!("no way to {name}: {way:?}");
    }
}

#[tokio::test]
async fn the_whole_way_by_keyboard() {
    let tab = Tab::open(scripted()).await;
    tab.tabs_to("skip", 0).await;
    tab.tabs_to("file", 0).await;
    tab.tabs_to("address", 0).await;
    tab.types(&origin().picture(&pictures::png(100, 80))).await;
    tab.press("Enter").await;
    tab.has_focus_on("prompt").await;
    tab.types("echo it").await;
    tab.tabs_to("submit", 0).await;
    tab.press("Enter").await;
    tab.is_done().await;
    tab.has_focus_on("result-title").await;

    // The slider stands before what it was refined with.
    tab.tabs_to("split", SHIFT).await;
    for (key, expected) in [
        ("ArrowLeft", 49),
        ("End", 100),
        ("Home", 0),
        ("ArrowRight", 1),
    ] {
        tab.press(key).await;
        let value = tab.property("split", "valueAsNumber").await;
        assert_eq!(value, json!(expected), "{key}");
        let shown = tab
            .property("compare", "style.getPropertyValue('--split')")
            .await;
        assert_eq!(shown, json!(format!("{expected}%")), "{key}");
    }
    let spoken = tab
        .property("split", "getAttribute('aria-valuetext')")
        .await;
    assert_eq!(spoken, "1 % before, 99 % after");

    tab.tabs_to("revise", 0).await;
    tab.press("Enter").await;
    tab.has_focus_on("prompt").await;
    tab.press_with("Enter", CONTROL).await;
    tab.is_done().await;

    tab.tabs_to("delete", 0).await;
    tab.press("Enter").await;
    tab.sees("confirm").await;
    tab.tabs_to("confirm-delete", 0).await;
    tab.press("Enter").await;
    tab.has_focus_on("compose-title").await;
}

#[tokio::test]
async fn suggestions_are_switches() {
    let tab = Tab::open(scripted()).await;
    tab.write("prompt", "sharper").await;
    tab.tabs_to("chip", 0).await;
    let pressed = "document.activeElement.getAttribute('aria-pressed')";
    for (expected, prompt) in [("true", "sharper, more minimalist"), ("false", "sharper")] {
        tab.press("Enter").await;
        assert_eq!(tab.value(pressed).await, expected);
        let value = tab.property("prompt", "value").await;
        assert_eq!(value, prompt);
    }
}
