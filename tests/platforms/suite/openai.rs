//! OpenAI's door.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::openai::{EDITS, Form, error, image, named, tasks};
use concept_refinement_tests::pictures;
use concept_refinement_tests::platform::{local, new_user, origin, scripted};
use serde_json::{Value, json};

use crate::Platform;

/// By a form and by JSON, with an answer that is the image as it is stored.
pub async fn an_edit_is_answered_with_its_image<P: Platform>() {
    let picture = pictures::png(64, 48);
    let client = Client::session(local::<P>().url()).await;
    let form = Form::edit(&picture, "make it lighter").send(&client).await;
    let body = named(&origin().picture(&picture), "make it lighter");
    for answer in [form, client.post(EDITS, &body).await] {
        let made = image(&answer);
        assert!(made.starts_with(b"\x89PNG"), "{answer:?}");
        let tasks = tasks(&client).await;
        let stored = async |task: &Value| client.get(task["image_url"].as_str().unwrap()).await;
        let of_some = futures::future::join_all(tasks.iter().map(stored)).await;
        assert!(
            of_some.iter().any(|stored| stored.body == made),
            "{tasks:?}"
        );
    }
    assert_eq!(tasks(&client).await.len(), 2);
}

pub async fn what_cannot_be_honoured_is_refused<P: Platform>() {
    let client = new_user(scripted::<P>());
    let form = Form::edit(&pictures::png(8, 8), "echo it").field("n", "2");
    let answer = form.send(&client).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let error = error(&answer);
    assert_eq!(error["param"], "n");
    assert_eq!(error["code"], "unsupported_value");
    assert_eq!(tasks(&client).await, [json!(null); 0]);
}

/// One that a client sends again by itself; whoever asks anew gets another image.
pub async fn a_repeat_joins_its_task<P: Platform>() {
    let client = new_user(scripted::<P>());
    let form = Form::edit(&pictures::png(8, 8), "echo it");
    let first = image(&form.send(&client).await);
    let repeat = client.with("x-stainless-retry-count", "1");
    assert!(image(&form.send(&repeat).await) == first);
    assert_eq!(tasks(&client).await.len(), 1);
    image(&form.send(&client).await);
    assert_eq!(tasks(&client).await.len(), 2);
}
