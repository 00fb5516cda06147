//! A request that is sent again under its key gets the first answer again.

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures;
use futures::future::join_all;
use serde_json::json;

use crate::shared::{new_user, origin, scripted, scripted_launch};

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_and_creates_nothing() {
    let client = new_user(scripted()).with("idempotency-key", "key-1");
    let url = origin().picture(&pictures::png(8, 8));
    let first = client.refine(&url, "echo it").await;
    assert_eq!(first.status, 202);
    assert_eq!(first.header("idempotency-replayed"), None);
    let id = first.task_id();

    assert_replays(&client.refine(&url, "echo it").await, &first);
    client.finished(&id).await;
    assert_replays(&client.refine(&url, "echo it").await, &first);
    client.delete(&format!("/api/tasks/{id}")).await;
    assert_replays(&client.refine(&url, "echo it").await, &first);
    assert_eq!(client.get("/api/tasks").await.json()["tasks"], json!([]));

    let unknown = json!({
        "original_image_url": url,
        "refinement_prompt": "echo it",
        "theme_description": null,
        "unknown": 1,
    });
    let same = client.post("/api/concepts/refine", &unknown).await;
    assert_replays(&same, &first);
}

/// Whichever of two bodies comes first owns the key.
#[tokio::test]
async fn of_two_bodies_at_once_one_owns_the_key() {
    let client = new_user(scripted()).with("idempotency-key", "contested");
    let url = origin().picture(&pictures::png(8, 8));
    let prompt = |n: usize| ["echo it", "instant"][n % 2];
    let answers = join_all((0..30).map(|n| client.refine(&url, prompt(n)))).await;
    let is_created =
        |answer: &Answer| answer.status == 202 && answer.header("idempotency-replayed").is_none();
    let owners: Vec<usize> = (0..30).filter(|n| is_created(&answers[*n])).collect();
    let [owner] = owners[..] else {
        panic!("created by {owners:?}");
    };
    for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != owner) {
        match n % 2 == owner % 2 {
            true => assert_replays(answer, &answers[owner]),
            false => {
                assert_eq!(answer.status, 422, "{answer:?}");
                assert_names_key(answer);
            }
        }
    }
}

/// A crash right after the answer forgets nothing of it.
#[tokio::test]
async fn a_key_outlives_the_process() {
    let launch = scripted_launch();
    let service = launch.start();
    let client = new_user(&service).with("idempotency-key", "k");
    let url = origin().picture(&pictures::png(8, 8));
    let first = client.refine(&url, "echo it").await;
    assert_eq!(first.status, 202);
    let launch = launch.at(&service);
    service.kill();
    let _service = launch.start();
    let client = client.reconnected();
    assert_replays(&client.refine(&url, "echo it").await, &first);
    assert_names_key(&client.refine(&url, "instant").await);
    client.finished(&first.task_id()).await;
    client
        .delete(&format!("/api/tasks/{}", first.task_id()))
        .await;
    assert_replays(&client.refine(&url, "echo it").await, &first);
}

#[tokio::test]
async fn a_key_is_1_to_255_visible_ascii_characters() {
    let client = new_user(scripted());
    let url = origin().picture(&pictures::png(8, 8));
    let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
    let with = |key: &str| -> Client { client.with("idempotency-key", key) };
    for key in ["", "a b", "ключ", "a\tb", too_long.as_str()] {
        let answer = with(key).refine(&url, "instant").await;
        assert_eq!(answer.status, 422, "{key:?}");
        assert_names_key(&answer);
    }
    for key in ["!", "~", "8e03978e-40d5-43dd-bc93-6894a57f9324", &longest] {
        let answer = with(key).refine(&url, "instant").await;
        assert_eq!(answer.status, 202, "{key:?}");
        client.finished(&answer.task_id()).await;
    }
}

fn assert_replays(answer: &Answer, first: &Answer) {
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    assert_eq!(answer.json(), first.json());
    assert!(answer.header("x-ratelimit-remaining").is_some());
}

fn assert_names_key(answer: &Answer) {
    let errors = &answer.json()["field_errors"];
    assert!(errors["Idempotency-Key"].is_array(), "{errors}");
}
