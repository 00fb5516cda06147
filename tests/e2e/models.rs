//! A model that misbehaves fails its one task, and nothing else.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{READINESS, SOON, eventually};
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Service;
use futures::future::join_all;

use crate::shape::assert_is_task;
use crate::shared::{local, new_user, origin, picture_url, scripted, scripted_launch};

const FAILED: &str = "Error in refinement task processing: Image refinement failed: ";

/// Little time and memory for the model, so that the tests need not wait.
fn strict() -> Service {
    scripted_launch()
        .set("model-timeout", "4s")
        .set("model-memory", "32MiB")
        .start()
}

#[tokio::test]
async fn whatever_a_model_does_fails_its_one_task() {
    let service = strict();
    let url = origin().picture(&pictures::png(300, 300));
    let cases = [
        ("trap now", "the model crashed"),
        ("trap midway", "the model"),
        ("eat memory", "the model crashed"),
        ("loop for ever", "the model did not answer within 4 seconds"),
        ("hang for ever", "the model did not answer within 4 seconds"),
        ("answer nonsense", "the file is not an image"),
        ("answer truncated", "the file is cut short"),
        ("answer less", "the file ended before its declared length"),
        ("answer empty", "the file is empty"),
        (
            "refuse: no logos\u{202e}, please\u{7}",
            "no logos\u{fffd}, please\u{fffd}",
        ),
        ("unavailable", "the provider is overloaded"),
        (
            "unavailable for 99999999999ms",
            "the provider is overloaded",
        ),
    ];
    let tasks = cases.map(async |(prompt, reason)| {
        let client = new_user(&service);
        let task = client.refined(&url, prompt).await;
        assert_is_task(&task);
        assert_eq!(task["status"], "failed", "{prompt}: {task}");
        let message = task["error_message"].as_str().unwrap();
        assert!(message.starts_with(FAILED), "{prompt}: {message}");
        assert!(message.contains(reason), "{prompt}: {message}");
        let concepts = client.get("/api/concepts").await.json();
        assert_eq!(concepts["concepts"], serde_json::json!([]), "{prompt}");
    });
    let well = async {
        for prompt in ["echo it", "instant", "wait 100ms"] {
            new_user(&service).completed(&url, prompt).await;
        }
    };
    tokio::join!(join_all(tasks), well);
}

/// Anybody may read what a model says of itself.
#[tokio::test]
async fn a_description_is_a_line_without_the_models_key() {
    const KEY: &str = "hush-0123456789ab";
    let description = format!("describe:I\u{202e} have {KEY}. {}", "x".repeat(2_000));
    let service = scripted_launch()
        .set("model-name", &description)
        .variable("REFINEMENT_MODEL_API_KEY", KEY)
        .start();
    let health = Client::new(service.url()).get("/api/health").await.json();
    let told = health["model"].as_str().unwrap();
    assert!(told.starts_with("I\u{fffd} have ***. xx"), "{told}");
    assert_eq!(told.chars().count(), 1_000);
}

/// Its own, and no larger than it may be.
#[tokio::test]
async fn a_model_is_handed_what_it_kept() {
    let client = new_user(scripted());
    let told = client.failure(&picture_url(), "keep receipts").await;
    let expected = "it was handed its receipt: [false, false, true]";
    assert!(told.ends_with(expected), "{told}");
    let log = scripted().log();
    assert!(log.contains("a receipt cannot be stored"), "{log}");
}

#[tokio::test]
async fn the_providers_own_host_is_for_what_the_model_answered() {
    let provider = Origin::start();
    let picture = pictures::png(20, 20);
    let refined = provider.picture(&picture);
    let service = scripted_launch()
        .set("model-url", &format!("http://{}", provider.authority()))
        .start();
    let client = new_user(&service);

    let original = origin().serve(Reply::redirect(302, &refined));
    let message = client.failure(&original, "echo it").await;
    assert!(message.contains("public address"), "{message}");
    assert_eq!(provider.connections(), 0);

    let prompt = format!("location: {refined}");
    let task = client.completed(&picture_url(), &prompt).await;
    let image = client.get(task["image_url"].as_str().unwrap()).await;
    assert_eq!(image.body, marked(&picture));
    let requests = provider.requests(&refined);
    assert_eq!(requests.len(), 1);
    let told = requests.concat().to_lowercase();
    assert!(
        !told.contains("purpose"),
        "a mark of ours left the host: {told}"
    );
}

#[tokio::test]
async fn a_model_that_fails_again_and_again_is_reported_until_it_works() {
    let service = strict();
    let anybody = Client::new(service.url());
    const OF_MODEL: &str = "/api/health/ready?model";
    let fail = async |client: &Client, pictures: usize| {
        for index in 0..pictures {
            let picture = origin().picture(&pictures::png(8, 8 + index as u32));
            client.refined(&picture, "trap now").await;
        }
    };
    // One user's pictures may crash any model.
    fail(&new_user(&service), 6).await;
    let client = new_user(&service);
    for _ in 0..2 {
        let ready = anybody.get(OF_MODEL).await;
        assert_eq!(ready.status, 200, "{ready:?}");
        assert_eq!(ready.json()["status"], "ready");
        fail(&client, 1).await;
    }
    let degraded = eventually("the model is unusable", READINESS, async || {
        let ready = anybody.get(OF_MODEL).await;
        (ready.status == 503).then_some(ready)
    })
    .await;
    let whole = anybody.get("/api/health/ready").await;
    assert_eq!((whole.status, whole.body), (200, degraded.body.clone()));
    let report = degraded.json();
    assert_eq!(report["status"], "degraded");
    assert_eq!(report["capabilities"]["tasks"], "ok");
    let sentence = report["capabilities"]["model"].as_str().unwrap();
    assert!(sentence.ends_with('.'), "{sentence}");

    // It is asked all the same.
    client.completed(&picture_url(), "instant").await;
    eventually("the model is usable again", SOON, async || {
        (anybody.get(OF_MODEL).await.status == 200).then_some(())
    })
    .await;
}

/// It would crash the local model, as often as somebody sends it.
#[tokio::test]
async fn a_profile_that_unpacks_without_end_is_refused() {
    let picture = pictures::png_with_profile(768 << 20);
    assert!(picture.bytes.len() < 8 << 20, "{}", picture.bytes.len());
    let client = Client::session(local().url()).await;
    let task = client
        .refined(&origin().picture(&picture), "sharpen it")
        .await;
    let reason = "the profile and the texts beside the picture are larger than 16 MiB when they \
                  are unpacked";
    let expected =
        format!("Error in refinement task processing: Failed to download original image: {reason}");
    assert_eq!(task["error_message"], expected);
    let refused = client.upload(picture.media_type, &picture.bytes).await;
    assert_eq!(refused.status, 413, "{refused:?}");
    let detail = format!("The image cannot be used: {reason}.");
    assert_eq!(refused.json()["detail"], detail);
    let well = origin().picture(&pictures::png_with_profile(1 << 20));
    client.completed(&well, "sharpen it").await;
}
