//! The models of fal as an image model.
//!
//! Formats: the queue (`POST /{model}`, and the addresses of status and result that it
//! answers) and the errors, in the reference of the Inference API as of November 2026.
//! Each model names its own inputs.
//!
//! The two addresses are the receipt: a request is polled again, however often polling
//! fails. They are checked before anything is sent to them, also when they were stored,
//! and the key goes nowhere else. fal forgets a result within an hour, or after six
//! minutes if it is large, but not its image: so the address of the image is stored too.
//!
//! fal does not repeat failed requests here, since the caller does: each is then in its
//! time. What waits in the queue longer than the task may take is not begun.

mod result;
mod status;
#[cfg(test)]
mod tests;

use std::time::Duration;

use concept_refinement_domain::provider::{self, Profile};
use concept_refinement_model_provider::{
    Address, Answer, Base, Contents, Error, HttpRequest, Input, MAX_JSON_WITH_IMAGE, Model,
    Outcome, Ports, Question, Receipt, Reply, Response, Settings, Stage, Taken, ask, is_segment,
    json, outcome, paid_if_unusable, reply, success,
};
use serde::{Deserialize, Serialize};

use status::Status;

pub struct Fal;

concept_refinement_model_provider::export_model!(Fal);

const PROFILE: &Profile = provider::Provider::Fal.profile();

/// The shortest time for which a request may wait: clients of the API want more than a second.
const MIN_TIME: Duration = Duration::from_secs(2);

/// Longest answer about a request, in bytes: it may contain logs.
const MAX_JSON: u64 = 1 << 20;

/// An accepted request.
#[derive(Deserialize, Serialize)]
struct Work {
    status_url: String,
    response_url: String,
}

/// Where an accepted request is asked about.
struct Places {
    status: Address,
    response: Address,
}

impl Places {
    /// None: one of them is not at the provider.
    fn of(work: &Work, base: &Base) -> Option<Self> {
        let own = |url| Address::parse(url).filter(|address| address.has_origin_of(base));
        Some(Self {
            status: own(&work.status_url)?,
            response: own(&work.response_url)?,
        })
    }
}

impl Model for Fal {
    const DESCRIPTION: &'static str =
        "Images are refined by a model at fal, which gets the image and the prompt.";

    fn takes(settings: &Settings, _: bool) -> Vec<Taken> {
        Input::takes(settings)
    }

    async fn refine(
        ports: &impl Ports,
        settings: &Settings,
        question: Question,
        original: Contents,
    ) -> Result<Answer, Error> {
        let queue = Queue { ports, settings };
        let task = question.task_id.as_str();
        if let Some(receipt) = Receipt::<Work>::of(question.receipt.as_deref()) {
            let is_same_task = receipt.is_of(task);
            let outcome = queue.earlier(receipt, task).await?;
            if let Some(answer) = outcome.earlier_answer(ports, is_same_task).await? {
                return Ok(answer);
            }
        }
        let work = queue.submit(&question, original).await?;
        let places = Places::of(&work, &settings.base);
        // An operator may look for what was paid for, wherever it is.
        let receipt = Receipt::new(work, task);
        receipt.keep(ports).await;
        let places = places.ok_or_else(Error::of_address)?;
        let outcome = queue.outcome(&places).await?;
        receipt.keep_output(ports, task, &outcome).await;
        outcome.answer()
    }
}

struct Queue<'a, P> {
    ports: &'a P,
    settings: &'a Settings,
}

impl<P: Ports> Queue<'_, P> {
    async fn submit(&self, question: &Question, original: Contents) -> Result<Work, Error> {
        let name = self.settings.name_or_default(PROFILE);
        if !is_model(name) {
            return Err(self
                .settings
                .refused("name", "must be OWNER/NAME, maybe with more parts"));
        }
        let usual = match Some(name) == PROFILE.model {
            true => "image_urls[]",
            false => "image_url",
        };
        let input = Input::of(self.settings, usual);
        let body = input.with_data(question, self.settings, original)?;
        let seconds = question.time_left.max(MIN_TIME).as_secs();
        let request = HttpRequest::post(format!("/{name}"), "application/json", body)
            .with("authorization", self.authorization())
            .with("x-fal-no-retry", Some("1".to_owned()))
            .with("x-fal-request-timeout", Some(seconds.to_string()));
        let response = ask(self.ports, self.settings, request).await?;
        paid_if_unusable(self.ports, json(response, MAX_JSON).await).await
    }

    /// The outcome of a request that an earlier call submitted.
    async fn earlier(&self, receipt: Receipt<Work>, task: &str) -> Result<Outcome, Error> {
        if let Some(url) = receipt.output {
            return Ok(Outcome::Answer(Answer::Location(url)));
        }
        let Some(places) = Places::of(&receipt.work, &self.settings.base) else {
            return Ok(Outcome::Gone(Error::of_address()));
        };
        let outcome = self.outcome(&places).await?;
        receipt.keep_output(self.ports, task, &outcome).await;
        Ok(outcome)
    }

    /// Polls a request until it has ended.
    async fn outcome(&self, places: &Places) -> Result<Outcome, Error> {
        outcome(self.ports, async || self.look(places).await).await
    }

    /// Polls a request once, and reads its result if there is one.
    async fn look(&self, places: &Places) -> Result<Stage, Error> {
        let response = self.get(&places.status).await?;
        if response.status == 404 {
            return Ok(Stage::Ended(result::forgotten()));
        }
        let response = success(self.ports, self.settings, response).await?;
        let Reply::Json(json) = reply(response, MAX_JSON).await? else {
            return Err(Error::broken("the provider answered an image unasked"));
        };
        let Status::Ended { failure } = status::read(&json, self.settings)? else {
            return Ok(Stage::Running);
        };
        let outcome = match (self.result(&places.response).await, failure) {
            (Ok(outcome), _) => outcome,
            (Err(_), Some(failure)) => Outcome::Failed(failure),
            (Err(error), None) => return Err(error),
        };
        Ok(Stage::Ended(outcome))
    }

    /// Reads what the model answered. An error: the provider does not tell it.
    async fn result(&self, address: &Address) -> Result<Outcome, Error> {
        let response = self.get(address).await?;
        let (status, retry_after) = (response.status, response.retry_after.clone());
        let is_success = matches!(status, 200..=299);
        let json = match reply(response, MAX_JSON_WITH_IMAGE).await {
            Ok(Reply::Image(answer)) if is_success => return Ok(Outcome::Answer(answer)),
            Ok(Reply::Json(json)) => json,
            Err(error) if is_success => return Err(error),
            Ok(Reply::Image(_)) | Err(_) => Vec::new(),
        };
        result::read(status, &json, self.settings).ok_or_else(|| {
            let (has_key, now) = (self.settings.key.is_some(), self.ports.now());
            Error::of_status(status, has_key, None, retry_after.as_deref(), now)
        })
    }

    async fn get(&self, address: &Address) -> Result<Response, Error> {
        let request = HttpRequest::get(&address.path).with("authorization", self.authorization());
        self.ports.send(&address.origin, request).await
    }

    fn authorization(&self) -> Option<String> {
        let key = self.settings.key.as_ref()?;
        Some(format!("Key {key}"))
    }
}

/// Whether it is the name of a model: an owner, a name, and maybe more.
fn is_model(name: &str) -> bool {
    name.contains('/') && name.split('/').all(is_segment)
}
