//! The end of a process, which is no end of anything that it answered.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::shape::unsigned;
use futures::future::join_all;
use serde_json::Value;

use super::limits;
use crate::Platform;
use concept_refinement_tests::platform::{Model, Start, new_user, origin};

pub async fn what_was_there_is_there_after_a_restart<P: Platform>() {
    let start = Start::<P>::scripted();
    let service = start.start();
    let client = new_user(&service);
    let original = client.uploaded(&pictures::png(64, 48)).await;
    let keyed = client.with("idempotency-key", "k");
    let first = keyed.refine(&original, "echo it").await;
    assert_eq!(first.status, 202, "{first:?}");
    let task = client.finished(&first.task_id()).await;
    assert_eq!(task["status"], "completed", "{task}");
    let deleted = client.refined(&original, "instant").await;
    let deleted = format!("/api/tasks/{}", deleted["task_id"].as_str().unwrap());
    assert_eq!(client.delete(&deleted).await.status, 204);
    let image_url = task["image_url"].as_str().unwrap();
    let lists = ["/api/tasks", "/api/concepts"];
    let before = join_all(lists.map(|list| client.get(list))).await;

    let start = start.at(&service);
    service.kill();
    let service = start.start();
    assert_eq!(service.url(), client.base());
    let client = client.reconnected();

    let id = first.task_id();
    assert_eq!(unsigned(&client.task(&id).await), unsigned(&task));
    assert_eq!(client.get(&deleted).await.status, 404);
    for (list, before) in lists.into_iter().zip(before) {
        let after = client.get(list).await.json();
        let name = list.rsplit('/').next().unwrap();
        let ids = |page: &Value| -> Vec<Value> {
            let items = page[name].as_array().unwrap().iter();
            items.map(|item| item["task_id"].clone()).collect()
        };
        assert_eq!(ids(&after), ids(&before.json()), "{list}");
    }
    let image = Client::new(service.url()).get(image_url).await;
    assert_eq!(image.status, 200, "its URL is signed as before");
    assert_eq!(image.body, marked(&pictures::png(64, 48)));
    assert_eq!(client.get(&original).await.status, 200);
    let repeat = client.with("idempotency-key", "k");
    let repeat = repeat.refine(&original, "echo it").await;
    assert_eq!(repeat.header("idempotency-replayed"), Some("true"));
    assert_eq!(repeat.json(), first.json());
    let next = client.refine(&original, "echo it").await;
    assert_eq!(next.status, 202, "{next:?}");
    assert_eq!(limits(&next)[1], 997, "the quota is counted on");
    let next = client.finished(&next.task_id()).await;
    assert_eq!(next["status"], "completed", "{next}");
}

/// The secret that signs sessions is kept with the data.
pub async fn a_session_outlives_the_process<P: Platform>() {
    let start = Start::<P>::new(Model::Local);
    let service = start.start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(8, 8)).await;
    let start = start.at(&service);
    service.kill();
    let _service = start.start();
    let client = client.reconnected();
    assert_eq!(client.get("/api/tasks").await.status, 200);
    client.completed(&original, "make it lighter").await;
}

/// One downloads, another refines, when the process is killed. Whoever polls
/// has them go on.
pub async fn tasks_under_way_are_completed_after_a_crash<P: Platform>() {
    let start = Start::<P>::scripted().set("lease", "2s");
    let service = start.start();
    let picture = pictures::png(8, 8);
    let (gated, gate) = origin().gated(&picture);
    let open = origin().picture(&picture);
    let mut tasks = Vec::new();
    for (url, prompt) in [(&gated, "echo it"), (&open, "wait 2000ms")] {
        let client = new_user(&service);
        let id = client.accepted(url, prompt).await;
        client.task_is(&id, "processing").await;
        tasks.push((client, id));
    }
    let start = start.at(&service);
    service.kill();
    gate.open();
    let service = start.start();
    let finished = tasks.iter().map(async |(client, id)| {
        let client = client.reconnected();
        let task = client.finished(id).await;
        assert_eq!(task["status"], "completed", "{task}: {}", service.log());
        let image = client.get(task["image_url"].as_str().unwrap()).await;
        assert_eq!(image.body, marked(&picture));
        let concepts = client.get("/api/concepts").await.json()["concepts"].clone();
        assert_eq!(concepts.as_array().unwrap().len(), 1, "{concepts}");
        client.completed(&open, "echo it").await;
    });
    join_all(finished).await;
}
