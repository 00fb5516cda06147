//! The operators' door, through HTTP: who may do what there, and what comes of it.

mod address;
mod audit;
mod described;
mod hosts;
pub mod jobs;
mod kills;
mod nonsense;
mod pushes;
mod reading;
mod slow;
mod socket;
mod story;
mod usage;

use std::sync::LazyLock;

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use serde_json::{Value, json};

use crate::shared::{origin, scripted_launch};

pub const TOKEN: &str = "a-token-of-the-operator-for-tests";
pub const READ_TOKEN: &str = "a-token-of-a-reader-for-tests-only";

/// As long as any id, and that of nothing.
const NOTHING: &str = "01a213fd-f760-7f22-a1f4-dea74c9942fe";

/// With an address for operators.
pub fn attended(launch: Launch) -> Launch {
    launch
        .set("admin-listen", "127.0.0.1:0")
        .variable("REFINEMENT_ADMIN_TOKEN", TOKEN)
        .variable("REFINEMENT_ADMIN_READ_TOKEN", READ_TOKEN)
}

/// A service that many tests share, each with users of its own.
fn shared() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| attended(scripted_launch()).start());
    &SERVICE
}

/// Who may do all.
pub async fn operator(service: &Service) -> Client {
    Client::operator(&service.admin().await, TOKEN)
}

/// Who may only read.
async fn reader(service: &Service) -> Client {
    Client::operator(&service.admin().await, READ_TOKEN)
}

/// Does something to one task, or to the queue.
pub async fn act(operator: &Client, what: &str, reason: &str) -> Answer {
    let path = format!("/admin/v1/{what}");
    operator.post(&path, &json!({ "reason": reason })).await
}

async fn delete(operator: &Client, id: &str, reason: &str) -> Answer {
    let path = format!("/admin/v1/tasks/{id}?reason={reason}");
    operator.delete(&path).await
}

/// What an answer says, which is a success.
async fn read(operator: &Client, what: &str) -> Value {
    let answer = operator.get(&format!("/admin/v1/{what}")).await;
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
    answer.json()
}

/// The metrics, by the operators' door.
async fn metrics(operator: &Client) -> Exposition {
    let answer = operator.get("/admin/v1/metrics").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    Exposition::parse(std::str::from_utf8(&answer.body).unwrap())
}

/// The tasks that a query finds, by all pages of so many.
async fn found(operator: &Client, query: &str, limit: usize) -> Vec<Value> {
    listed(operator, "tasks", &format!("tasks?{query}&"), limit).await
}

/// What a list has, by all pages of so many.
async fn listed(operator: &Client, name: &str, path: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = read(operator, &format!("{path}limit={limit}{cursor}")).await;
        let items = page[name].as_array().unwrap();
        assert!(items.len() <= limit, "{path}: {page}");
        all.extend(items.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// The job once it is over.
async fn ended(operator: &Client, id: &str) -> Value {
    eventually("a job is over", SOON, async || {
        let job = read(operator, &format!("jobs/{id}")).await;
        let number = |field: &str| job[field].as_u64().unwrap();
        let sum = number("done") + number("failed") + number("left");
        assert_eq!(sum, number("total"), "{job}");
        job["ended_at"].is_string().then_some(job)
    })
    .await
}

/// An address at which there is nothing, and where something may be put later.
fn nothing_yet() -> String {
    origin().serve(Reply::status(404))
}

/// Puts a picture where there was none.
fn put_picture(url: &str) {
    let path = url.trim_start_matches(&format!("http://{}", origin().authority()));
    let picture = concept_refinement_tests::pictures::png(8, 8);
    origin().serve_at(path, Reply::picture(&picture));
}

/// The id of a failed task, whose original may come later.
async fn failed(client: &Client) -> (String, String) {
    let url = nothing_yet();
    let id = client.accepted(&url, "echo it").await;
    let task = client.finished(&id).await;
    assert_eq!(task["status"], "failed", "{task}");
    (id, url)
}

/// The entries of the audit about something, the latest first.
async fn entries(operator: &Client, is_meant: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut entries = listed(operator, "entries", "audit?", 100).await;
    entries.retain(is_meant);
    entries
}

/// An answer other than success, in the form that all of them have.
fn assert_refused(name: &str, answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{name}: {answer:?}");
    assert_eq!(answer.error_code(), code, "{name}");
}
