//! Agents.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::mcp::{ask, call};
use concept_refinement_tests::pictures;
use concept_refinement_tests::platform::{local, new_user, origin, scripted};
use serde_json::json;

use crate::Platform;

/// With the model that ships.
pub async fn an_agent_uploads_refines_and_sees_the_result<P: Platform>() {
    let user = Client::session(local::<P>().url()).await;
    let data = BASE64_STANDARD.encode(pictures::png(64, 48).bytes);
    let uploaded = call(&user, "upload_image", json!({"data": data})).await;
    let url = &uploaded["structuredContent"]["image_url"];
    let arguments = json!({"url": url, "prompt": "make it lighter"});
    let refined = call(&user, "refine_image", arguments).await;
    assert_eq!(refined["isError"], false, "{refined}");
    let link = refined["content"][1]["uri"].as_str().unwrap();
    let served = Client::new(user.base()).get(link).await;
    let shown = refined["content"][2]["data"].as_str().unwrap();
    assert!(BASE64_STANDARD.decode(shown).unwrap() == served.body);
    assert_eq!(refined["content"][2]["mimeType"], "image/png");
}

pub async fn a_call_is_a_task_of_its_user<P: Platform>() {
    let [ann, bob] = [(); 2].map(|()| new_user(scripted::<P>()));
    let url = origin().picture(&pictures::png(8, 8));
    let arguments = json!({"url": url, "prompt": "echo it"});
    let params = json!({"name": "refine_image", "arguments": arguments});
    let created = ask(&ann, "tools/call", params).await.json();
    let id = created["result"]["taskId"].as_str().unwrap();
    let ended = eventually("the task has ended", SOON, async || {
        let got = ask(&ann, "tasks/get", json!({"taskId": id})).await.json();
        (got["result"]["status"] == "completed").then_some(got)
    });
    let result = &ended.await["result"]["result"];
    assert_eq!(result["structuredContent"]["task_id"], id, "{result}");
    let refused = ask(&bob, "tasks/get", json!({"taskId": id})).await.json();
    assert_eq!(refused["error"]["code"], -32602, "another's: {refused}");
}
