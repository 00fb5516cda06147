//! A workflow of ComfyUI as an image model.
//!
//! Formats: the routes of its server (`/upload/image`, `/prompt`, `/queue`,
//! `/history/{id}`, `/view`) and the API format of workflows, in its documentation
//! as of November 2026.
//!
//! The workflow runs under the task's id, which also is the receipt: a repeated call
//! finds the run that an earlier call started, and does not compute again, unless an
//! operator retries a task whose run failed.

mod history;
mod workflow;

use std::time::Duration;

use concept_refinement_model_provider::{
    Answer, Body, Contents, Error, HttpRequest, Model, Multipart, Ports, Question, Response,
    Settings, Taken, answer, ask, exchange, free_if_refused, json, persistently,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json as object};

use history::{History, Output, Run};
use workflow::{Inputs, filled};

pub struct ComfyUi;

concept_refinement_model_provider::export_model!(ComfyUi);

/// Polling interval for a run.
const PAUSE: Duration = Duration::from_millis(500);

/// Longest JSON, in bytes: queue and history contain each workflow in full.
const MAX_JSON: u64 = 16 << 20;

/// The fields of an upload.
const UPLOAD: [(&str, &str); 2] = [("type", "input"), ("overwrite", "true")];

#[derive(Deserialize)]
struct Upload {
    name: String,
    #[serde(default)]
    subfolder: String,
}

#[derive(Deserialize)]
struct Queued {
    #[serde(default)]
    prompt_id: String,
}

/// A run, and the task that started it, separated by a space: only the run if both have
/// the same id.
#[derive(Debug, PartialEq, Eq)]
struct Receipt<'a> {
    run: &'a str,
    /// If this is another task, that one has failed and an operator retries it.
    task: &'a str,
}

impl<'a> Receipt<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        let (run, task) = text.split_once(' ').unwrap_or((text, text));
        Some(Self { run, task })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Self { run, task } = self;
        match run == task {
            true => run.as_bytes().to_vec(),
            false => format!("{run} {task}").into_bytes(),
        }
    }
}

impl Model for ComfyUi {
    const DESCRIPTION: &'static str = "Images are refined by a workflow of a ComfyUI \
        server, which gets the image and the prompt.";

    /// What its workflow has an input for.
    fn takes(settings: &Settings, _: bool) -> Vec<Taken> {
        let workflow = settings.workflow.as_deref().unwrap_or_default();
        let inputs = [
            ("{{strength}}", Taken::Strength),
            ("{{seed}}", Taken::Seed),
            ("{{mask}}", Taken::Mask),
        ];
        let named = inputs
            .into_iter()
            .filter(|(name, _)| workflow.contains(name));
        named.map(|(_, taken)| taken).collect()
    }

    async fn refine(
        ports: &impl Ports,
        settings: &Settings,
        question: Question,
        original: Contents,
    ) -> Result<Answer, Error> {
        let workflow = workflow::parse(settings.workflow.as_deref())
            .map_err(|problem| settings.refused("workflow", problem))?;
        let server = Server { ports, settings };
        let task = question.task_id.as_str();
        let receipt = question.receipt.as_deref().and_then(Receipt::of);
        let is_retry = receipt.as_ref().is_some_and(|receipt| receipt.task != task);
        let own = Receipt { run: task, task };
        let run = receipt.as_ref().map_or(task, |receipt| receipt.run);
        if receipt.is_none() {
            // Stored before the request, so that the run can be found whatever happens.
            ports.keep(&own.to_bytes()).await;
        }
        let found = match server.run(run).await.map_err(Error::not_accepted)? {
            Run::Unknown if receipt.is_none() => Run::Unknown,
            Run::Unknown | Run::Waiting => server.ended(run).await?,
            found => found,
        };
        match server.answer(found).await {
            Ok(Some(answer)) => return Ok(answer),
            Err(error) if !is_retry || !matches!(error, Error::Refused(_) | Error::Broken(_)) => {
                return Err(error);
            }
            Ok(None) | Err(_) if is_retry => {
                ports.give_up().await?;
                ports.keep(&own.to_bytes()).await;
            }
            Ok(None) | Err(_) => {}
        }
        let run = server.start(workflow, &question, original).await?;
        if run != task {
            ports.keep(&Receipt { run: &run, task }.to_bytes()).await;
        }
        let found = server.ended(&run).await?;
        let lost = || Error::Unknown("the provider lost the refinement".to_owned());
        server.answer(found).await?.ok_or_else(lost)
    }
}

struct Server<'a, P> {
    ports: &'a P,
    settings: &'a Settings,
}

impl<P: Ports> Server<'_, P> {
    /// Uploads the original and its mask, and queues the workflow. Returns the id of the run.
    async fn start(
        &self,
        workflow: Value,
        question: &Question,
        original: Contents,
    ) -> Result<String, Error> {
        let form = Multipart::new(question.random);
        let name = format!("concept-refinement-{}", question.task_id);
        let mask = match &question.mask {
            Some(mask) => {
                let body = form.png(&UPLOAD, "image", &format!("{name}-mask"), mask);
                Some(self.upload(&form, body).await?)
            }
            None => None,
        };
        let body = form.body(&UPLOAD, None, "image", &name, original);
        let image = self.upload(&form, body).await?;
        let inputs = Inputs {
            image: &image,
            mask: mask.as_deref(),
            prompt: &question.prompt,
            strength: question.strength,
            // An integer that JavaScript represents exactly.
            seed: match question.seed {
                Some(seed) => seed.into(),
                None => (question.random >> 75) as u64,
            },
            name: self.settings.name.as_deref(),
        };
        let body = object!({"prompt": filled(workflow, &inputs), "prompt_id": question.task_id});
        let request = HttpRequest::post("/prompt", "application/json", Body::json(&body)?)
            .with_bearer(self.settings.key.as_deref());
        let response = ask(self.ports, self.settings, request).await?;
        let queued: Queued = json(response, MAX_JSON).await?;
        Ok(match queued.prompt_id.is_empty() {
            true => question.task_id.clone(),
            false => queued.prompt_id,
        })
    }

    /// Uploads an image, and returns the name that the server gave it.
    async fn upload(&self, form: &Multipart, body: Body) -> Result<String, Error> {
        let request = HttpRequest::post("/upload/image", form.content_type(), body);
        let response = self.exchange(request).await;
        let response = free_if_refused(self.ports, response).await;
        let response = response.map_err(Error::not_accepted)?;
        let upload = json(response, MAX_JSON).await;
        let upload: Upload = upload.map_err(Error::not_accepted)?;
        Ok(match upload.subfolder.as_str() {
            "" => upload.name,
            subfolder => format!("{subfolder}/{}", upload.name),
        })
    }

    /// The state of a run.
    async fn run(&self, id: &str) -> Result<Run, Error> {
        let history: History = self.get(&format!("/history/{}", encoded(id))).await?;
        if let Some(run) = history::ended(&history, id, self.settings.key.as_deref()) {
            return Ok(run);
        }
        let queue: Value = self.get("/queue").await?;
        Ok(match history::is_queued(&queue, id) {
            true => Run::Waiting,
            false => Run::Unknown,
        })
    }

    /// Waits for the end of a run, or until the server does not know it.
    async fn ended(&self, id: &str) -> Result<Run, Error> {
        let mut was_unknown = false;
        loop {
            match persistently(self.ports, async || self.run(id).await).await? {
                Run::Waiting => was_unknown = false,
                // The run may have ended between the two requests; that cannot happen
                // twice.
                Run::Unknown if !was_unknown => was_unknown = true,
                run => return Ok(run),
            }
            self.ports.sleep(PAUSE).await;
        }
    }

    /// The image of a run. None: the server does not know it.
    async fn answer(&self, run: Run) -> Result<Option<Answer>, Error> {
        match run {
            Run::Ended(output) => {
                let view = persistently(self.ports, async || self.view(&output).await);
                view.await.map(Some)
            }
            Run::Failed(error) => Err(error),
            Run::Waiting | Run::Unknown => Ok(None),
        }
    }

    /// The image as the server stored it.
    async fn view(&self, output: &Output) -> Result<Answer, Error> {
        let path = format!(
            "/view?filename={}&subfolder={}&type={}",
            encoded(&output.filename),
            encoded(&output.subfolder),
            encoded(&output.kind)
        );
        let response = self.exchange(HttpRequest::get(path)).await?;
        answer(response, self.settings).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let response = self.exchange(HttpRequest::get(path)).await?;
        json(response, MAX_JSON).await
    }

    /// The key is for a proxy in front of the server, which itself needs none.
    async fn exchange(&self, request: HttpRequest) -> Result<Response, Error> {
        let request = request.with_bearer(self.settings.key.as_deref());
        exchange(self.ports, self.settings, request).await
    }
}

/// Encodes a path segment or a query value.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_names_the_run_and_whose_it_is() {
        for (text, run, task) in [("5e1f", "5e1f", "5e1f"), ("run-1 5e1f", "run-1", "5e1f")] {
            let receipt = Receipt { run, task };
            assert_eq!(receipt.to_bytes(), text.as_bytes());
            assert_eq!(Receipt::of(text.as_bytes()), Some(receipt));
        }
        assert_eq!(Receipt::of(b"\xff"), None);
    }
}
