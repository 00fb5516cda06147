//! Names that lead to private addresses: the host within this process, with a
//! resolver that says what the test wants.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::{Origin, Reply};
use serde_json::{Value, json};

use super::{attempted, redeliver};
use crate::rebinding::{ALLOWED, HERE, Names, host};

const FORBIDDEN: &str = "The receiver's address may not be connected to.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_goes_to_no_private_address_whatever_its_name_says() {
    let forbidden = Origin::start();
    let port = forbidden.port();
    let allowed = Origin::start_at(SocketAddr::new(ALLOWED, port));
    for origin in [&allowed, &forbidden] {
        origin.serve_at("/hook", Reply::status(200));
    }
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let in_another_form = ["::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"].map(address);
    let names = Names::default()
        .name("good.test", &[&[ALLOWED]])
        .name("changing.test", &[&[ALLOWED], &[HERE]])
        .name("loopback.test", &[&[HERE]])
        .name("private.test", &[&[address("10.1.2.3")]])
        .name("metadata.test", &[&[address("169.254.169.254")]])
        .name("forms.test", &[&in_another_form]);
    let settings = [("allow-webhooks", "127.0.0.2/32,good.test,changing.test:1")];
    let host = host(Arc::new(names), &settings).await;
    let base = format!("http://{}", host.address());
    let refine = async |url: &str| {
        let client = Client::session(&base).await;
        let body = json!({
            "original_image_url": client.uploaded(&pictures::png(8, 8)).await,
            "refinement_prompt": "instant",
            "webhook_url": url,
        });
        let answer = client.post("/api/concepts/refine", &body).await;
        (client, answer)
    };

    // What the URL shows is refused at once.
    for url in [
        format!("http://loopback.test:{port}/hook"),
        format!("https://127.0.0.1:{port}/hook"),
    ] {
        let (_, answer) = refine(&url).await;
        assert_eq!(answer.status, 422, "{url}: {answer:?}");
        assert!(
            answer.json()["field_errors"]["webhook_url"].is_array(),
            "{url}: {answer:?}"
        );
    }
    // What a name leads to, when it is connected to.
    for name in ["loopback", "private", "metadata", "forms"] {
        let (client, answer) = refine(&format!("https://{name}.test:{port}/hook")).await;
        let told = attempted(&client, &answer.task_id(), 1).await;
        let attempt = &told["attempts"][0];
        assert_eq!(attempt["error"], FORBIDDEN, "{name}: {told}");
        assert_eq!(attempt["status"], Value::Null, "{name}: {told}");
    }
    // The first answer is allowed, though nothing there speaks TLS; the second not.
    let (client, answer) = refine(&format!("https://changing.test:{port}/hook")).await;
    let told = attempted(&client, &answer.task_id(), 1).await;
    assert_ne!(told["attempts"][0]["error"], FORBIDDEN, "{told}");
    let told = attempted(&client, &answer.task_id(), 2).await;
    assert_eq!(told["attempts"][1]["error"], FORBIDDEN, "{told}");
    // And who is allowed is told, over http too.
    let (client, answer) = refine(&format!("http://good.test:{port}/hook")).await;
    let told = attempted(&client, &answer.task_id(), 1).await;
    assert_eq!(told["state"], "delivered", "{told}");
    assert_eq!(redeliver(&client, &answer.task_id()).await, 202);

    assert_eq!(forbidden.connections(), 0);
    host.stop().await;
}
