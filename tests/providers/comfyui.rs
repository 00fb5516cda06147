//! A workflow of a ComfyUI server: upload, queue, history, view.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use serde_json::{Value, json};

use crate::kinds::{image, refined, reply};
use crate::paid_once::retried;

const FAILED: &str = "Error in refinement task processing: Image refinement failed: ";

/// A server at which nothing runs, and a service with a workflow for it.
fn pair() -> (Provider, Service, tempfile::TempDir) {
    let (provider, launch, directory) = launched();
    (provider, launch.start(), directory)
}

pub fn launched() -> (Provider, Launch, tempfile::TempDir) {
    let provider = Provider::start();
    provider.serve_below("/history/", reply(&json!({})));
    provider.serve_at(
        "/queue",
        reply(&json!({"queue_running": [], "queue_pending": []})),
    );
    let uploaded = json!({"name": "original.png", "subfolder": "", "type": "input"});
    provider.serve_at("/upload/image", reply(&uploaded));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("workflow.json");
    std::fs::write(
        &file,
        workflow("{{image}}", "a logo, {{prompt}}", json!("{{strength}}")),
    )
    .unwrap();
    let launch = Launch::new()
        .set("model", "comfyui")
        .set("model-url", &provider.url())
        .set("model-workflow", file.to_str().unwrap())
        .set("rate-limit", "unlimited");
    (provider, launch, directory)
}

/// In the API format.
fn workflow(image: &str, prompt: &str, denoise: Value) -> String {
    json!({
        "3": {"class_type": "KSampler", "inputs": {"denoise": denoise, "model": ["4", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": prompt, "clip": ["4", 1]}},
        "10": {"class_type": "LoadImage", "inputs": {"image": image}},
    })
    .to_string()
}

pub fn queued(id: &str) -> Reply {
    reply(&json!({"prompt_id": id, "number": 3, "node_errors": {}}))
}

pub fn ended(id: &str, filename: &str) -> Reply {
    reply(&json!({id: {
        "prompt": [3, id, {}, {}, ["9"]],
        "outputs": {"9": {"images": [
            {"filename": filename, "subfolder": "a b", "type": "output"},
        ]}},
        "status": {"status_str": "success", "completed": true, "messages": []},
    }}))
}

fn error(id: &str) -> Reply {
    reply(&json!({id: {
        "outputs": {},
        "status": {"status_str": "error", "completed": false, "messages": [
            ["execution_error", {"exception_message": "CUDA out of memory.\nTraceback"}],
        ]},
    }}))
}

#[tokio::test]
async fn the_workflow_runs_with_its_inputs_and_the_image_is_what_it_saved() {
    let (provider, service, _directory) = pair();
    let picture = pictures::webp(50, 40);
    let running = json!({"queue_running": [[3, "run-1", {}, {}, []]], "queue_pending": []});
    provider.serve_at("/queue", reply(&running));
    provider.serve_each_at(
        "/history/run%2D1",
        [reply(&json!({})), ended("run-1", "1.webp")],
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
    assert!(parts[2].contents == pictures::png(40, 30).bytes);
    let asked = provider.asked(&prompt);
    assert_eq!(asked.len(), 1, "computed more than once");
    assert_eq!(asked[0].path, "/prompt");
    let filled = workflow("original.png", &format!("a logo, {prompt}"), json!(0.7));
    let filled: Value = serde_json::from_str(&filled).unwrap();
    let sent = asked[0].json();
    assert_eq!(sent["prompt_id"], id);
    assert_eq!(sent["prompt"]["10"], filled["10"]);
    assert_eq!(sent["prompt"]["6"], filled["6"]);
    assert_eq!(sent["prompt"]["3"], filled["3"]);
}

/// Whatever its node is called.
#[tokio::test]
async fn of_several_images_the_first_is_taken() {
    let (provider, service, _directory) = pair();
    let picture = pictures::png(50, 40);
    let history = r#"{"run-1": {"status": {"status_str": "success"}, "outputs": {
        "9": {"images": [{"filename": "first.png", "subfolder": "", "type": "output"}]},
        "10": {"images": [{"filename": "second.png", "subfolder": "", "type": "output"}]}}}}"#;
    let history = Reply::ok("application/json", history.as_bytes());
    provider.serve_at("/history/run%2D1", history);
    let first = "/view?filename=first%2Epng&subfolder=&type=output";
    provider.serve_at(first, Reply::picture(&picture));
    let prompt = provider.prompt([queued("run-1")]);
    let (client, task) = refined(&service, &prompt).await;
    assert!(image(&client, &task).await == marked(&picture));
}

/// Also where nothing may be computed twice: what failed does not run.
#[tokio::test]
async fn an_operator_has_a_run_made_again_that_failed() {
    let picture = pictures::png(50, 40);
    for (name, history) in [
        ("an error", error("run-1")),
        ("no image", reply(&json!({"run-1": {"outputs": {}}}))),
        ("an image that is none", ended("run-1", "1.txt")),
    ] {
        let (provider, launch, _directory) = launched();
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
    let (provider, service, _directory) = pair();
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

#[tokio::test]
async fn whatever_it_answers_the_task_says_why() {
    let (provider, service, _directory) = pair();
    provider.serve_at("/history/broken", error("broken"));
    provider.serve_at("/history/empty", reply(&json!({"empty": {"outputs": {}}})));
    provider.serve_at("/history/noimage", ended("noimage", "1.txt"));
    provider.serve_at(
        "/view?filename=1%2Etxt&subfolder=a%20b&type=output",
        Reply::ok("text/plain", b"no image"),
    );
    for (name, reply, times, sentence) in [
        (
            "a run that failed",
            queued("broken"),
            1,
            "the provider could not refine the image: CUDA out of memory",
        ),
        (
            "a run without an image",
            queued("empty"),
            1,
            "the provider's workflow saved no image",
        ),
        (
            "a run that is forgotten",
            queued("forgotten"),
            3,
            "the provider lost the refinement",
        ),
        (
            "what is no image",
            queued("noimage"),
            1,
            "the provider's answer is not an image",
        ),
    ] {
        let prompt = provider.prompt([reply]);
        let (_, task) = refined(&service, &prompt).await;
        assert_eq!(
            task["error_message"],
            format!("{FAILED}{sentence}"),
            "{name}"
        );
        assert_eq!(provider.times(&prompt), times, "{name}");
    }
}
