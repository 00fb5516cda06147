//! Stops and starts: nothing that was accepted is lost.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::shape::unsigned;
use serde_json::Value;

use crate::shared::{new_name, origin, scripted_launch};

#[tokio::test]
async fn a_stop_and_a_start_lose_no_task_image_or_session() {
    let launch = Launch::new().set("allow-sources", &origin().authority());
    let service = launch.start();
    let client = Client::session(service.url())
        .await
        .with("idempotency-key", "k");
    let original = client.uploaded(&pictures::png(64, 48)).await;
    let first = client.refine(&original, "make it lighter").await;
    let task = client.finished(&first.task_id()).await;
    assert_eq!(task["status"], "completed", "{task}");
    let image_url = task["image_url"].as_str().unwrap();
    let anybody = Client::new(service.url());
    let image = anybody.get(image_url).await;
    let concepts = client.get("/api/concepts").await;

    let launch = launch.at(&service);
    let ended = service.stop();
    assert!(ended.status.success(), "{ended:?}");
    let service = launch.start();
    assert_eq!(service.url(), client.base());
    let client = client.reconnected();

    let same = client.task(&first.task_id()).await;
    assert_eq!(unsigned(&same), unsigned(&task));
    let same = client.get("/api/concepts").await.json();
    assert_eq!(unsigned(&same), unsigned(&concepts.json()));
    let same = Client::new(service.url()).get(image_url).await;
    assert_eq!((same.status, same.body), (200, image.body));
    assert_eq!(client.get(&original).await.status, 200);
    let repeat = client.refine(&original, "make it lighter").await;
    assert_eq!(repeat.header("idempotency-replayed"), Some("true"));
    assert_eq!(repeat.json(), first.json());
    let next = client.without("idempotency-key");
    let next = next.refined(&original, "make it darker").await;
    assert_eq!(next["status"], "completed", "{next}");
    assert!(service.stop().status.success());
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way() {
    let launch = scripted_launch();
    let service = launch.start();
    let client = Client::user(service.url(), &new_name());
    let url = origin().picture(&pictures::png(8, 8));
    let id = client.accepted(&url, "wait 500ms").await;
    client.task_is(&id, "processing").await;
    let launch = launch.at(&service);
    assert!(service.stop().status.success());
    let _service = launch.start();
    let task = client.reconnected().task(&id).await;
    assert_eq!(task["status"], "completed", "{task}");
}

#[test]
fn a_data_directory_belongs_to_one_process_at_a_time() {
    let launch = Launch::new().embedded();
    let first = launch.start();
    let second = launch.clone().run();
    assert!(!second.status.success());
    assert!(
        second.log.contains("in use by another process"),
        "{}",
        second.log
    );
    assert!(!second.log.contains("ready"), "{}", second.log);
    assert!(first.stop().status.success());
    assert!(launch.start().stop().status.success());
}

/// The secret that signs sessions is the data directory's own.
#[tokio::test]
async fn another_data_directory_knows_no_session() {
    let (here, there) = (Launch::new().start(), Launch::new().start());
    let client = Client::new(here.url());
    let session = client.post("/api/auth/session", &Value::Null).await.json();
    let token = session["access_token"].as_str().unwrap();
    let at = |service: &Service| Client::new(service.url()).bearer(token);
    assert_eq!(at(&here).get("/api/tasks").await.status, 200);
    assert_eq!(at(&there).get("/api/tasks").await.status, 401);
}
