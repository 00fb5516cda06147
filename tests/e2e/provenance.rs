//! Where images come from: what is stored of a model's answer, what a concept and the image
//! itself say of it, by programs of others. Files of every shape are in the tables of the
//! domain, what providers get of an original in the tests of providers.

mod answers;
mod hostile;
mod lineage;
mod verifying;

use concept_refinement_domain::hex::hex;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::Picture;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::shared::origin;

/// The source of what a model of a provider answered.
const COMPOSITE: &str = "compositeWithTrainedAlgorithmicMedia";

/// A prompt that the scripted model answers with this picture.
fn answered_by(picture: &Picture) -> String {
    format!("location: {}", origin().picture(picture))
}

/// The concept of a task.
async fn concept(client: &Client, task: &Value) -> Value {
    assert_eq!(task["status"], "completed", "{task}");
    let id = task["result_id"].as_str().unwrap();
    let answer = client.get(&format!("/api/concepts/{id}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The image's bytes.
async fn image(client: &Client, concept: &Value) -> Vec<u8> {
    let answer = client.get(concept["image_url"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.to_vec()
}

/// The finished task of what was made of a concept.
async fn refined_further(client: &Client, parent: &Value, prompt: &str) -> Value {
    let body = json!({"original_concept_id": parent["id"], "refinement_prompt": prompt});
    let answer = client.post("/api/concepts/refine", &body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    client.finished(&answer.task_id()).await
}

/// What a concept says of these bytes.
fn provenance(source: Option<&str>, mark: &str, image: &[u8]) -> Value {
    json!({
        "source": source,
        "mark": mark,
        "sha256": hex(&Sha256::digest(image)),
        "original_had_credentials": false,
    })
}
