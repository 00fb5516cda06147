//! The page that shows the description of the API.

use std::path::PathBuf;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures;
use concept_refinement_tests::platform::new_name;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Service;
use concept_refinement_tests::tokens::token;
use serde_json::{Value, json};

use crate::tab::{PHONE, Tab};
use crate::world::{attended, local, origin};

async fn open(service: &Service, place: &str) -> Tab {
    let tab = Tab::blank(service).await;
    let url = format!("{}/docs{place}", service.url());
    tab.call("Page.navigate", json!({"url": url})).await;
    tab.until("document.querySelector('.operation')").await;
    tab
}

#[tokio::test]
async fn the_docs_show_every_operation_and_are_for_everyone() {
    let tab = open(local(), "").await;
    let described = "fetch('/openapi.json').then((a) => a.json()).then(({paths}) => \
        Object.values(paths).flatMap((item) => Object.keys(item)).length)";
    let shown = tab.value("document.querySelectorAll('.operation').length");
    assert_eq!(shown.await, tab.value(described).await);
    tab.is_for_everyone("the docs").await;
    tab.run("for (const part of document.querySelectorAll('details')) part.open = true")
        .await;
    tab.until("document.querySelectorAll('form.try').length === document.querySelectorAll('.operation').length")
        .await;
    tab.is_for_everyone("the docs, all open").await;
}

/// Nothing comes from elsewhere: the page works without a network.
#[tokio::test]
async fn the_docs_need_nothing_from_elsewhere() {
    let tab = open(local(), "").await;
    let requests = tab.events("Network.requestWillBeSent");
    assert!(requests.len() >= 5, "{requests:?}");
    for request in requests {
        let url = request["request"]["url"].as_str().unwrap();
        assert!(url.starts_with(local().url()), "{url}");
    }
}

#[tokio::test]
async fn requests_can_be_tried_by_keyboard_and_on_a_phone() {
    let tab = open(local(), "#refine_concept").await;
    tab.looks(PHONE, true).await;
    tab.click("#anonymous").await;
    tab.reads("who-state", "You are the anonymous user").await;
    tab.run("document.querySelector('#refine_concept form').requestSubmit()")
        .await;
    tab.until(&outcome("refine_concept", "202")).await;
    let answered =
        "[...document.querySelectorAll('#refine_concept form > div pre')].pop().textContent";
    tab.until(&format!("{answered}.includes('task_id')")).await;
    let task_id = tab.value(&format!("JSON.parse({answered}).task_id")).await;

    // Its events, until the stream ends.
    tab.run("document.querySelector('#watch_task > summary').focus()")
        .await;
    tab.press("Enter").await;
    tab.until("document.querySelector('#watch_task form')")
        .await;
    tab.write("watch_task-task_id", task_id.as_str().unwrap())
        .await;
    tab.press("Enter").await;
    tab.until(&outcome("watch_task", "200")).await;
    tab.until(
        "[...document.querySelectorAll('#watch_task form > div pre')].pop().textContent.includes('event: task')",
    )
    .await;
    assert_eq!(tab.hidden_width().await, Value::from(0));
}

/// The code that is shown for each request is what sends it, with a token that it never names.
#[tokio::test]
async fn a_request_can_be_copied_as_code_that_sends_it() {
    let tab = open(attended(), "#refine_concept").await;
    tab.until("document.querySelector('#refine_concept form')")
        .await;
    let prompt = "it's \"brown\"\nand `$HOME` \\ über";
    let user = token(&new_name());
    tab.run(&format!(
        "document.getElementById('token').value = {user:?}"
    ))
    .await;
    tab.run("document.getElementById('token-form').requestSubmit()")
        .await;
    let original = origin().picture(&pictures::png(8, 8));
    for (language, program, file) in [
        ("curl", "bash".into(), "ask.sh"),
        ("TypeScript", "node".into(), "ask.mjs"),
        ("Python", artifacts::client_python_tool("python"), "ask.py"),
    ] {
        let body = json!({"original_image_url": original, "refinement_prompt": prompt}).to_string();
        let area = "document.getElementById('refine_concept-body')";
        tab.run(&format!("{area}.value = {body:?}")).await;
        let choose = format!(
            "const code = document.querySelector('#refine_concept .code'); code.open = true; \
             const choice = code.querySelector('select'); choice.value = {language:?}; \
             choice.dispatchEvent(new Event('input', {{ bubbles: true }}))"
        );
        tab.run(&format!("{{ {choose} }}")).await;
        let code = "document.querySelector('#refine_concept .code pre').textContent";
        tab.until(&format!("{code}.includes('/api/concepts/refine')"))
            .await;
        let code = tab.value(code).await;
        let code = code.as_str().unwrap();
        assert!(!code.contains(&user), "{code}");
        let place = scratch("copied").join(file);
        std::fs::write(&place, code).unwrap();
        let mut command = Command::new::<PathBuf>(program);
        let token = token(&new_name());
        let output = command.arg(&place).env("TOKEN", token).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{language}: {output:?}\n{code}");
        assert!(
            said.contains("Concept refinement task created"),
            "{language}: {said}"
        );
        assert!(said.contains("über"), "{language}: {said}");
    }
    // Each operation has code in each language.
    for parts in [".operation", ".code"] {
        let open =
            format!("for (const part of document.querySelectorAll('{parts}')) part.open = true");
        tab.run(&open).await;
        tab.until("document.querySelectorAll('.code').length === document.querySelectorAll('.operation').length")
            .await;
    }
    let all = "[...document.querySelectorAll('.code pre')].filter((code) => code.textContent)";
    tab.until(&format!(
        "{all}.length === document.querySelectorAll('.operation').length"
    ))
    .await;
}

/// The answer that an operation's form shows.
fn outcome(operation: &str, status: &str) -> String {
    format!(
        "document.querySelector('#{operation} form .outcome').textContent.startsWith('{status}')"
    )
}
