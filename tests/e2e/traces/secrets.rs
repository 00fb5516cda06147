//! What is never in a trace.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::collector::Collector;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::tokens::{SECRET, token};
use reqwest::Method;

use crate::shared::{new_name, origin, scripted_launch};
use crate::webhooks::{accepted, receiver};

const PROMPT: &str = "refuse: a customer whom nobody may know";

#[tokio::test]
async fn no_secret_prompt_url_or_user_is_in_a_trace() {
    let collector = Collector::start();
    let launch = scripted_launch().set("allow-webhooks", "127.0.0.1");
    let service = collector.of(launch).start();
    let user = new_name();
    let good = token(&user);
    let anybody = Client::new(service.url());
    let client = anybody.bearer(&good);
    let original = client.uploaded(&pictures::png(8, 8)).await;
    let hook = receiver().hook([Reply::status(404), Reply::status(200)]);
    let done = accepted(&client, "echo it", &hook).await;
    let task = client.finished(&done).await;
    let image_url = task["image_url"].as_str().unwrap().to_owned();
    anybody.get(&image_url).await;
    anybody.get(&format!("{image_url}x")).await;
    client.refined(&original, PROMPT).await;
    client.refined(&original, "trap now").await;
    let remote = origin().serve(Reply::status(403));
    client
        .refined(&format!("{remote}?token=of-the-original"), PROMPT)
        .await;
    anybody
        .bearer("of-nobody")
        .get("/api/tasks?cursor=unreadable")
        .await;
    client
        .send(Method::GET, "/nowhere/that-anybody-knows?q=quiet", "")
        .await;
    service.stop();

    let (_, signature) = image_url.split_once("signature=").unwrap();
    let path = hook.trim_start_matches("http://");
    let bodies: Vec<_> = collector.requests().into_iter().map(|it| it.body).collect();
    assert!(!bodies.is_empty());
    for secret in [
        "echo it",
        "trap now",
        "nobody may know",
        "of-the-original",
        "of-nobody",
        "unreadable",
        "anybody-knows",
        "quiet",
        SECRET,
        signature,
        path,
        &user,
        &good,
        &original,
        &remote,
    ] {
        let has_it = |body: &Vec<u8>| {
            let mut windows = body.windows(secret.len());
            windows.any(|window| window == secret.as_bytes())
        };
        assert!(!bodies.iter().any(has_it), "{secret}");
    }
}
