//! What was asked before is answered without asking again.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::stand_in::{automatic1111, openai};
use serde_json::json;

use super::launch;
use crate::pairs::image;

#[tokio::test]
async fn the_same_is_answered_without_asking_again() {
    let (provider, other) = (Provider::start(), Provider::start());
    let service = launch("cache(openai)", &provider.url(), &other.url()).start();
    let (first, second) = (pictures::png(50, 40), pictures::gif(20, 20));
    // Whoever asks again would get another one.
    let prompt = provider.prompt([openai::answer(&first), openai::answer(&second)]);
    let original = pictures::png(40, 30);
    let user = async || {
        let user = Client::session(service.url()).await;
        let url = user.uploaded(&original).await;
        (user, url)
    };
    for _ in 0..2 {
        let (user, url) = user().await;
        for _ in 0..2 {
            let task = user.refined(&url, &prompt).await;
            assert!(image(&user, &task).await == marked(&first));
        }
    }
    assert_eq!(provider.times(&prompt), 1, "of two users and four tasks");

    // Another image, and another prompt.
    let (user, url) = user().await;
    let elsewhere = user.uploaded(&pictures::png(41, 30)).await;
    let task = user.refined(&elsewhere, &prompt).await;
    assert!(image(&user, &task).await == marked(&second));
    assert_eq!(provider.times(&prompt), 2);
    let prompt = provider.prompt([openai::answer(&second)]);
    let task = user.refined(&url, &prompt).await;
    assert!(image(&user, &task).await == marked(&second));
    assert_eq!(provider.times(&prompt), 1);
}

#[tokio::test]
async fn no_failure_and_no_address_is_answered_again() {
    let (provider, other) = (Provider::start(), Provider::start());
    let service = launch("cache(openai)", &provider.url(), &other.url()).start();
    let picture = pictures::png(50, 40);
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    let served = provider.serve(Reply::picture(&picture));
    let address = Reply::json(200, &json!({"data": [{"url": served}]}));
    for (name, reply, status) in [
        ("a refusal", Reply::status(400), "failed"),
        ("no image", openai::in_base64("U29ycnku"), "failed"),
        ("an address", address, "completed"),
    ] {
        let prompt = provider.prompt([reply, openai::answer(&picture)]);
        let task = client.refined(&original, &prompt).await;
        assert_eq!(task["status"], status, "{name}: {task}");
        let task = client.refined(&original, &prompt).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        assert_eq!(provider.times(&prompt), 2, "{name}");
    }
}

/// The cache stands before the whole chain, and forgets nothing of it.
#[tokio::test]
async fn a_chain_is_nested_at_will() {
    let (first, second) = (Provider::start(), Provider::start());
    let chain = "cache(fallback(openai, automatic1111, local))";
    let service = launch(chain, &first.url(), &second.url()).start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    let picture = pictures::png(50, 40);

    let prompt = first.prompt([Reply::status(503)]);
    second.answers(&prompt, [automatic1111::answer(&picture)]);
    for _ in 0..2 {
        let task = client.refined(&original, &prompt).await;
        assert!(image(&client, &task).await == marked(&picture));
    }
    assert_eq!((first.times(&prompt), second.times(&prompt)), (1, 1));

    // The last link computes.
    let prompt = first.prompt([Reply::status(503)]);
    second.answers(&prompt, [Reply::status(503)]);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let task = client.refined(&original, &prompt).await;
        answers.push(image(&client, &task).await);
    }
    assert!(answers[0] == answers[1] && !answers[0].is_empty());
    assert_eq!((first.times(&prompt), second.times(&prompt)), (1, 1));
}
