//! Acts on all tasks that a filter matches.

use std::collections::BTreeSet;

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    assert_refused, attended, ended, entries, failed, found, nothing_yet, operator, put_picture,
    read,
};
use crate::shared::{new_name, origin, scripted_launch};

/// More than a job does in one step.
const MANY: usize = 120;

async fn preview(operator: &Client, action: &str, filter: &Value) -> Value {
    let body = json!({"action": action, "filter": filter, "preview": true});
    let answer = operator.post("/admin/v1/tasks/actions", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn start(operator: &Client, action: &str, seen: &Value, expect: u64) -> Answer {
    let body = json!({
        "action": action,
        "filter": seen["filter"],
        "expect": expect,
        "reason": format!("to {action} them"),
    });
    operator.post("/admin/v1/tasks/actions", &body).await
}

/// The job that does this to all that match.
async fn done(operator: &Client, action: &str, filter: &Value) -> Value {
    let seen = preview(operator, action, filter).await;
    let started = start(operator, action, &seen, seen["count"].as_u64().unwrap()).await;
    assert_eq!(started.status, 202, "{started:?}");
    let job = started.json();
    assert_eq!(job["total"], seen["count"], "{job}");
    assert_eq!(job["filter"], seen["filter"], "{job}");
    ended(operator, job["id"].as_str().unwrap()).await
}

#[tokio::test]
async fn a_job_does_what_was_agreed_to() {
    let service = attended(scripted_launch()).start();
    let operator = operator(&service).await;
    let user = Client::user(service.url(), &new_name());
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(failed(&user).await.0);
    }
    let filter = json!({"status": "failed"});
    let seen = preview(&operator, "delete", &filter).await;
    assert_eq!(seen["count"], 3, "{seen}");
    assert_eq!(seen["filter"]["status"], "failed");
    let until = seen["filter"]["until"].as_str().unwrap();
    assert!(until.ends_with('Z'), "{seen}");
    // Of a preview that looks further ahead, and of one that ends earlier.
    let later = preview(
        &operator,
        "delete",
        &json!({"until": "2126-01-01T00:00:00Z"}),
    )
    .await;
    let until_now = later["filter"]["until"].as_str().unwrap();
    assert!(until_now < "2126", "{later}");
    let second = user.task(&ids[1]).await["created_at"].clone();
    let earlier = preview(&operator, "delete", &json!({"until": second})).await;
    assert_eq!(
        (&earlier["count"], &earlier["filter"]["until"]),
        (&json!(1), &second)
    );

    // What is new is not among them, and what is gone is missed.
    let (new, _) = failed(&user).await;
    for expect in [0, 2, 4] {
        let answer = start(&operator, "delete", &seen, expect).await;
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(answer.json()["count"], 3, "{answer:?}");
        assert_eq!(answer.json()["error_code"], "CONFLICT", "{answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.contains('3') && detail.contains(&expect.to_string()),
            "{detail}"
        );
    }
    user.delete(&format!("/api/tasks/{}", ids[0])).await;
    let answer = start(&operator, "delete", &seen, 3).await;
    assert_eq!(answer.status, 409, "one is gone: {answer:?}");
    assert_eq!(answer.json()["count"], 2, "{answer:?}");
    assert!(
        answer.json()["detail"].as_str().unwrap().contains('2'),
        "{answer:?}"
    );
    assert!(
        entries(&operator, |_| true).await.is_empty(),
        "nothing was done"
    );
    for id in &ids[1..] {
        assert_eq!(user.task(id).await["status"], "failed");
    }

    let started = start(&operator, "delete", &seen, 2).await;
    assert_eq!(started.status, 202, "{started:?}");
    let job = ended(&operator, started.json()["id"].as_str().unwrap()).await;
    for (field, expected) in [("done", 2), ("failed", 0), ("left", 0), ("total", 2)] {
        assert_eq!(job[field], expected, "{job}");
    }
    let left = found(&operator, "status=failed", 100).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["task_id"], *new);
    let entries = entries(&operator, |_| true).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(
        (&entries[0]["action"], &entries[0]["count"]),
        (&json!("delete"), &json!(2))
    );
    let target: Value = serde_json::from_str(entries[0]["target"].as_str().unwrap()).unwrap();
    assert_eq!(target["status"], "failed", "{target}");
    // Once more the same, whatever is expected.
    for expect in [2, 0] {
        let again = start(&operator, "delete", &seen, expect).await;
        assert_eq!(again.status, 202, "{again:?}");
        assert_eq!(again.json(), job);
    }
    assert_eq!(super::entries(&operator, |_| true).await.len(), 1);
    // And where there is nothing.
    let nothing = done(&operator, "delete", &json!({"status": "pending"})).await;
    assert_eq!(
        (&nothing["total"], &nothing["done"]),
        (&json!(0), &json!(0))
    );
    assert!(service.stop().status.success());
}

/// More than one step of the job does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_tasks_is_done_once() {
    let service = attended(scripted_launch())
        .set("max-backlog", "1000")
        .start();
    let operator = operator(&service).await;
    super::act(&operator, "queue/pause", "to have some").await;
    let picture = origin().picture(&pictures::png(8, 8));
    let users: Vec<_> = (0..MANY)
        .map(|_| Client::user(service.url(), &new_name()))
        .collect();
    let submitted = users.iter().map(|user| user.accepted(&picture, "instant"));
    join_all(submitted).await;

    let job = done(&operator, "cancel", &json!({"status": "pending"})).await;
    assert_eq!(
        (&job["done"], &job["failed"]),
        (&json!(MANY), &json!(0)),
        "{job}"
    );
    let cancelled = found(&operator, "error=Cancelled+by+the+operator.", 100).await;
    assert_eq!(cancelled.len(), MANY);
    let queue = read(&operator, "queue").await;
    assert_eq!(
        (&queue["pending"], &queue["paused"]),
        (&json!(0), &json!(true)),
        "{queue}"
    );

    // Nobody wants them any more.
    let job = done(&operator, "retry", &json!({"status": "failed"})).await;
    assert_eq!(job["done"], 0, "{job}");
    assert_eq!(job["obstacles"], json!({"cancelled": MANY}), "{job}");

    super::act(&operator, "queue/resume", "to have some that fail").await;
    let nothing = nothing_yet();
    let submitted = users.iter().map(async |user| {
        let id = user.accepted(&nothing, "instant").await;
        assert_eq!(user.finished(&id).await["status"], "failed");
        id
    });
    let ids: BTreeSet<String> = join_all(submitted).await.into_iter().collect();
    super::act(&operator, "queue/pause", "to look at them").await;
    let job = done(&operator, "retry", &json!({"status": "failed"})).await;
    assert_eq!(
        (&job["done"], &job["failed"]),
        (&json!(MANY), &json!(MANY)),
        "{job}"
    );
    assert_eq!(job["obstacles"], json!({"not-newest": MANY}), "{job}");
    let pending = found(&operator, "status=pending", 100).await;
    let retried = pending
        .iter()
        .map(|task| task["retry_of"].as_str().unwrap().to_owned());
    assert_eq!(retried.collect::<BTreeSet<_>>(), ids);
    // They cannot be retried while they are.
    let job = done(&operator, "retry", &json!({"status": "failed"})).await;
    assert_eq!(job["done"], 0, "{job}");
    let obstacles = json!({"active": MANY, "not-newest": MANY});
    assert_eq!(job["obstacles"], obstacles, "{job}");

    put_picture(&nothing);
    super::act(&operator, "queue/resume", "to do them").await;
    let finished = users.iter().zip(&pending).map(|(user, _)| async move {
        let newest = user.get("/api/tasks?limit=1").await.json();
        user.finished(newest["tasks"][0]["task_id"].as_str().unwrap())
            .await
    });
    for task in join_all(finished).await {
        assert_eq!(task["status"], "completed", "{task}");
    }
    let job = done(&operator, "delete", &json!({})).await;
    assert_eq!(job["done"], 3 * MANY, "{job}");
    assert!(found(&operator, "", 100).await.is_empty());
    let audit = entries(&operator, |entry| entry["target"] != "queue").await;
    let counts: Vec<_> = audit.iter().map(|entry| entry["count"].as_u64()).collect();
    let many = u64::try_from(MANY).unwrap();
    let expected = [3 * many, 2 * many, 2 * many, many, many];
    assert_eq!(counts, expected.map(Some));
    assert!(service.stop().status.success());
}

/// As a runbook says, by everybody who reads it.
#[tokio::test]
async fn who_repeats_a_retry_pays_once() {
    let service = attended(scripted_launch()).start();
    let operator = operator(&service).await;
    let user = Client::user(service.url(), &new_name());
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
    user.refined(&origin().picture(&pictures::png(8, 8)), "echo it")
        .await;
    user.delete(&format!("/api/tasks/{first}")).await;
    let (other, _) = failed(&user).await;
    user.refined(&origin().picture(&pictures::png(8, 8)), "echo it")
        .await;
    let job = done(&operator, "retry", &filter).await;
    assert_eq!(job["obstacles"], json!({"superseded": 1}), "{job}");
    let all = found(&operator, "", 100).await;
    let retries = all.iter().filter(|task| !task["retry_of"].is_null());
    assert_eq!(retries.count(), 1);
    assert!(all.iter().any(|task| task["task_id"] == *other));
    assert!(service.stop().status.success());
}

/// A user has one task at a time.
#[tokio::test]
async fn of_each_user_the_newest_is_retried() {
    let service = attended(scripted_launch()).start();
    let operator = operator(&service).await;
    let users: Vec<_> = (0..3)
        .map(|_| Client::user(service.url(), &new_name()))
        .collect();
    let mut newest = BTreeSet::new();
    for user in &users {
        for round in 0..3 {
            let (id, url) = failed(user).await;
            if round == 2 {
                put_picture(&url);
                newest.insert(id);
            }
        }
    }
    // One of them has something else under way.
    let busy = Client::user(service.url(), &new_name());
    failed(&busy).await;
    let (slow, gate) = origin().gated(&pictures::png(8, 8));
    let active = busy.accepted(&slow, "echo it").await;
    let job = done(&operator, "retry", &json!({"status": "failed"})).await;
    assert_eq!(
        (&job["done"], &job["failed"]),
        (&json!(3), &json!(7)),
        "{job}"
    );
    gate.open();
    busy.finished(&active).await;
    let all = found(&operator, "", 100).await;
    let retried = all.iter().filter_map(|task| task["retry_of"].as_str());
    assert_eq!(retried.map(str::to_owned).collect::<BTreeSet<_>>(), newest);
    for user in &users {
        let task = user.get("/api/tasks?limit=1").await.json();
        let id = task["tasks"][0]["task_id"].as_str().unwrap();
        assert_eq!(user.finished(id).await["status"], "completed");
    }
    assert!(service.stop().status.success());
}
