//! OpenAI's own clients, of PyPI and of npm, which know only another address: what they
//! send is understood, and what they are answered they take for what it is.

mod answers;
mod errors;
mod program;
mod repeats;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::openai::tasks;
use serde_json::Value;

/// The image within an answer or an event.
fn image(holder: &Value) -> Vec<u8> {
    let image = holder["b64_json"].as_str();
    let image = image.unwrap_or_else(|| panic!("no image: {holder}"));
    BASE64_STANDARD.decode(image).unwrap()
}

/// The image of the newest task, as it is stored.
async fn newest(client: &Client) -> Vec<u8> {
    let tasks = tasks(client).await;
    let url = tasks[0]["image_url"].as_str().unwrap();
    client.get(url).await.body.to_vec()
}
