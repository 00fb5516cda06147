//! What the page weighs, and what it costs to come again.

use serde_json::Value;

use crate::tab::Tab;
use crate::world::scripted;

/// Of a first visit over the wire, heads included.
const MAX_BYTES: f64 = 165_000.0;

/// The page's own files that were asked for: their statuses and bytes.
fn files(tab: &Tab) -> Vec<(u64, f64)> {
    let finished = tab.events("Network.loadingFinished");
    let answers = tab.events("Network.responseReceived");
    let is_file = |url: &str| !url.contains("/api/");
    let files = answers
        .iter()
        .filter(|answer| is_file(answer["response"]["url"].as_str().unwrap()));
    let size = |id: &Value| {
        let finished = finished.iter().find(|end| end["requestId"] == *id);
        finished.and_then(|end| end["encodedDataLength"].as_f64())
    };
    files
        .filter_map(|answer| {
            let status = answer["response"]["status"].as_u64()?;
            Some((status, size(&answer["requestId"])?))
        })
        .collect()
}

#[tokio::test]
async fn the_page_is_light() {
    let tab = Tab::open(scripted()).await;
    let first = files(&tab);
    assert!(first.len() > 20, "{first:?}");
    assert!(first.iter().all(|(status, _)| *status == 200), "{first:?}");
    let bytes: f64 = first.iter().map(|(_, bytes)| bytes).sum();
    println!("a first visit: {} files, {bytes} bytes", first.len());
    assert!(bytes > 10_000.0 && bytes <= MAX_BYTES, "{bytes} bytes");

    // Nothing comes twice.
    tab.go("/").await;
    let again: f64 = files(&tab)[first.len()..]
        .iter()
        .map(|(_, bytes)| bytes)
        .sum();
    println!("the next one: {again} bytes");
    assert!(again < bytes / 5.0, "{again} of {bytes} bytes");
}
