//! Replicate itself: a prediction is created, and polled until it has ended.
//!
//! Its id is the receipt: an existing prediction is polled again, however often polling
//! fails, and no other one is created, unless an operator retries a task whose prediction
//! failed.

use std::time::Duration;

use concept_refinement_domain::original::{AllowedSources, check_url};
use concept_refinement_model_provider::{
    Answer, Body, ByteStream, Contents, Error, HttpRequest, MAX_JSON_WITH_IMAGE, Multipart,
    Nothing, Ports, Question, Reply, Response, Settings, exchange, json, persistently, reply,
    success,
};
use serde::{Deserialize, Serialize};

use crate::prediction::{Outcome, Stage, read};
use crate::{Input, is_segment};

/// Larger originals are uploaded first, as the reference requires; in bytes.
const MAX_DATA_URL: u64 = 256 << 10;

/// The shortest time after which Replicate cancels a prediction.
const MIN_TIME: Duration = Duration::from_secs(5);

/// Polling interval for a prediction.
const PAUSE: Duration = Duration::from_millis(500);

const MAX_FILE_JSON: u64 = 64 << 10;

#[derive(Deserialize)]
struct File {
    urls: Urls,
}

#[derive(Deserialize)]
struct Urls {
    get: String,
}

pub async fn refine(
    ports: &impl Ports,
    settings: &Settings,
    name: &str,
    question: &Question,
    original: Contents<impl ByteStream + 'static>,
) -> Result<Answer, Error> {
    let task = question.task_id.as_str();
    if let Some(receipt) = Receipt::of(question.receipt.as_deref()) {
        let is_own = receipt.task.as_deref() == Some(task);
        match answered(ports, settings, receipt, task).await? {
            Outcome::Answer(answer) => return Ok(answer),
            Outcome::Failed(error) if is_own => return Err(error),
            // The receipt of a task that an operator retries; or it was cancelled
            // meanwhile, its output was removed, or it is no longer known.
            Outcome::Failed(_) | Outcome::Gone(_) => ports.give_up().await?,
        }
    }
    let said = make(ports, settings, name, question, original).await?;
    let (id, made) = read(&said, settings)?;
    let id = id.filter(|id| is_segment(id));
    let (id, outcome) = match (made, id) {
        (Stage::Ended(outcome), id) => (id, outcome),
        (Stage::Running, None) => {
            return Err(Error::refused("the provider did not name the prediction"));
        }
        (Stage::Running, Some(id)) => {
            keep(ports, &id, None, task).await;
            let outcome = outcome(ports, settings, &id).await?;
            (Some(id), outcome)
        }
    };
    match (outcome, id) {
        (Outcome::Answer(answer), Some(id)) => Ok(with_receipt(ports, id, answer, task).await),
        (Outcome::Answer(answer), None) => Ok(answer),
        (Outcome::Failed(error) | Outcome::Gone(error), _) => Err(error),
    }
}

/// The outcome of a prediction that an earlier call created.
async fn answered(
    ports: &impl Ports,
    settings: &Settings,
    receipt: Receipt,
    task: &str,
) -> Result<Outcome, Error> {
    let Some(url) = receipt.output else {
        let outcome = outcome(ports, settings, &receipt.id).await?;
        return Ok(match outcome {
            Outcome::Answer(answer) => {
                Outcome::Answer(with_receipt(ports, receipt.id, answer, task).await)
            }
            outcome => outcome,
        });
    };
    // Outputs are removed after an hour. Without knowing whether that has happened, try
    // it.
    Ok(match look(ports, settings, &receipt.id).await {
        Ok(Stage::Ended(outcome @ (Outcome::Answer(_) | Outcome::Gone(_)))) => outcome,
        Ok(Stage::Ended(Outcome::Failed(_)) | Stage::Running) | Err(_) => {
            Outcome::Answer(Answer::Location(url))
        }
    })
}

/// Stores the URL of the output as well.
async fn with_receipt(ports: &impl Ports, id: String, answer: Answer, task: &str) -> Answer {
    if let Answer::Location(url) = &answer {
        keep(ports, &id, Some(url.clone()), task).await;
    }
    answer
}

async fn keep(ports: &impl Ports, id: &str, output: Option<String>, task: &str) {
    let receipt = Receipt {
        id: id.to_owned(),
        task: Some(task.to_owned()),
        output,
    };
    ports.keep(&receipt.to_bytes()).await;
}

/// Creates a prediction. Returns what the response says about it.
async fn make(
    ports: &impl Ports,
    settings: &Settings,
    name: &str,
    question: &Question,
    original: Contents<impl ByteStream + 'static>,
) -> Result<Vec<u8>, Error> {
    let model = Model::parse(name)
        .ok_or_else(|| settings.refused("name", "must be OWNER/NAME or OWNER/NAME:VERSION"))?;
    let input = Input::of(settings, Some(name));
    let request = |body| {
        let seconds = question.time_left.max(MIN_TIME).as_secs();
        model
            .request(body, settings.key.as_deref())
            .with("cancel-after", Some(format!("{seconds}s")))
    };
    let source_url = question
        .source_url
        .as_deref()
        .filter(|url| check_url(url, &AllowedSources::default()).is_ok());
    let response = match (source_url, original.original().length) {
        (Some(url), _) => {
            let request = request(input.with_url(question, settings, url)?);
            exchange(ports, settings, request, None::<Contents<Nothing>>).await?
        }
        (None, 0..=MAX_DATA_URL) => {
            let request = request(input.with_data(question, settings, original.original())?);
            exchange(ports, settings, request, Some(original)).await?
        }
        (None, _) => {
            let url = uploaded(ports, settings, question, original).await;
            let url = url.map_err(Error::not_accepted)?;
            let request = request(input.with_url(question, settings, &url)?);
            exchange(ports, settings, request, None::<Contents<Nothing>>).await?
        }
    };
    prediction(response).await
}

/// Polls a prediction until it has ended.
async fn outcome(ports: &impl Ports, settings: &Settings, id: &str) -> Result<Outcome, Error> {
    loop {
        let stage = persistently(ports, async || look(ports, settings, id).await);
        let stage = stage.await.map_err(|error| match error {
            // The key was valid when the prediction was accepted.
            Error::Unauthorized(reason) => Error::Refused(reason),
            error => error,
        })?;
        match stage {
            Stage::Running => ports.sleep(PAUSE).await,
            Stage::Ended(outcome) => return Ok(outcome),
        }
    }
}

/// Polls a prediction once.
async fn look(ports: &impl Ports, settings: &Settings, id: &str) -> Result<Stage, Error> {
    let request = HttpRequest::get(format!("/v1/predictions/{id}"));
    let request = request.with_bearer(settings.key.as_deref());
    let response = ports
        .send(&settings.base, request, None::<Contents<Nothing>>)
        .await?;
    if response.status == 404 {
        let error = Error::refused("the provider answered 404");
        return Ok(Stage::Ended(Outcome::Gone(error)));
    }
    let response = success(ports, settings, response).await?;
    let said = prediction(response).await?;
    Ok(read(&said, settings)?.1)
}

/// The receipt of a prediction.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Receipt {
    id: String,
    /// The task that asked for it. That of another one belongs to a failed task, which an
    /// operator retries.
    #[serde(default)]
    task: Option<String>,
    /// URL of its output, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<String>,
}

impl Receipt {
    /// None: there is none, or it is in another format.
    fn of(bytes: Option<&[u8]>) -> Option<Self> {
        let receipt: Self = serde_json::from_slice(bytes?).ok()?;
        is_segment(&receipt.id).then_some(receipt)
    }

    fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The JSON of a response about a prediction.
async fn prediction(response: Response<impl ByteStream>) -> Result<Vec<u8>, Error> {
    match reply(response, MAX_JSON_WITH_IMAGE).await? {
        Reply::Json(json) => Ok(json),
        Reply::Image(_) => Err(Error::refused("the provider answered no prediction")),
    }
}

/// Uploads the original and returns its URL.
async fn uploaded(
    ports: &impl Ports,
    settings: &Settings,
    question: &Question,
    original: Contents<impl ByteStream + 'static>,
) -> Result<String, Error> {
    let form = Multipart::new(question.random);
    let body = form.body(&[], None, "content", original.original());
    let request = HttpRequest::post("/v1/files", form.content_type(), body)
        .with_bearer(settings.key.as_deref());
    let response = exchange(ports, settings, request, Some(original)).await?;
    let file: File = json(response, MAX_FILE_JSON).await?;
    Ok(file.urls.get)
}

/// A model by name, or one version of it.
#[derive(Debug, PartialEq, Eq)]
struct Model<'a> {
    owner: &'a str,
    name: &'a str,
    version: Option<&'a str>,
}

impl<'a> Model<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (model, version) = match text.split_once(':') {
            Some((model, version)) => (model, Some(version)),
            None => (text, None),
        };
        let (owner, name) = model.split_once('/')?;
        let is_plain = |part: &str| is_segment(&part.replace('.', "-"));
        let parsed = Self {
            owner,
            name,
            version,
        };
        let is_usable = is_plain(owner) && is_plain(name) && version.is_none_or(is_segment);
        is_usable.then_some(parsed)
    }

    fn request(&self, input: Body, key: Option<&str>) -> HttpRequest {
        let Self { owner, name, .. } = self;
        let (path, body) = match self.version {
            None => (format!("/v1/models/{owner}/{name}/predictions"), input),
            // `{"input":…}` with another field in front.
            Some(version) => (
                "/v1/predictions".to_owned(),
                input.with_field("version", version),
            ),
        };
        HttpRequest::post(path, "application/json", body).with_bearer(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PROFILE;

    #[test]
    fn a_receipt_is_read_as_it_was_kept() {
        let receipt = |output: Option<&str>| Receipt {
            id: "gm3q".to_owned(),
            task: Some("5e1f".to_owned()),
            output: output.map(str::to_owned),
        };
        for receipt in [
            receipt(None),
            receipt(Some("https://replicate.delivery/1.png")),
        ] {
            assert_eq!(Receipt::of(Some(&receipt.to_bytes())), Some(receipt));
        }
        let earlier = Receipt {
            task: None,
            ..receipt(None)
        };
        assert_eq!(Receipt::of(Some(br#"{"id":"gm3q"}"#)), Some(earlier));
        for odd in [&b""[..], b"{}", br#"{"id":"../x"}"#, b"\xff"] {
            assert_eq!(Receipt::of(Some(odd)), None, "{odd:?}");
        }
        assert_eq!(Receipt::of(None), None);
    }

    #[test]
    fn a_model_is_of_an_owner() {
        for (text, expected) in [
            ("a/b", Some(("a", "b", None))),
            ("a/b-2.5", Some(("a", "b-2.5", None))),
            ("a/b:5c7d", Some(("a", "b", Some("5c7d")))),
            ("a", None),
            ("a/", None),
            ("/b", None),
            ("a/b/c", None),
            ("a/b?c", None),
            ("a/b:", None),
            ("a/b:c/d", None),
        ] {
            let model = Model::parse(text);
            let parts = model.map(|model| (model.owner, model.name, model.version));
            assert_eq!(parts, expected, "{text}");
        }
        assert!(PROFILE.model.and_then(Model::parse).is_some());
    }
}
