//! Code of a client that sends no header of its own, in a browser that holds the session's
//! cookie; and a page of another site that tries to use the cookie.

use std::path::Path;

use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use crate::tab::Tab;
use crate::world::{origin, scripted};

const OUR_CLIENT: &str = include_str!("client.js");
const OTHER_SITES_PAGE: &str = include_str!("elsewhere.html");

impl Tab {
    /// What a script answers that has these functions.
    async fn with(&self, functions: &str, script: &str) -> Value {
        self.value(&format!("(async () => {{ {functions}\n{script} }})()"))
            .await
    }
}

/// With our own functions, and where the project's seed is at hand (it is not
/// part of the project) with those that it shows to clients, unchanged.
#[tokio::test]
async fn a_client_completes_a_cycle_by_the_cookie() {
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
    let tab = Tab::open(scripted()).await;
    tab.may_complain();
    let ask = format!(
        "const ask = (url) => refineConceptWithPrompt(url, 'echo it', 'A bean', null); \
         const original = {};",
        json!(original)
    );
    let functions = format!("{client}\n{ask}");
    let begun = "return [await ask(original), await ask(original)];";
    let begun = tab.with(&functions, begun).await;
    let (first, second) = (&begun[0], &begun[1]);
    assert_eq!(first["status"], "pending", "{begun}");
    assert_eq!(second["task_id"], first["task_id"]);
    let message = "A concept refinement task is already in progress";
    assert_eq!(second["message"], message, "a 409 is the existing task");

    gate.open();
    let rest = format!(
        "const polls = []; \
         const last = await pollTaskUntilComplete({}, (task) => polls.push(task.status)); \
         const picture = new Image(); \
         picture.src = last.image_url; \
         await picture.decode(); \
         const refusal = await ask('nowhere').catch((error) => error.message); \
         const image = [picture.naturalWidth, picture.naturalHeight]; \
         return {{last, polls, refusal, image, cookies: document.cookie}};",
        first["task_id"]
    );
    let report = tab.with(&functions, &rest).await;
    assert_eq!(report["last"]["task_id"], first["task_id"]);
    assert_eq!(report["last"]["status"], "completed", "{report}");
    assert!(!report["polls"].as_array().unwrap().is_empty(), "{report}");
    assert_eq!(report["image"], json!([120, 80]), "{report}");
    assert!(
        report["refusal"].as_str().unwrap().ends_with('.'),
        "{report}"
    );
    assert_eq!(report["cookies"], "", "no script reads the session");
}

/// The visitor has a session, and then goes elsewhere.
#[tokio::test]
async fn the_page_of_another_site_creates_nothing() {
    let tab = Tab::open(scripted()).await;
    tab.may_complain();
    let service = scripted().url();
    let page = OTHER_SITES_PAGE.replace("TARGET", service);
    let elsewhere = origin().serve(Reply::ok("text/html; charset=utf-8", page.as_bytes()));
    tab.call("Page.navigate", json!({"url": elsewhere})).await;
    tab.until("window.tried === 3").await;

    // What an answer says is not for that page, so that only the network tells of it.
    let attacks = tab.events("Network.requestWillBeSent");
    let is_attack = |sent: &&Value| {
        let url = sent["request"]["url"].as_str().unwrap_or_default();
        sent["request"]["method"] == "POST" && !url.ends_with("/api/auth/session")
    };
    let attacks: Vec<_> = attacks.iter().filter(is_attack).collect();
    assert_eq!(attacks.len(), 3, "{attacks:?}");
    let (sent, answered) = (
        tab.events("Network.requestWillBeSentExtraInfo"),
        tab.events("Network.responseReceivedExtraInfo"),
    );
    for attack in attacks {
        let url = attack["request"]["url"].as_str().unwrap();
        assert!(url.starts_with(service), "{url}");
        let of = |events: &[Value]| {
            let mut events = events.iter();
            let event = events.find(|event| event["requestId"] == attack["requestId"]);
            event
                .unwrap_or_else(|| panic!("{url}: nothing is known of it"))
                .clone()
        };
        let headers = of(&sent)["headers"].clone();
        let mut names = headers.as_object().unwrap().keys();
        assert!(
            names.any(|name| name.eq_ignore_ascii_case("cookie")),
            "{headers}"
        );
        assert_eq!(of(&answered)["statusCode"], 403, "{url}");
    }
    tab.go("/").await;
    let tasks = tab.value("fetch('/api/tasks').then((it) => it.json())");
    assert_eq!(tasks.await["tasks"], json!([]));
}
