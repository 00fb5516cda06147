//! `GET /v1/models`: this service's model, as OpenAI's API lists models.

use serde_json::json;

use super::answer::{Answer, json};
use crate::ports::Ports;
use crate::request::Request;
use crate::state::State;

pub async fn list<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    state.auth.reader(request).await?;
    let model = json!({
        "id": state.config.model,
        "object": "model",
        // Nobody knows when it was made.
        "created": 0,
        "owned_by": "concept-refinement",
    });
    json(200, &json!({"object": "list", "data": [model]}))
}
