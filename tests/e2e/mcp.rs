//! Agents: a call of a tool over HTTP, and tasks that outlive it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::issuer::Issuer;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use serde_json::{Value, json};

use crate::shared::{new_name, new_user, origin, scripted, scripted_launch};

const PATH: &str = "/mcp";

/// By revision 2026-07-28, with the Tasks extension.
async fn ask(client: &Client, method: &str, mut params: Value) -> Answer {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {
            "extensions": {"io.modelcontextprotocol/tasks": {}}
        },
    });
    let name = params["name"].as_str().or(params["taskId"].as_str());
    let client = client
        .with("mcp-protocol-version", "2026-07-28")
        .with("mcp-method", method)
        .with("mcp-name", name.unwrap_or_default());
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    client.post(PATH, &message).await
}

/// By revision 2025-11-25.
async fn call(client: &Client, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let answer = client.post(PATH, &message).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["result"].clone()
}

#[tokio::test]
async fn an_agent_uploads_refines_and_sees_the_result() {
    let user = new_user(scripted());
    let picture = pictures::png(40, 30);
    let data = BASE64_STANDARD.encode(&picture.bytes);
    let uploaded = call(&user, "upload_image", json!({"data": data})).await;
    let url = &uploaded["structuredContent"]["image_url"];
    let arguments = json!({"url": url, "prompt": "echo it"});
    let refined = call(&user, "refine_image", arguments).await;
    assert_eq!(refined["isError"], false, "{refined}");
    let link = refined["content"][1]["uri"].as_str().unwrap();
    let served = Client::new(user.base()).get(link).await;
    let shown = refined["content"][2]["data"].as_str().unwrap();
    assert_eq!(BASE64_STANDARD.decode(shown).unwrap(), served.body);
    assert_eq!(refined["content"][2]["mimeType"], "image/png");
    // An image of the size that uploads may have, and one that is larger.
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
    let ann = Client::user(service.url(), &new_name());
    let bob = Client::user(service.url(), &new_name());
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

#[tokio::test]
async fn a_client_learns_where_tokens_come_from() {
    let issuer = Issuer::start();
    let service = Launch::new().with_issuer(issuer.url()).start();
    let anybody = Client::new(service.url());
    let refused = anybody.post(PATH, &json!({})).await;
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").unwrap();
    let url = challenge
        .strip_prefix("Bearer resource_metadata=\"")
        .unwrap();
    let metadata = anybody.get(url.trim_end_matches('"')).await.json();
    assert_eq!(metadata["resource"], format!("{}{PATH}", service.url()));
    assert!(
        metadata["authorization_servers"][0].is_string(),
        "{metadata}"
    );
}
