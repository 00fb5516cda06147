//! Operators who do one thing after the other.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_tests::client::Client;
use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};

use super::{DELETED, KEPT, Place};

/// Between two acts, in milliseconds.
const PAUSE: std::ops::Range<u64> = 0..40;

/// How long an act may take whose host was killed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something that an operator did, or tried to do.
#[derive(Clone, Debug)]
pub struct Act {
    /// No other has it.
    pub reason: String,
    pub verb: &'static str,
    /// None: nobody knows.
    pub status: Option<u16>,
}

pub async fn act(place: Arc<Place>, number: u64, mut random: StdRng) -> Vec<Act> {
    let mut acts = Vec::new();
    while !place.is_over() {
        tokio::time::sleep(Duration::from_millis(random.random_range(PAUSE))).await;
        let operator = place.operator(&mut random);
        let reason = format!("act {} of operator {number}", acts.len());
        let acting = one(&operator, &reason, &mut random);
        let Ok(act) = tokio::time::timeout(PATIENCE, acting).await else {
            panic!("{reason}: no answer for too long");
        };
        acts.extend(act);
    }
    acts
}

async fn one(operator: &Client, reason: &str, random: &mut StdRng) -> Option<Act> {
    let of =
        |names: &[&'static str], random: &mut StdRng| names[random.random_range(0..names.len())];
    let (kept, deleted) = (of(&KEPT, random), of(&DELETED, random));
    let (verb, filter) = match random.random_range(0..100) {
        0..30 => return on_task(operator, "retry", kept, reason, random).await,
        30..45 => return on_task(operator, "cancel", kept, reason, random).await,
        45..60 => return on_task(operator, "delete", deleted, reason, random).await,
        60..68 => (
            "retry",
            json!({"user": kept, "status": "failed", "error": "luck"}),
        ),
        68..76 => {
            let status = of(&["pending", "processing"], random);
            ("cancel", json!({"user": kept, "status": status}))
        }
        76..88 => {
            let status = of(&["completed", "failed"], random);
            ("delete", json!({"user": deleted, "status": status}))
        }
        88..92 => return Some(post(operator, "pause", "queue/pause", reason).await),
        _ => return Some(post(operator, "resume", "queue/resume", reason).await),
    };
    on_all(operator, verb, filter, reason).await
}

/// On one of the newest tasks of a user.
async fn on_task(
    operator: &Client,
    verb: &'static str,
    user: &str,
    reason: &str,
    random: &mut StdRng,
) -> Option<Act> {
    let path = format!("/admin/v1/tasks?user={user}&limit=8");
    let page = operator.try_send(Method::GET, &path, "").await.ok()?;
    if page.status != 200 {
        return None;
    }
    let page = page.json();
    let tasks = page["tasks"].as_array().unwrap();
    if tasks.is_empty() {
        return None;
    }
    let id = tasks[random.random_range(0..tasks.len())]["task_id"]
        .as_str()
        .unwrap();
    Some(match verb {
        "delete" => {
            let path = format!("tasks/{id}?reason={}", reason.replace(' ', "+"));
            let body = json!({"reason": reason});
            send(operator, verb, Method::DELETE, &path, body, reason).await
        }
        verb => post(operator, verb, &format!("tasks/{id}/{verb}"), reason).await,
    })
}

/// On all that match, if as many still do.
async fn on_all(operator: &Client, verb: &'static str, filter: Value, reason: &str) -> Option<Act> {
    let body = json!({"action": verb, "filter": filter, "preview": true});
    let json = operator.with("content-type", "application/json");
    let path = "/admin/v1/tasks/actions";
    let seen = json
        .try_send(Method::POST, path, body.to_string())
        .await
        .ok()?;
    if seen.status != 200 {
        return None;
    }
    let seen = seen.json();
    let body = json!({
        "action": verb,
        "filter": seen["filter"],
        "expect": seen["count"],
        "reason": reason,
    });
    Some(send(operator, verb, Method::POST, "tasks/actions", body, reason).await)
}

async fn post(operator: &Client, verb: &'static str, path: &str, reason: &str) -> Act {
    let body = json!({"reason": reason});
    send(operator, verb, Method::POST, path, body, reason).await
}

async fn send(
    operator: &Client,
    verb: &'static str,
    method: Method,
    path: &str,
    body: Value,
    reason: &str,
) -> Act {
    let json = operator.with("content-type", "application/json");
    let path = format!("/admin/v1/{path}");
    let answer = json.try_send(method, &path, body.to_string()).await;
    let status = answer.ok().map(|answer| {
        let is_known = matches!(answer.status, 200 | 202 | 204 | 404 | 409 | 503);
        assert!(is_known, "{path}: {answer:?}");
        answer.status
    });
    Act {
        reason: reason.to_owned(),
        verb,
        // What could not be answered may have been done.
        status: status.filter(|status| *status != 503),
    }
}
