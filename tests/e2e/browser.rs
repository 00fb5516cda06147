//! A real browser that holds the session cookie, as the page of a client has it.

mod chromium;
mod site;

use std::path::Path;

use concept_refinement_tests::pictures;
use serde_json::Value;

use crate::shared::{local, origin};
use chromium::Browser;
use site::Site;

const OUR_CLIENT: &str = include_str!("browser/client.js");
const PAGE: &str = include_str!("browser/page.html");
const OTHER_SITES_PAGE: &str = include_str!("browser/elsewhere.html");

/// With our own functions, and where the project's seed is at hand (it is not
/// part of the project) with those that it shows to clients, unchanged.
#[tokio::test]
async fn a_page_completes_a_cycle_by_its_cookie() {
    let seed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/seeds/refinement-endpoints.md");
    let seed = std::fs::read_to_string(seed).ok();
    let seed = seed.map(|text| javascript_of(&text));
    let clients = [Some(OUR_CLIENT.to_owned()), seed].into_iter().flatten();
    for client in clients {
        completes_a_cycle(&client).await;
    }
}

/// The first block of JavaScript in a Markdown document.
fn javascript_of(markdown: &str) -> String {
    let (_, rest) = markdown.split_once("```javascript\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

async fn completes_a_cycle(client: &str) {
    let (original, gate) = origin().gated(&pictures::png(120, 80));
    let page = PAGE
        .replace("CLIENT", client)
        .replace("ORIGINAL", &original);
    let site = Site::start(local().url(), page);
    let browser = Browser::open(&site.url("/page"));
    let report = browser.watch(async {
        // The page says so once it holds a task twice over.
        site.message("/started").await;
        gate.open();
        site.message("/result").await
    });
    let report = report.await;

    assert_eq!(report["problem"], Value::Null, "{report}");
    assert_eq!(report["first"]["status"], "pending", "{report}");
    assert_eq!(report["second"]["task_id"], report["first"]["task_id"]);
    let message = "A concept refinement task is already in progress";
    assert_eq!(
        report["second"]["message"], message,
        "a 409 is the existing task"
    );
    assert_eq!(report["last"]["task_id"], report["first"]["task_id"]);
    assert_eq!(report["last"]["status"], "completed", "{report}");
    assert_eq!(report["image"], serde_json::json!([120, 80]), "{report}");
    assert!(
        report["refusal"].as_str().unwrap().ends_with('.'),
        "{report}"
    );
    assert_eq!(report["cookies"], "", "no script reads the session");

    let polls = report["polls"].as_array().unwrap();
    assert!(polls.len() >= 2, "{report}");
    for request in site.requests("/api/concepts/") {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
        assert!(request.headers.contains_key("cookie"), "{request:?}");
    }
}

#[tokio::test]
async fn the_page_of_another_site_creates_nothing() {
    let page = PAGE.replace("CLIENT", OUR_CLIENT);
    let site = Site::start(local().url(), page);
    let elsewhere = OTHER_SITES_PAGE.replace("TARGET", &site.url(""));
    let elsewhere = Site::start(local().url(), elsewhere);
    // The visitor has a session, and then goes elsewhere.
    let visit = format!("{}?then={}", site.url("/page"), elsewhere.url("/page"));
    let browser = Browser::open(&visit);
    let report = browser.watch(elsewhere.message("/result")).await;
    assert_eq!(report["tried"], 3, "{report}");

    let attacks = site.requests("/api/");
    let attacks: Vec<_> = attacks
        .iter()
        .filter(|request| {
            request
                .headers
                .get("sec-fetch-site")
                .is_some_and(|from| from == "same-site")
        })
        .collect();
    assert_eq!(attacks.len(), 3, "{attacks:?}");
    for attack in &attacks {
        assert!(attack.headers.contains_key("cookie"), "{attack:?}");
        assert_eq!(attack.status, 403, "{attack:?}");
    }
}
