//! What becomes of a task that an operator retries, cancels or deletes, as its user, its
//! receiver and its story tell.

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::receiver::Receiver;
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use super::{act, attended, nothing_yet, operator, put_picture, read};
use crate::shared::{busy, new_user, picture_url, scripted_launch};

/// The steps of a task, without those that come in between by chance.
fn kinds(task: &Value) -> Vec<String> {
    let steps = task["steps"].as_array().unwrap();
    assert!(steps.len() <= 64, "{task}");
    let times: Vec<_> = steps
        .iter()
        .map(|step| step["at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let kinds = steps.iter().map(|step| step["step"].as_str().unwrap());
    kinds.map(str::to_owned).collect()
}

fn detail<'a>(task: &'a Value, kind: &str) -> &'a str {
    let mut steps = task["steps"].as_array().unwrap().iter();
    let step = steps.find(|step| step["step"] == kind);
    step.unwrap_or_else(|| panic!("no {kind}: {task}"))["detail"]
        .as_str()
        .unwrap()
}

/// What a receiver was told of a task, once it was told.
async fn told(receiver: &Receiver, hook: &str, id: &str) -> Value {
    let id = format!("msg_{id}");
    eventually("the receiver is told", SOON, async || {
        let deliveries = receiver.deliveries(hook);
        let mut deliveries = deliveries.iter();
        let delivery = deliveries.find(|told| told.header("webhook-id") == Some(&id))?;
        Some(delivery.json())
    })
    .await
}

#[tokio::test]
async fn a_failed_task_is_retried_and_its_receiver_told() {
    let receiver = Receiver::start();
    let launch = attended(scripted_launch())
        .set("rate-limit", "2/month")
        .set("allow-webhooks", &receiver.authority());
    let service = launch.start();
    let operator = operator(&service).await;
    let user = new_user(&service);
    let hook = receiver.hook([Reply::status(200)]);
    let url = nothing_yet();
    let to_hook = json!({"webhook_url": hook});
    let first = user.accepted_with(&url, "echo it", &to_hook).await;
    let failed = user.finished(&first).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    let end = told(&receiver, &hook, &first).await;
    assert_eq!(
        (&end["type"], end.get("retry_of")),
        (&json!("task.failed"), None)
    );
    let left = user.quota_left().await;

    put_picture(&url);
    let retried = act(
        &operator,
        &format!("tasks/{first}/retry"),
        "the image is there",
    )
    .await;
    assert_eq!(retried.status, 200, "{retried:?}");
    let retried = retried.json();
    let second = retried["task_id"].as_str().unwrap();
    assert_ne!(second, first);
    assert_eq!(retried["retry_of"], first.as_str(), "{retried}");
    assert_eq!(
        retried["user_id"],
        read(&operator, &format!("tasks/{first}")).await["user_id"]
    );
    assert_eq!(retried["metadata"], failed["metadata"]);
    assert_eq!(retried["webhook"]["url"], hook.as_str());
    let done = user.finished(second).await;
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(user.quota_left().await, left, "it was counted");

    // Its receiver is told of the second one's end, beside what it is told of any.
    let end = told(&receiver, &hook, second).await;
    assert_eq!(end["type"], "task.completed", "{end}");
    assert_eq!(end["retry_of"], first.as_str(), "{end}");
    assert_eq!(end["data"]["task_id"], second, "{end}");
    assert_eq!(end["data"]["retry_of"], Value::Null, "{end}");
    assert_eq!(user.task(&first).await["status"], "failed");

    let before = read(&operator, &format!("tasks/{first}")).await;
    assert_eq!(detail(&before, "retried"), second);
    assert_eq!(before["retry_of"], Value::Null);
    let after = eventually("its story is told", SOON, async || {
        let after = read(&operator, &format!("tasks/{second}")).await;
        kinds(&after)
            .contains(&"webhook".to_owned())
            .then_some(after)
    })
    .await;
    let kinds = kinds(&after);
    for (kind, next) in [
        ("submitted", "claimed"),
        ("claimed", "stage"),
        ("stage", "asked"),
        ("asked", "completed"),
        ("completed", "webhook"),
    ] {
        let at = |kind| kinds.iter().position(|other| other == kind);
        let (at, next) = (
            at(kind).unwrap(),
            at(next).unwrap_or_else(|| panic!("{next}: {kinds:?}")),
        );
        assert!(at < next, "{kinds:?}");
    }
    let stages = after["steps"].as_array().unwrap().iter();
    let stages = stages.filter(|step| step["step"] == "stage");
    let stages = stages.map(|step| step["detail"].as_str().unwrap());
    let stages = stages.collect::<Vec<_>>().join(" ");
    assert_eq!(stages, "downloading refining storing-image storing-concept");
    assert_eq!(
        (&after["attempt"], &after["webhook"]["state"]),
        (&json!(1), &json!("delivered"))
    );
    assert!(after["steps"][0]["host"].is_string(), "{after}");
    assert!(service.stop().status.success());
}

/// While its model is asked, which would take for ever.
#[tokio::test]
async fn what_is_cancelled_costs_nothing_and_frees_its_place() {
    let receiver = Receiver::start();
    let launch = attended(scripted_launch())
        .set("concurrency", "1")
        .set("rate-limit", "1/month")
        .set("allow-webhooks", &receiver.authority());
    let service = launch.start();
    let operator = operator(&service).await;
    let [user, other, second] = [(); 3].map(|()| new_user(&service));
    let hook = receiver.hook([Reply::status(200)]);
    let picture = picture_url();
    let to_hook = json!({"webhook_url": hook});
    let id = user
        .accepted_with(&picture, "hang for ever", &to_hook)
        .await;
    let mut events = user.events(&id, None).await;
    while events.event().await.tells() != "refining" {}
    let waiting = other.accepted(&picture, "echo it").await;
    assert_eq!(user.quota_left().await, 0);

    let cancelled = act(&operator, &format!("tasks/{id}/cancel"), "it hangs").await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let cancelled = cancelled.json();
    assert_eq!(cancelled["status"], "failed");
    assert_eq!(cancelled["error_message"], "Cancelled by the operator.");
    let task = user.task(&id).await;
    assert_eq!(task["error_message"], "Cancelled by the operator.");
    assert_eq!(events.event().await.tells(), "failed");
    assert_eq!(user.quota_left().await, 1, "it is given back");
    let end = told(&receiver, &hook, &id).await;
    assert_eq!(
        end["data"]["error_message"], "Cancelled by the operator.",
        "{end}"
    );
    assert_eq!(other.finished(&waiting).await["status"], "completed");
    let story = read(&operator, &format!("tasks/{id}")).await;
    let cancelled = kinds(&story).into_iter().filter(|kind| kind == "cancelled");
    assert_eq!(cancelled.count(), 1, "{story}");
    user.completed(&picture, "echo it").await;

    // One that waits for its turn.
    let (first, before, gate) = busy(&service).await;
    let waiting = second.accepted(&picture, "echo it").await;
    let cancelled = act(&operator, &format!("tasks/{waiting}/cancel"), "x").await;
    assert_eq!(
        cancelled.json()["error_message"],
        "Cancelled by the operator."
    );
    assert_eq!(second.quota_left().await, 1);
    gate.open();
    assert_eq!(first.finished(&before).await["status"], "completed");
    assert_eq!(second.task(&waiting).await["status"], "failed");
    assert!(service.stop().status.success());
}
