//! The state of a task's webhook, redelivery requests, and the key of the caller's
//! webhooks.

use concept_refinement_domain::validation;
use concept_refinement_domain::webhook::Redelivery;
use serde_json::json;

use super::answer::{Answer, json};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::representation::WebhookResponse;
use crate::request::Request;
use crate::state::State;

pub const NO_WEBHOOK: Problem = Problem::NotFound("There is no such task, or it has no webhook.");
pub const PENDING: Problem =
    Problem::Conflict("The task has not ended, or a delivery is still pending.");

pub const TOO_OFTEN: Problem = Problem::TooOften {
    detail: "Too many redeliveries were requested. Try again later.",
    retry_after: 15,
};

/// The secret that the keys are derived from is not known yet.
const NOT_YET: Problem =
    Problem::unavailable("The key cannot be had at the moment. Try again later.", 1);

pub async fn get<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let caller = state.auth.reader(request).await?;
    let id = validation::uuid(id).ok_or(NO_WEBHOOK)?;
    let delivery = state.ports.webhook(&caller.user, &id).await?;
    json(200, &WebhookResponse::new(&delivery.ok_or(NO_WEBHOOK)?))
}

pub async fn redeliver<P: Ports>(state: &State<P>, request: &Request, id: &str) -> Answer<P> {
    let caller = state.auth.writer(request).await?;
    let id = validation::uuid(id).ok_or(NO_WEBHOOK)?;
    match state.ports.redeliver(&caller.user, &id).await? {
        Redelivery::None => Err(NO_WEBHOOK),
        Redelivery::Pending => Err(PENDING),
        Redelivery::TooOften => Err(TOO_OFTEN),
        Redelivery::Requested => {
            let delivery = state.ports.webhook(&caller.user, &id).await?;
            json(202, &WebhookResponse::new(&delivery.ok_or(NO_WEBHOOK)?))
        }
    }
}

pub async fn secret<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let caller = state.auth.reader(request).await?;
    let secrets = state.config.webhook_secrets.as_ref().ok_or(NOT_YET)?;
    let secret = secrets.key_of(&caller.user).secret();
    json(200, &json!({"secret": secret}))
}
