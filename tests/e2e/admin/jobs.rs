//! Acts on all tasks that a filter matches.

use std::collections::BTreeSet;

use concept_refinement_tests::client::{Answer, Client};
use futures::future::join_all;
use serde_json::{Value, json};

use super::{assert_refused, attended, ended, failed, found, operator, put_picture};
use crate::shared::{new_user, picture_url, scripted_launch};

pub async fn preview(operator: &Client, action: &str, filter: &Value) -> Value {
    let body = json!({"action": action, "filter": filter, "preview": true});
    let answer = operator.post("/admin/v1/tasks/actions", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

pub async fn start(operator: &Client, action: &str, seen: &Value, expect: u64) -> Answer {
    let body = json!({
        "action": action,
        "filter": seen["filter"],
        "expect": expect,
        "reason": format!("to {action} them"),
    });
    operator.post("/admin/v1/tasks/actions", &body).await
}

/// The job that does this to all that match.
pub async fn done(operator: &Client, action: &str, filter: &Value) -> Value {
    let seen = preview(operator, action, filter).await;
    let started = start(operator, action, &seen, seen["count"].as_u64().unwrap()).await;
    assert_eq!(started.status, 202, "{started:?}");
    let job = started.json();
    assert_eq!(job["total"], seen["count"], "{job}");
    assert_eq!(job["filter"], seen["filter"], "{job}");
    ended(operator, job["id"].as_str().unwrap()).await
}

/// As a runbook says, by everybody who reads it.
#[tokio::test]
async fn who_repeats_a_retry_pays_once() {
    let service = attended(scripted_launch()).start();
    let operator = operator(&service).await;
    let user = new_user(&service);
    let (first, url) = failed(&user).await;
    put_picture(&url);
    let filter = json!({"status": "failed"});
    let seen = preview(&operator, "retry", &filter).await;
    // The same request, many times at once.
    let started = join_all((0..8).map(|_| start(&operator, "retry", &seen, 1))).await;
    let ids: BTreeSet<_> = started
        .iter()
        .map(|answer| answer.json()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{started:?}");
    let job = ended(&operator, started[0].json()["id"].as_str().unwrap()).await;
    assert_eq!((&job["done"], &job["failed"]), (&json!(1), &json!(0)));
    let newest = user.get("/api/tasks?limit=1").await.json();
    let second = newest["tasks"][0]["task_id"].as_str().unwrap().to_owned();
    assert_eq!(user.finished(&second).await["status"], "completed");

    // The same command, and what it was done to by its id.
    let job = done(&operator, "retry", &filter).await;
    assert_eq!((&job["done"], &job["failed"]), (&json!(0), &json!(1)));
    assert_eq!(job["obstacles"], json!({"retried": 1}), "{job}");
    let answer = super::act(&operator, &format!("tasks/{first}/retry"), "again").await;
    assert_refused("done already", &answer, 409, "CONFLICT");
    // Without its retry, its user still has what was asked for later.
    user.refined(&picture_url(), "echo it").await;
    user.delete(&format!("/api/tasks/{first}")).await;
    let (other, _) = failed(&user).await;
    user.refined(&picture_url(), "echo it").await;
    let job = done(&operator, "retry", &filter).await;
    assert_eq!(job["obstacles"], json!({"superseded": 1}), "{job}");
    let all = found(&operator, "", 100).await;
    let retries = all.iter().filter(|task| !task["retry_of"].is_null());
    assert_eq!(retries.count(), 1);
    assert!(all.iter().any(|task| task["task_id"] == *other));
    assert!(service.stop().status.success());
}
