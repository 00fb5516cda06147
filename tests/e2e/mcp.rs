//! Agents: a call of a tool over HTTP, and tasks that outlive it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::mcp::{ask, call};
use concept_refinement_tests::pictures;
use serde_json::json;

use crate::shared::{new_user, origin, scripted, scripted_launch};

#[tokio::test]
async fn an_image_in_a_message_may_be_as_large_as_an_upload() {
    let user = new_user(scripted());
    for (bytes, is_error) in [(1_000_000, false), (1_100_000, true)] {
        let data = BASE64_STANDARD.encode(pictures::large_png(bytes).bytes);
        let uploaded = call(&user, "upload_image", json!({"data": data})).await;
        assert_eq!(uploaded["isError"], is_error, "{uploaded}");
    }
}

/// A call waits for 45 seconds, and this takes as long.
#[tokio::test]
async fn a_task_outlives_its_call_and_the_host() {
    let launch = scripted_launch().embedded().set("download-timeout", "4m");
    let service = launch.start();
    let (original, gate) = origin().gated(&pictures::png(8, 8));
    let arguments = json!({"url": original, "prompt": "echo it"});
    let ann = new_user(&service);
    let bob = new_user(&service);
    let (told, created) = tokio::join!(
        call(&ann, "refine_image", arguments.clone()),
        ask(
            &bob,
            "tools/call",
            json!({"name": "refine_image", "arguments": arguments})
        ),
    );
    let anns = told["structuredContent"]["task_id"].as_str().unwrap();
    assert_eq!(told["structuredContent"]["status"], "processing", "{told}");
    let created = created.json()["result"].clone();
    assert_eq!(created["resultType"], "task", "{created}");
    let bobs = created["taskId"].as_str().unwrap();

    let launch = launch.at(&service);
    drop(service.kill());
    let service = launch.start();
    gate.open();
    let (ann, bob) = (ann.at(service.url()), bob.at(service.url()));
    let got = eventually("the task has ended", SOON, async || {
        let got = ask(&bob, "tasks/get", json!({"taskId": bobs})).await.json();
        (got["result"]["status"] == "completed").then_some(got)
    })
    .await;
    let result = &got["result"]["result"];
    assert_eq!(result["structuredContent"]["status"], "completed", "{got}");
    ann.finished(anns).await;
    let got = call(&ann, "get_refinement", json!({"id": anns})).await;
    assert_eq!(got["structuredContent"]["status"], "completed", "{got}");
    let refused = ask(&bob, "tasks/get", json!({"taskId": anns})).await;
    assert_eq!(refused.json()["error"]["code"], -32602, "another's");
}
