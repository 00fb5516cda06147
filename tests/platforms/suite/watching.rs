//! Watching tasks.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::shape::unsigned;

use crate::Platform;
use concept_refinement_tests::platform::{new_user, origin, scripted};

/// All that may be told, in the order in which it happens. A platform where
/// nothing can be pushed may miss what lasts only a moment.
const ORDER: [&str; 7] = [
    "pending",
    "processing",
    "downloading",
    "refining",
    "storing-image",
    "storing-concept",
    "completed",
];

pub async fn a_stream_of_events_ends_with_the_end_of_its_task<P: Platform>() {
    let user = new_user(scripted::<P>());
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let id = user.accepted(&url, "wait 1500ms").await;
    let mut events = user.events(&id, None).await;
    let first = events.event().await;
    assert_eq!(first.name, "task");
    assert_eq!(first.data["task_id"], id.as_str());
    gate.open();
    let told = [vec![first], events.rest().await].concat();
    let tells: Vec<String> = told.iter().map(|event| event.tells()).collect();
    let places: Vec<usize> = tells
        .iter()
        .map(|told| ORDER.iter().position(|known| known == told).unwrap())
        .collect();
    assert!(places.is_sorted(), "{tells:?}");
    let has = |told: &str| tells.iter().any(|other| other == told);
    assert!(has("processing") && has("refining"), "{tells:?}");
    let last = told.last().unwrap();
    assert_eq!(last.tells(), "completed", "{tells:?}");
    assert_eq!(unsigned(&last.data), unsigned(&user.task(&id).await));
    let image = Client::new(user.base());
    let image = image.get(last.data["image_url"].as_str().unwrap()).await;
    assert_eq!(image.status, 200, "its URL is signed");

    // Who comes late is told the end, and who has seen it that there is no more.
    let late = user.events(&id, None).await.rest().await;
    let tells: Vec<String> = late.iter().map(|event| event.tells()).collect();
    assert_eq!(tells, ["completed"]);
    let seen = user.with("last-event-id", late[0].id.as_deref().unwrap());
    let again = seen.get(&format!("/api/tasks/{id}/events")).await;
    assert_eq!((again.status, again.body.len()), (204, 0));
}

pub async fn a_deletion_ends_the_stream<P: Platform>() {
    let user = new_user(scripted::<P>());
    let (url, _gate) = origin().gated(&pictures::png(8, 8));
    let id = user.accepted(&url, "echo it").await;
    user.task_is(&id, "processing").await;
    let mut events = user.events(&id, None).await;
    assert_eq!(events.event().await.tells(), "processing");
    let deleted = user.delete(&format!("/api/tasks/{id}")).await;
    assert_eq!(deleted.status, 204);
    let rest = events.rest().await;
    let last = rest.last().unwrap();
    assert_eq!(last.tells(), "deleted", "{rest:?}");
    assert_eq!(last.data["task_id"], id.as_str());
    let seen = user.with("last-event-id", last.id.as_deref().unwrap());
    let again = seen.get(&format!("/api/tasks/{id}/events")).await;
    assert_eq!((again.status, again.body.len()), (204, 0));
}
