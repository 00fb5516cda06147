//! Who may only read sees how things go, and nothing that a user wrote or made.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::receiver::{Receiver, nobody};
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use super::jobs::{preview, start};
use super::{attended, ended, operator, read, reader};
use crate::shared::{origin, scripted_launch};

/// In everything that the user says.
const MARK: &str = "zebra";

const USER: &str = "a user who is watched";

/// The task once its webhook was attempted, or its user asked for none.
async fn settled(operator: &Client, id: &str) -> Value {
    eventually("its webhook was attempted", SOON, async || {
        let task = read(operator, &format!("tasks/{id}")).await;
        let attempts = task["webhook"]["attempts"].as_array()?;
        (!attempts.is_empty()).then_some(task)
    })
    .await
}

#[tokio::test]
async fn nothing_of_users_is_shown_to_who_may_only_read() {
    let receiver = Receiver::start();
    let nobody = nobody();
    let allowed = format!(
        "{},{}",
        receiver.authority(),
        nobody.trim_start_matches("http://").trim_end_matches('/')
    );
    let launch = attended(scripted_launch()).set("allow-webhooks", &allowed);
    let service = launch.start();
    let user = Client::user(service.url(), USER);
    let (operator, reader) = (operator(&service).await, reader(&service).await);
    let hook = receiver.hook([Reply::status(500), Reply::ok("text/plain", MARK.as_bytes())]);
    let picture = origin().serve_at(
        &format!("/{MARK}.png"),
        Reply::picture(&pictures::png(8, 8)),
    );
    let gone = origin().serve_at(&format!("/{MARK}-gone.png"), Reply::status(404));
    let elsewhere = origin().serve_at(
        &format!("/{MARK}-moved.png"),
        Reply::redirect(302, &format!("http://10.0.0.1/{MARK}.png")),
    );
    let text = origin().serve_at(
        &format!("/{MARK}.txt"),
        Reply::ok("text/plain", format!("<{MARK}>").as_bytes()),
    );
    let mut ids = Vec::new();
    let printed = format!("print: {MARK}");
    let unknown = format!("a {MARK} that no model knows");
    let nowhere = format!("http://{MARK}.invalid/{MARK}");
    let asked = [
        (&picture, &printed),
        (&picture, &unknown),
        (&gone, &printed),
        (&elsewhere, &printed),
        (&text, &printed),
        (&nowhere, &printed),
    ];
    for (number, (url, prompt)) in asked.into_iter().enumerate() {
        let webhook = match number {
            1 => format!("{nobody}{MARK}"),
            _ => format!("{hook}?{MARK}{number}"),
        };
        let more = json!({
            "logo_description": format!("a logo with a {MARK}"),
            "theme_description": format!("{MARK} everywhere"),
            "webhook_url": webhook,
        });
        let id = user.accepted_with(url, prompt, &more).await;
        user.finished(&id).await;
        ids.push(id);
    }
    for id in &ids {
        settled(&operator, id).await;
    }
    // Somebody acts on them.
    let retried = super::act(&operator, &format!("tasks/{}/retry", ids[2]), "again").await;
    // It ends before they are counted.
    settled(&operator, &retried.task_id()).await;
    let filter = json!({"user": USER, "status": "failed"});
    let seen = preview(&operator, "delete", &filter).await;
    let count = seen["count"].as_u64().unwrap();
    assert!(count > 2, "{seen}");
    let job = start(&operator, "cancel", &seen, count).await;
    assert_eq!(job.status, 202, "{job:?}");
    let job = job.json()["id"].as_str().unwrap().to_owned();
    ended(&operator, &job).await;

    let mut paths = vec![
        "tasks".to_owned(),
        "tasks?status=failed".into(),
        "tasks?error=Failed".into(),
        format!("tasks?user={}", USER.replace(' ', "+")),
        "audit".into(),
        "usage?group=user".into(),
        "queue".into(),
        format!("jobs/{job}"),
    ];
    paths.extend(ids.iter().map(|id| format!("tasks/{id}")));
    for path in &paths {
        let answer = reader.get(&format!("/admin/v1/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let told = String::from_utf8_lossy(&answer.body).to_lowercase();
        assert!(!told.contains(MARK), "{path}: {told}");
        assert!(!told.contains("/api/images/"), "{path}: {told}");
    }
    for id in &ids {
        let path = format!("tasks/{id}");
        let (all, seen) = (read(&operator, &path).await, read(&reader, &path).await);
        assert!(all["metadata"]["refinement_prompt"].is_string(), "{all}");
        let mut webhook = all["webhook"].clone();
        let url = webhook["url"].take();
        assert!(url.as_str().unwrap().contains(MARK), "{all}");
        for (field, value) in seen.as_object().unwrap() {
            let expected = match field.as_str() {
                "metadata" | "image_url" => &Value::Null,
                "webhook" => &webhook,
                field => &all[field],
            };
            assert_eq!(value, expected, "{field}");
        }
    }
    // What is hidden is there for who may act, and the image can be read.
    let done = read(&operator, &format!("tasks/{}", ids[0])).await;
    let image = done["image_url"].as_str().unwrap();
    let image = Client::new(service.url()).get(image).await;
    assert_eq!(image.body, marked(&pictures::png(8, 8)));
}
