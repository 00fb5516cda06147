//! Replicate itself: a prediction is made, and asked for until it has ended.

use std::time::Duration;

use concept_refinement_domain::original::{AllowedSources, check_url};
use concept_refinement_model_provider::{
    Answer, Body, ByteStream, Contents, Error, HttpRequest, MAX_JSON_WITH_IMAGE, Multipart,
    Nothing, Ports, Question, Reply, Response, Settings, exchange, json, reply,
};
use serde::Deserialize;

use crate::prediction::{Stage, stage};
use crate::{Input, is_segment};

/// Larger originals are uploaded first, as the reference asks for, in bytes.
const MAX_DATA_URL: u64 = 256 << 10;

/// How long the request for a prediction may be held open: what Replicate does at
/// most.
const WAIT: &str = "wait=60";

/// Between two looks at a prediction.
const PAUSE: Duration = Duration::from_secs(1);

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
    let key = settings.key.as_deref();
    let model = Model::parse(name)
        .ok_or_else(|| settings.refused("name", "must be OWNER/NAME or OWNER/NAME:VERSION"))?;
    let input = Input::of(settings, Some(name));
    let prompt = &question.prompt;
    let source_url = question
        .source_url
        .as_deref()
        .filter(|url| check_url(url, &AllowedSources::default()).is_ok());
    let response = match (source_url, original.original().length) {
        (Some(url), _) => {
            let request = model.request(input.with_url(prompt, url)?, key);
            exchange(ports, settings, request, None::<Contents<Nothing>>).await?
        }
        (None, 0..=MAX_DATA_URL) => {
            let body = input.with_data(prompt, original.original())?;
            let request = model.request(body, key);
            exchange(ports, settings, request, Some(original)).await?
        }
        (None, _) => {
            let url = uploaded(ports, settings, question, original).await?;
            let request = model.request(input.with_url(prompt, &url)?, key);
            exchange(ports, settings, request, None::<Contents<Nothing>>).await?
        }
    };
    let mut said = prediction(response).await?;
    loop {
        let id = match stage(&said, key)? {
            Stage::Ended(answer) => return Ok(answer),
            Stage::Running(id) => id.filter(|id| is_segment(id)),
        };
        let id = id.ok_or_else(|| Error::refused("the provider did not name the prediction"))?;
        ports.sleep(PAUSE).await;
        let request = HttpRequest::get(format!("/v1/predictions/{id}")).with_bearer(key);
        let response = exchange(ports, settings, request, None::<Contents<Nothing>>).await?;
        said = prediction(response).await?;
    }
}

/// What a response says of a prediction.
async fn prediction(response: Response<impl ByteStream>) -> Result<Vec<u8>, Error> {
    match reply(response, MAX_JSON_WITH_IMAGE).await? {
        Reply::Json(json) => Ok(json),
        Reply::Image(_) => Err(Error::refused("the provider answered no prediction")),
    }
}

/// The URL of the original, once it is uploaded.
async fn uploaded(
    ports: &impl Ports,
    settings: &Settings,
    question: &Question,
    original: Contents<impl ByteStream + 'static>,
) -> Result<String, Error> {
    let form = Multipart::new(question.random);
    let body = form.body(&[], "content", original.original());
    let request = HttpRequest::post("/v1/files", form.content_type(), body)
        .with_bearer(settings.key.as_deref());
    let response = exchange(ports, settings, request, Some(original)).await?;
    let file: File = json(response, MAX_FILE_JSON).await?;
    Ok(file.urls.get)
}

/// A model by its name, or one version of it.
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
            // `{"input":…}` with a field before it.
            Some(version) => (
                "/v1/predictions".to_owned(),
                input.with_field("version", version),
            ),
        };
        HttpRequest::post(path, "application/json", body)
            .with("prefer", Some(WAIT.to_owned()))
            .with_bearer(key)
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::model_name;

    use super::*;

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
        assert!(Model::parse(model_name::REPLICATE).is_some());
    }
}
