//! The models of Black Forest Labs as an image model.
//!
//! Formats: `POST /v1/{model}` and `GET /v1/get_result`, in the API reference (its
//! OpenAPI document) and the pages on integration and errors, as of November 2026. The
//! names of models are those of the paths, as `flux-2-pro` and `flux-kontext-max`.
//!
//! Work is polled at an address that the provider answers, on one of several hosts below
//! its domain. The address is the receipt. It is checked before anything is sent to it,
//! also when it was stored, and the key goes nowhere else. The image is at another
//! address for ten minutes, so that it is downloaded at once.
//!
//! There is neither strength nor mask, and no documented idempotency key.

mod place;
mod status;
#[cfg(test)]
mod tests;

use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::provider::{self, Profile};
use concept_refinement_model_provider::{
    Address, Answer, Body, Contents, Error, HttpRequest, MAX_JSON_WITH_IMAGE, Model, Outcome,
    Ports, Question, Receipt, Reply, Response, Settings, Stage, Taken, answer, ask, is_segment,
    json, outcome, paid_if_unusable, reply, success,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct Bfl;

concept_refinement_model_provider::export_model!(Bfl);

const PROFILE: &Profile = provider::Provider::Bfl.profile();

/// Longest answer to a request for work, in bytes.
const MAX_JSON: u64 = 64 << 10;

/// Micro-dollars in a credit (the pages on pricing).
const CREDIT: f64 = 10_000.0;

/// More than any work costs, in micro-dollars.
const MAX_COST: f64 = 1e12;

#[derive(Serialize)]
struct Fields<'a> {
    prompt: &'a str,
    output_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
}

/// The answer to a request for work.
#[derive(Deserialize)]
struct Accepted {
    #[serde(flatten)]
    work: Work,
    /// In credits. Whatever else it is, the work was accepted.
    #[serde(default)]
    cost: Value,
}

/// Accepted work.
#[derive(Deserialize, Serialize)]
struct Work {
    /// Where it is polled.
    polling_url: String,
}

impl Model for Bfl {
    const DESCRIPTION: &'static str =
        "Images are refined by Black Forest Labs, which gets the image and the prompt.";

    fn takes(_: &Settings, _: bool) -> Vec<Taken> {
        vec![Taken::Seed]
    }

    async fn refine(
        ports: &impl Ports,
        settings: &Settings,
        question: Question,
        original: Contents,
    ) -> Result<Answer, Error> {
        let service = Service { ports, settings };
        let task = question.task_id.as_str();
        if let Some(receipt) = Receipt::<Work>::of(question.receipt.as_deref()) {
            let outcome = match place::allowed(&receipt.work.polling_url, &settings.base) {
                Some(address) => service.outcome(&address).await?,
                None => Outcome::Gone(Error::of_address()),
            };
            let is_same_task = receipt.is_of(task);
            if let Some(answer) = outcome.earlier_answer(ports, is_same_task).await? {
                return Ok(answer);
            }
        }
        let Accepted { work, cost } = service.start(&question, original).await?;
        let address = place::allowed(&work.polling_url, &settings.base);
        // An operator may look for what was paid for, wherever it is.
        Receipt::new(work, task).keep(ports).await;
        if let Some(usage) = cost.as_f64().and_then(usage) {
            ports.add_usage(&usage).await;
        }
        let address = address.ok_or_else(Error::of_address)?;
        service.outcome(&address).await?.answer()
    }
}

/// What so many credits are in dollars: a cent each. None: that cannot be.
fn usage(credits: f64) -> Option<Usage> {
    let cost = (credits * CREDIT).round();
    (0.0..=MAX_COST).contains(&cost).then_some(Usage {
        cost: Some(cost as u64),
        ..Usage::default()
    })
}

struct Service<'a, P> {
    ports: &'a P,
    settings: &'a Settings,
}

impl<P: Ports> Service<'_, P> {
    /// Requests work.
    async fn start(&self, question: &Question, original: Contents) -> Result<Accepted, Error> {
        let name = self.settings.name_or_default(PROFILE);
        if !is_segment(name) {
            let problem = "must be the last part of a model's path, as flux-2-pro";
            return Err(self.settings.refused("name", problem));
        }
        let fields = Fields {
            prompt: &question.prompt,
            output_format: "png",
            seed: question.seed,
        };
        let body = Body::json_with_image(&fields, "input_image", ("\"", "\""), original)?;
        let request = HttpRequest::post(format!("/v1/{name}"), "application/json", body)
            .with("x-key", self.settings.key.clone());
        let response = ask(self.ports, self.settings, request).await?;
        paid_if_unusable(self.ports, json(response, MAX_JSON).await).await
    }

    /// Polls work until it has ended.
    async fn outcome(&self, address: &Address) -> Result<Outcome, Error> {
        outcome(self.ports, async || self.look(address).await).await
    }

    /// Polls work once, and downloads its image if there is one.
    async fn look(&self, address: &Address) -> Result<Stage, Error> {
        let response = self.get(address, self.settings.key.clone()).await?;
        if response.status == 404 {
            return Ok(Stage::Ended(Outcome::gone("the provider answered 404")));
        }
        let response = success(self.ports, self.settings, response).await?;
        let Reply::Json(json) = reply(response, MAX_JSON_WITH_IMAGE).await? else {
            return Err(Error::broken("the provider answered an image unasked"));
        };
        match status::read(&json, self.settings)? {
            Stage::Ended(Outcome::Answer(Answer::Location(url))) => {
                self.delivered(url).await.map(Stage::Ended)
            }
            stage => Ok(stage),
        }
    }

    /// The image at this URL, which needs no key. Where the model may not download it, its
    /// caller may.
    async fn delivered(&self, url: String) -> Result<Outcome, Error> {
        let Some(address) = place::allowed(&url, &self.settings.base) else {
            return Ok(Outcome::Answer(Answer::Location(url)));
        };
        let response = self.get(&address, None).await?;
        if matches!(response.status, 403 | 404 | 410) {
            return Ok(Outcome::gone("the provider has removed the image"));
        }
        let response = success(self.ports, self.settings, response).await?;
        match answer(response, self.settings).await {
            Ok(answer) => Ok(Outcome::Answer(answer)),
            Err(error) if error.is_repeatable() => Err(error),
            Err(error) => Ok(Outcome::Failed(error)),
        }
    }

    async fn get(&self, address: &Address, key: Option<String>) -> Result<Response, Error> {
        let request = HttpRequest::get(&address.path).with("x-key", key);
        self.ports.send(&address.origin, request).await
    }
}
