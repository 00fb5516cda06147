//! Replicate itself: a prediction is created, and polled until it has ended.
//!
//! Its id is the receipt: an existing prediction is polled again, however often polling
//! fails, and no other one is created, unless an operator retries a task whose prediction
//! failed.

use std::time::Duration;

use concept_refinement_model_provider::{
    Answer, Contents, Error, HttpRequest, Input, MAX_JSON_WITH_IMAGE, Multipart, Outcome, Ports,
    Question, Receipt, Reply, Response, Settings, Stage, ask, exchange, free_if_refused,
    is_segment, json, outcome, paid_if_unusable, reply, success,
};
use serde::{Deserialize, Serialize};

use crate::PROFILE;
use crate::prediction::read;

/// Larger originals are uploaded first, as the reference requires; in bytes.
const MAX_DATA_URL: u64 = 256 << 10;

/// The shortest time after which Replicate cancels a prediction.
const MIN_TIME: Duration = Duration::from_secs(5);

const MAX_FILE_JSON: u64 = 64 << 10;

#[derive(Deserialize)]
struct File {
    urls: Urls,
}

#[derive(Deserialize)]
struct Urls {
    get: String,
}

/// An accepted prediction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Prediction {
    id: String,
}

/// Replicate, as it is configured.
pub struct Service<'a, P> {
    pub ports: &'a P,
    pub settings: &'a Settings,
}

impl<P: Ports> Service<'_, P> {
    pub async fn refine(
        &self,
        name: &str,
        question: &Question,
        original: Contents,
    ) -> Result<Answer, Error> {
        let task = question.task_id.as_str();
        let receipt = Receipt::<Prediction>::of(question.receipt.as_deref());
        if let Some(receipt) = receipt.filter(|receipt| is_segment(&receipt.work.id)) {
            let is_same_task = receipt.is_of(task);
            let outcome = self.earlier(receipt, task).await?;
            if let Some(answer) = outcome.earlier_answer(self.ports, is_same_task).await? {
                return Ok(answer);
            }
        }
        let response = self.make(name, question, original).await?;
        paid_if_unusable(self.ports, self.made(task, response).await).await
    }

    /// The answer of the prediction that this response is about.
    async fn made(&self, task: &str, response: Response) -> Result<Answer, Error> {
        let said = prediction(response).await?;
        let (id, made) = read(&said, self.settings)?;
        let id = id.filter(|id| is_segment(id));
        let receipt = id.map(|id| Receipt::new(Prediction { id }, task));
        let outcome = match (made, &receipt) {
            (Stage::Ended(outcome), _) => outcome,
            (Stage::Running, None) => {
                return Err(Error::broken("the provider did not name the prediction"));
            }
            (Stage::Running, Some(receipt)) => {
                receipt.keep(self.ports).await;
                self.ended(&receipt.work.id).await?
            }
        };
        if let Some(receipt) = receipt {
            receipt.keep_output(self.ports, task, &outcome).await;
        }
        outcome.answer()
    }

    /// The outcome of a prediction that an earlier call created.
    async fn earlier(&self, receipt: Receipt<Prediction>, task: &str) -> Result<Outcome, Error> {
        let id = &receipt.work.id;
        let Some(url) = receipt.output else {
            let outcome = self.ended(id).await?;
            receipt.keep_output(self.ports, task, &outcome).await;
            return Ok(outcome);
        };
        // Outputs are removed after an hour. Without knowing whether that has happened, try
        // it.
        Ok(match self.look(id).await {
            Ok(Stage::Ended(outcome @ (Outcome::Answer(_) | Outcome::Gone(_)))) => outcome,
            Ok(Stage::Ended(Outcome::Failed(_)) | Stage::Running) | Err(_) => {
                Outcome::Answer(Answer::Location(url))
            }
        })
    }

    /// Creates a prediction.
    async fn make(
        &self,
        name: &str,
        question: &Question,
        original: Contents,
    ) -> Result<Response, Error> {
        let Self { ports, settings } = *self;
        let (path, before) = place(name)
            .ok_or_else(|| settings.refused("name", "must be OWNER/NAME or OWNER/NAME:VERSION"))?;
        let usual = match Some(name) == PROFILE.model {
            true => "input_images[]",
            false => "image",
        };
        let input = Input::of(settings, usual);
        let body = match (&question.source_url, original.properties().length) {
            (Some(url), _) => input.with_url(question, settings, url)?,
            (None, 0..=MAX_DATA_URL) => input.with_data(question, settings, original)?,
            (None, _) => {
                let url = free_if_refused(ports, self.uploaded(question, original).await).await;
                let url = url.map_err(Error::not_accepted)?;
                input.with_url(question, settings, &url)?
            }
        };
        let seconds = question.time_left.max(MIN_TIME).as_secs();
        let request = HttpRequest::post(path, "application/json", body.within(&before, "}"))
            .with_bearer(settings.key.as_deref())
            .with("cancel-after", Some(format!("{seconds}s")));
        ask(ports, settings, request).await
    }

    /// Polls a prediction until it has ended.
    async fn ended(&self, id: &str) -> Result<Outcome, Error> {
        outcome(self.ports, async || self.look(id).await).await
    }

    /// Polls a prediction once.
    async fn look(&self, id: &str) -> Result<Stage, Error> {
        let Self { ports, settings } = *self;
        let request = HttpRequest::get(format!("/v1/predictions/{id}"));
        let request = request.with_bearer(settings.key.as_deref());
        let response = ports.send(&settings.base, request).await?;
        if response.status == 404 {
            return Ok(Stage::Ended(Outcome::gone("the provider answered 404")));
        }
        let response = success(ports, settings, response).await?;
        let said = prediction(response).await?;
        Ok(read(&said, settings)?.1)
    }

    /// Uploads the original and returns its URL.
    async fn uploaded(&self, question: &Question, original: Contents) -> Result<String, Error> {
        let form = Multipart::new(question.random);
        let body = form.body(&[], None, "content", "image", original);
        let request = HttpRequest::post("/v1/files", form.content_type(), body)
            .with_bearer(self.settings.key.as_deref());
        let response = exchange(self.ports, self.settings, request).await?;
        let file: File = json(response, MAX_FILE_JSON).await?;
        Ok(file.urls.get)
    }
}

/// The JSON of a response about a prediction.
async fn prediction(response: Response) -> Result<Vec<u8>, Error> {
    match reply(response, MAX_JSON_WITH_IMAGE).await? {
        Reply::Json(json) => Ok(json),
        Reply::Image(_) => Err(Error::broken("the provider answered no prediction")),
    }
}

/// Where predictions of a model are requested, or of one version of it, and what stands in
/// the body before the input. None: the name is neither's.
fn place(name: &str) -> Option<(String, String)> {
    let (model, version) = match name.split_once(':') {
        Some((model, version)) => (model, Some(version)),
        None => (name, None),
    };
    let (owner, name) = model.split_once('/')?;
    let is_usable = is_segment(owner) && is_segment(name) && version.is_none_or(is_segment);
    is_usable.then(|| match version {
        None => (
            format!("/v1/models/{owner}/{name}/predictions"),
            "{\"input\":".to_owned(),
        ),
        Some(version) => (
            "/v1/predictions".to_owned(),
            format!("{{\"version\":\"{version}\",\"input\":"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_the_id_and_what_came_of_it() {
        let running = Receipt::new(
            Prediction {
                id: "gm3q".to_owned(),
            },
            "5e1f",
        );
        let ended = Receipt {
            output: Some("https://replicate.delivery/1.png".to_owned()),
            ..running.clone()
        };
        for (receipt, json) in [
            (running, r#"{"id":"gm3q","task":"5e1f"}"#),
            (
                ended,
                r#"{"id":"gm3q","task":"5e1f","output":"https://replicate.delivery/1.png"}"#,
            ),
        ] {
            assert_eq!(receipt.to_bytes(), json.as_bytes());
            assert_eq!(Receipt::of(Some(json.as_bytes())), Some(receipt));
        }
    }

    #[test]
    fn a_model_is_of_an_owner() {
        let of_model = |name: &str| format!("/v1/models/{name}/predictions");
        let of_version = || "/v1/predictions".to_owned();
        for (text, expected) in [
            ("a/b", Some((of_model("a/b"), "{\"input\":"))),
            ("a/b-2.5", Some((of_model("a/b-2.5"), "{\"input\":"))),
            (
                "a/b:5c7d",
                Some((of_version(), "{\"version\":\"5c7d\",\"input\":")),
            ),
            ("a", None),
            ("a/", None),
            ("/b", None),
            ("a/b/c", None),
            ("a/..", None),
            ("a/b?c", None),
            ("a/b:", None),
            ("a/b:c/d", None),
        ] {
            let expected = expected.map(|(path, before)| (path, before.to_owned()));
            assert_eq!(place(text), expected, "{text}");
        }
        assert!(PROFILE.model.and_then(place).is_some());
    }
}
