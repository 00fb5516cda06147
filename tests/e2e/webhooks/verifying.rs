//! Deliveries are verified by the official libraries of Standard Webhooks, of PyPI
//! and of npm.

use std::path::Path;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::provider::Asked;
use concept_refinement_tests::reaper::fed;
use concept_refinement_tests::server::Reply;
use serde_json::{Value, json};

use super::{accepted, attempted, launch, receiver, redeliver};
use crate::shared::{new_name, new_user};

async fn secret(client: &Client) -> String {
    let answer = client.get("/api/webhooks/secret").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["secret"].as_str().unwrap().to_owned()
}

/// What each library says: the event's type, or none if it refuses.
fn verified(secret: &str, delivery: &Asked) -> [Option<String>; 2] {
    let header = |name: &str| delivery.header(name).unwrap();
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: Value = headers
        .map(|name| (name.to_owned(), header(name).into()))
        .into_iter()
        .collect::<serde_json::Map<_, _>>()
        .into();
    let body = String::from_utf8(delivery.body.clone()).unwrap();
    let given = json!({"secret": secret, "headers": headers, "body": body}).to_string();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/webhooks");
    let python = artifacts::webhooks_python();
    let modules = python.ancestors().nth(2).unwrap().join("node_modules");
    let mut of_python = Command::new(&python);
    of_python.arg(scripts.join("verify.py"));
    let mut of_npm = Command::new("node");
    of_npm
        .arg(scripts.join("verify.js"))
        .env("NODE_PATH", modules);
    [of_python, of_npm].map(|mut command| {
        let output = fed(&mut command, given.as_bytes());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            assert!(said.contains("No matching signature found"), "{said}");
            return None;
        }
        Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    })
}

fn of_both(event: &str) -> [Option<String>; 2] {
    [Some(event.to_owned()), Some(event.to_owned())]
}

#[tokio::test]
async fn the_official_libraries_verify_a_delivery_with_its_users_key_alone() {
    let service = launch().start();
    let [ada, bob] = [(); 2].map(|()| new_user(&service));
    let (of_ada, of_bob) = (secret(&ada).await, secret(&bob).await);
    assert_ne!(of_ada, of_bob);
    assert!(of_ada.starts_with("whsec_"), "{of_ada}");
    for (prompt, event) in [("instant", "task.completed"), ("refuse: ü", "task.failed")] {
        let hook = receiver().hook([Reply::status(200)]);
        let id = accepted(&ada, prompt, &hook).await;
        attempted(&ada, &id, 1).await;
        let mut delivery = receiver().deliveries(&hook).remove(0);
        assert_eq!(verified(&of_ada, &delivery), of_both(event));
        assert_eq!(verified(&of_bob, &delivery), [None, None]);
        *delivery.body.last_mut().unwrap() = b' ';
        assert_eq!(verified(&of_ada, &delivery), [None, None]);
    }
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_keys_verify() {
    const OLD: &str = "the old secret of the webhooks";
    const NEW: &str = "the new secret of the webhooks";
    let name = new_name();
    let hook = receiver().hook([Reply::status(200)]);
    let launch = launch();
    let with = |secret: &str| launch.clone().variable("REFINEMENT_WEBHOOK_SECRET", secret);
    let service = with(OLD).start();
    let client = Client::user(service.url(), &name);
    let of_old = secret(&client).await;
    let id = accepted(&client, "instant", &hook).await;
    attempted(&client, &id, 1).await;
    service.stop();

    let service = with(&format!("{NEW},{OLD}")).start();
    let client = Client::user(service.url(), &name);
    let of_new = secret(&client).await;
    assert_ne!(of_new, of_old);
    assert_eq!(redeliver(&client, &id).await, 202);
    attempted(&client, &id, 2).await;
    service.stop();

    let service = with(NEW).start();
    let client = Client::user(service.url(), &name);
    assert_eq!(secret(&client).await, of_new);
    assert_eq!(redeliver(&client, &id).await, 202);
    attempted(&client, &id, 3).await;

    let deliveries = receiver().deliveries(&hook);
    let event = || of_both("task.completed");
    for (delivery, by_old, by_new, signatures) in [
        (&deliveries[0], event(), [None, None], 1),
        (&deliveries[1], event(), event(), 2),
        (&deliveries[2], [None, None], event(), 1),
    ] {
        assert_eq!(verified(&of_old, delivery), by_old);
        assert_eq!(verified(&of_new, delivery), by_new);
        let signature = delivery.header("webhook-signature").unwrap();
        assert_eq!(signature.split(' ').count(), signatures);
    }
}
