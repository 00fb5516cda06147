//! The Model Context Protocol's own client and its own suite: what others have made for it
//! works with the command and with the service.

mod bridge;
mod conformance;
mod gateway;

use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::issuer::{Issuer, Signer};
use concept_refinement_tests::pictures;
use concept_refinement_tests::reaper::scratch;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens;
use serde_json::{Value, json};

/// What the client of PyPI makes of it.
fn calls(asked: &Value) -> Value {
    let ran = Command::new(artifacts::mcp_python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/mcp_sdk/calls.py"))
        .arg(asked.to_string())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// The client checks structured content by the tool's schema.
#[test]
fn the_client_of_pypi_refines_a_file() {
    for (mode, revision) in [("auto", "2026-07-28"), ("legacy", "2025-11-25")] {
        let place = scratch("mcp");
        std::fs::write(place.join("logo.png"), pictures::png(64, 48).bytes).unwrap();
        let command = [
            artifacts::binary(),
            "mcp".into(),
            "--components".into(),
            artifacts::components(),
        ];
        let call = |arguments: Value| json!(["refine_image", arguments]);
        let made = calls(&json!({
            "mode": mode,
            "command": command,
            "cwd": place,
            "calls": [
                call(json!({ "path": "logo.png", "prompt": "lighter" })),
                call(json!({ "path": "logo.png", "prompt": "lighter", "out": "/logo.png" })),
            ],
        }));
        assert_eq!(made["revision"], revision);
        assert_eq!(made["tools"], json!(["refine_image"]));
        let [refined, refused] = made["results"].as_array().unwrap().as_slice() else {
            panic!("{made}");
        };
        assert_eq!(refined["isError"], false, "{made}");
        let path = refined["structuredContent"]["path"].as_str().unwrap();
        assert!(std::fs::exists(path).unwrap(), "{made}");
        assert_eq!(refined["content"][2]["type"], "image", "{made}");
        assert_eq!(refused["isError"], true, "{made}");
        assert_eq!(made["stages"][1], "refining", "{made}");
    }
}

/// With the token of a session of the page, one that is signed with a secret, and one of an
/// issuer.
#[tokio::test]
async fn the_client_of_pypi_refines_by_a_service() {
    let service = Launch::new().start();
    let session = Client::new(service.url())
        .post("/api/auth/session", &json!({}))
        .await
        .json();
    let of_secret = Launch::new().with_tokens().start();
    let issuer = Issuer::start();
    let of_issuer = Launch::new().with_issuer(issuer.url()).start();
    for (service, token) in [
        (&service, session["access_token"].as_str().unwrap()),
        (&of_secret, &tokens::token("ann")),
        (&of_issuer, &Signer::ed25519().token("ann")),
    ] {
        for (mode, revision) in [("auto", "2026-07-28"), ("legacy", "2025-11-25")] {
            let client = Client::new(service.url()).bearer(token);
            let url = client.uploaded(&pictures::png(64, 48)).await;
            let made = calls(&json!({
                "mode": mode,
                "url": format!("{}/mcp", service.url()),
                "token": token,
                "calls": [
                    ["refine_image", { "url": url, "prompt": "lighter" }],
                    ["refine_image", { "url": "http://127.0.0.1/a.png", "prompt": "lighter" }],
                    ["list_refinements", { "limit": 1 }],
                ],
            }));
            assert_eq!(made["revision"], revision);
            let results = &made["results"];
            let task = &results[0]["structuredContent"];
            assert_eq!(task["status"], "completed", "{made}");
            assert_eq!(results[1]["isError"], true, "{made}");
            let listed = &results[2]["structuredContent"]["tasks"][0];
            assert_eq!(listed["task_id"], task["task_id"], "{made}");
        }
    }
}
