//! Servers whose certificates a private authority has signed.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::issuer::{Issuer, Signer};
use concept_refinement_tests::pictures;
use concept_refinement_tests::receiver::Receiver;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tls::{self, TlsPort};
use serde_json::json;

use crate::originals::FAILED;
use crate::shared::{new_name, new_user, scripted_launch};

/// The same, by TLS.
fn encrypted(url: &str, authority: &str, port: &TlsPort) -> String {
    let plain = format!("http://{authority}");
    url.replace(&plain, &format!("https://localhost:{}", port.port()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_authority_of_the_operator_is_trusted_for_originals_and_webhooks() {
    let (origin, receiver) = (Origin::start(), Receiver::start());
    let [originals, hooks] = [origin.authority(), receiver.authority()]
        .map(|authority| TlsPort::before(authority.parse().unwrap()));
    let original = origin.picture(&pictures::png(8, 8));
    let original = encrypted(&original, &origin.authority(), &originals);
    let plain = receiver.hook([Reply::status(204)]);
    let hook = encrypted(&plain, &receiver.authority(), &hooks);
    let launch = || -> Launch {
        let launch = scripted_launch().set("allow-webhooks", "localhost");
        launch.set("allow-sources", "localhost")
    };
    let refined = async |client: &Client| {
        let hooked = json!({"webhook_url": hook});
        client.edited(&original, "echo it", &hooked).await
    };

    let authority = tls::file("authority.pem").display().to_string();
    let trusting = launch().set("ca-file", &authority).start();
    let client = new_user(&trusting);
    let task = refined(&client).await;
    assert_eq!(task["status"], "completed", "{task}");
    let webhook = format!("/api/tasks/{}/webhook", task["task_id"].as_str().unwrap());
    let told = eventually("it is told", SOON, async || {
        let webhook = client.get(&webhook).await.json();
        (webhook["state"] != "pending").then_some(webhook)
    });
    assert_eq!(told.await["state"], "delivered");
    assert_eq!(receiver.deliveries(&plain).len(), 1);

    let distrusting = launch().start();
    let task = refined(&new_user(&distrusting)).await;
    let problem = task["error_message"].as_str().unwrap_or_default();
    assert!(problem.starts_with(FAILED), "{task}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_authority_of_the_operator_is_trusted_for_issuers() {
    let issuer = Issuer::start();
    let authority = issuer.origin().authority();
    let encrypted = TlsPort::before(authority.parse().unwrap());
    let url = self::encrypted(issuer.url(), &authority, &encrypted);
    let launch = || Launch::new().with_issuer(&url);
    let trusted = tls::file("authority.pem").display().to_string();
    for (launch, expected) in [(launch().set("ca-file", &trusted), 200), (launch(), 503)] {
        let service = launch.start();
        let token = Signer::rsa().token(&new_name());
        let client = Client::new(service.url()).bearer(&token);
        let answer = client.get("/api/tasks").await;
        assert_eq!(answer.status, expected, "{answer:?}");
    }
}
