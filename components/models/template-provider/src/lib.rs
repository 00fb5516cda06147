//! A model that calls a provider, to be changed for the API of yours.
//!
//! The provider here is invented. `POST /v1/edits` takes JSON with a prompt and an image in
//! base64, and answers `{"id"}`; `GET /v1/edits/ID` answers 202 while it works, then 200
//! with a PNG. `examples/stand_in.rs` is such a provider.
//!
//! Everything is plain Rust over the trait [`Ports`], so that `cargo test` tests it without
//! a component and without a network.

#![allow(
    async_fn_in_trait,
    reason = "an instance runs on one thread: its futures need not be Send"
)]

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// What the model needs from outside.
pub trait Ports {
    /// Sends a request to the provider: a path below its URL, and for a POST its body.
    async fn send(&self, path: &str, body: Option<Vec<u8>>) -> Result<Response, Error>;

    /// Stores the receipt with the task, durably. An empty one discards the one before.
    async fn keep(&self, receipt: &str) -> Result<(), Error>;

    /// Tells the service what the work cost, in millionths of a US dollar, in place of the price
    /// that its operator has set.
    async fn cost(&self, cost: u64) -> Result<(), Error>;

    /// Waits until the provider is asked again.
    async fn pause(&self);
}

/// An answer of the provider.
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

/// What is to be done.
pub struct Job {
    pub task_id: String,
    pub image: Vec<u8>,
    pub prompt: String,
    /// From 0 (no change) to 1.
    pub strength: f32,
    /// What an earlier call for this task has kept.
    pub receipt: Option<String>,
}

/// Why there is no image, in a sentence for the user. It must not contain the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The provider did not accept the request. The service repeats the call.
    Unavailable(String),
    /// Nobody knows whether the provider accepted the request, so a repeat may cost again.
    Unknown(String),
    /// The provider refused the key.
    Unauthorized(String),
    /// A repeat cannot help. This does not tell whether the provider accepted the request.
    Refused(String),
}

/// Asks the provider for the image, once: work that it has accepted is paid for, so its id
/// is kept as a receipt before anything else, and a later call for the same task asks for
/// that work.
pub async fn refine(ports: &impl Ports, job: &Job) -> Result<Vec<u8>, Error> {
    let kept = job.receipt.as_deref().and_then(|kept| kept.split_once(' '));
    let Some((task_id, id)) = kept else {
        return result(ports, &submit(ports, job).await?).await;
    };
    match result(ports, id).await {
        // The receipt is of a failed task that an operator retries: new work is wanted.
        Err(Error::Refused(_)) if task_id != job.task_id => {
            ports.keep("").await?;
            result(ports, &submit(ports, job).await?).await
        }
        refined => refined,
    }
}

/// Requests new work, and returns its id.
async fn submit(ports: &impl Ports, job: &Job) -> Result<String, Error> {
    let body = json!({
        "prompt": job.prompt,
        "strength": job.strength,
        "image": BASE64_STANDARD.encode(&job.image),
    });
    let response = ports
        .send("/v1/edits", Some(body.to_string().into_bytes()))
        .await?;
    if !(200..300).contains(&response.status) {
        let problem = problem(&response);
        if let Error::Refused(_) = problem {
            // Otherwise the user's budget would hold a price for it. What the provider says
            // matters more than whether this can be stored.
            let _ = ports.cost(0).await;
        }
        return Err(problem);
    }
    let id = text(&response, "id").filter(|id| is_id(id));
    let id = id.ok_or_else(|| Error::Unknown("the provider did not name its work".to_owned()))?;
    ports.keep(&format!("{} {id}", job.task_id)).await?;
    Ok(id)
}

/// Waits for the result of this work.
async fn result(ports: &impl Ports, id: &str) -> Result<Vec<u8>, Error> {
    loop {
        let response = ports.send(&format!("/v1/edits/{id}"), None).await?;
        match response.status {
            200 => return Ok(response.body),
            202 => ports.pause().await,
            _ => return Err(problem(&response)),
        }
    }
}

/// Whether it is safe as a part of a path.
fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !id.is_empty() && id.len() <= 100 && id.bytes().all(is_plain)
}

/// A text of the provider's JSON.
fn text(response: &Response, name: &str) -> Option<String> {
    let answer: Value = serde_json::from_slice(&response.body).ok()?;
    Some(answer.get(name)?.as_str()?.to_owned())
}

fn problem(response: &Response) -> Error {
    let said = text(response, "error").unwrap_or_else(|| "no reason given".to_owned());
    let sentence = format!("the provider answered {}: {said}", response.status);
    match response.status {
        401 | 403 => Error::Unauthorized("the provider refused the key".to_owned()),
        429 | 503 => Error::Unavailable(sentence),
        500.. => Error::Unknown(sentence),
        _ => Error::Refused(sentence),
    }
}
