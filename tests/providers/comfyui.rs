//! A workflow of a ComfyUI server: upload, queue, history, view.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Service;
use concept_refinement_tests::stand_in::StandIn as _;
use concept_refinement_tests::stand_in::comfyui::{ComfyUi, ended, failed, queued};
use serde_json::json;

use crate::paid_once::retried;
use crate::pairs::{image, refined};

/// A server at which nothing runs, and a service with a workflow for it.
fn pair() -> (Provider, Service) {
    let provider = ComfyUi.start();
    let service = ComfyUi.launch(&provider.url()).start();
    (provider, service)
}

#[tokio::test]
async fn a_run_is_waited_for_and_the_image_is_what_it_saved() {
    let (provider, service) = pair();
    let picture = pictures::webp(50, 40);
    let running = json!({"queue_running": [[3, "run-1", {}, {}, []]], "queue_pending": []});
    provider.serve_at("/queue", Reply::json(200, &running));
    provider.serve_each_at(
        "/history/run%2D1",
        [Reply::json(200, &json!({})), ended("run-1", "1.webp")],
    );
    provider.serve_at(
        "/view?filename=1%2Ewebp&subfolder=a%20b&type=output",
        Reply::picture(&picture),
    );
    let prompt = provider.prompt([queued("run-1")]);
    let (client, task) = refined(&service, &prompt).await;
    assert!(image(&client, &task).await == marked(&picture));

    let id = task["task_id"].as_str().unwrap();
    let upload = provider.asked("/upload/image").remove(0);
    let parts = upload.form();
    let file = format!("form-data; name=\"image\"; filename=\"concept-refinement-{id}.png\"");
    assert_eq!(parts[2].disposition, file);
    assert_eq!(provider.times(&prompt), 1, "computed more than once");
}

/// Also where nothing may be computed twice: what failed does not run.
#[tokio::test]
async fn an_operator_has_a_run_made_again_that_failed() {
    let picture = pictures::png(50, 40);
    for (name, history) in [
        ("an error", failed("run-1")),
        (
            "no image",
            Reply::json(200, &json!({"run-1": {"outputs": {}}})),
        ),
        ("an image that is none", ended("run-1", "1.txt")),
    ] {
        let provider = ComfyUi.start();
        let launch = ComfyUi.launch(&provider.url());
        let launch = launch.set("model-repeat", "never");
        provider.serve_at("/history/run%2D1", history);
        provider.serve_at("/history/run%2D2", ended("run-2", "2.png"));
        provider.serve_at(
            "/view?filename=1%2Etxt&subfolder=a%20b&type=output",
            Reply::ok("text/plain", b"no image"),
        );
        provider.serve_at(
            "/view?filename=2%2Epng&subfolder=a%20b&type=output",
            Reply::picture(&picture),
        );
        let prompt = provider.prompt([queued("run-1"), queued("run-2")]);
        let service = launch.start();
        let (client, task) = refined(&service, &prompt).await;
        assert_eq!(task["status"], "failed", "{name}: {task}");
        let task = retried(&launch, &client, &task).await;
        assert!(image(&client, &task).await == marked(&picture), "{name}");
        let asked = provider.asked(&prompt);
        assert_eq!(asked.len(), 2, "{name}");
        assert_eq!(asked[1].json()["prompt_id"], task["task_id"], "{name}");
    }
}

/// The first try was cut off after it had been queued.
#[tokio::test]
async fn a_repeat_finds_what_an_earlier_try_began() {
    let (provider, service) = pair();
    let prompt = provider.prompt([queued("run-1").without_end(20), queued("run-1")]);
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    let id = client.accepted(&original, &prompt).await;
    // As the server has it that was given the task's id.
    let path = format!("/history/{}", id.replace('-', "%2D"));
    let picture = pictures::png(50, 40);
    provider.serve_at(&path, ended(&id, "1.png"));
    provider.serve_below("/view", Reply::picture(&picture));
    let task = client.finished(&id).await;
    assert!(image(&client, &task).await == marked(&picture));
    assert!(provider.times(&prompt) <= 1, "computed more than once");
}
