//! The page is small, and comes from where it is.

use super::attend;
use crate::world::attended;

/// Of its files together, as they are served.
const MAX_BYTES: usize = 60_000;

#[tokio::test]
async fn the_operators_page_is_light_and_needs_nothing_from_elsewhere() {
    let tab = attend("/").await;
    tab.goes_to_door(attended(), "/").await;
    tab.sees("desk").await;
    let door = attended().admin().await;
    let requests = tab.events("Network.requestWillBeSent");
    let urls = requests
        .iter()
        .map(|request| request["request"]["url"].as_str().unwrap());
    // Chromium draws its own signs with addresses of data.
    let urls: Vec<&str> = urls.filter(|url| !url.starts_with("data:")).collect();
    assert!(urls.len() >= 5, "{urls:?}");
    assert!(urls.iter().all(|url| url.starts_with(&door)), "{urls:?}");

    let mut bytes = 0;
    for path in ["/", "/admin.css", "/admin.js"] {
        let length = format!(
            "fetch('{path}').then((answer) => answer.arrayBuffer()).then(({{byteLength}}) => byteLength)"
        );
        let length = tab.value(&length).await.as_u64().unwrap();
        assert!(length > 1_000, "{path}: {length}");
        bytes += usize::try_from(length).unwrap();
    }
    println!("the operator's page: {bytes} bytes");
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}
