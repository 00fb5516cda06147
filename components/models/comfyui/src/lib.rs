//! A workflow of ComfyUI as an image model.
//!
//! Formats: the routes of its server (`/upload/image`, `/prompt`, `/queue`,
//! `/history/{id}`, `/view`) and the API format of workflows, in its documentation
//! as of November 2026.
//!
//! The workflow runs under the task's id, which also is the receipt: a repeated call
//! finds the run that an earlier call started, and does not compute again.

mod history;
mod workflow;

use std::time::Duration;

use concept_refinement_model_provider::{
    Answer, Body, ByteStream, Contents, Error, Found, HttpRequest, Model, Multipart, Nothing,
    Ports, Question, Request, Settings, answer, exchange, json, persistently,
};
use serde::Deserialize;
use serde_json::{Value, json as object};

use history::{Output, Run};
use workflow::{Inputs, Workflow};

pub struct ComfyUi;

#[cfg(target_arch = "wasm32")]
concept_refinement_model_provider::export_model!(ComfyUi);

/// Polling interval for a run.
const PAUSE: Duration = Duration::from_millis(500);

/// Longest JSON, in bytes: queue and history contain each workflow in full.
const MAX_JSON: u64 = 16 << 20;

#[derive(Deserialize)]
struct Upload {
    name: String,
    #[serde(default)]
    subfolder: String,
}

#[derive(Deserialize)]
struct Queued {
    prompt_id: String,
}

impl Model for ComfyUi {
    const DESCRIPTION: &'static str = "A workflow of a ComfyUI server, asked over HTTP.";

    async fn refine(
        ports: &impl Ports,
        settings: &Settings,
        request: Request,
        original: impl ByteStream + 'static,
    ) -> Result<Answer, Error> {
        let workflow = Workflow::parse(settings.workflow.as_deref())
            .map_err(|problem| settings.refused("workflow", problem))?;
        let original = Contents::open(original, request.length).await?;
        let question = Question::new(request, settings, ports.random());
        let server = Server { ports, settings };
        let receipt = question.receipt.as_deref();
        let receipt = receipt.and_then(|id| str::from_utf8(id).ok());
        if receipt.is_none() {
            // Stored before the request, so that the run can be found whatever happens.
            ports.keep(question.task_id.as_bytes()).await;
        }
        let mut id = receipt.unwrap_or(&question.task_id).to_owned();
        let mut run = server.run(&id).await.map_err(Error::not_accepted)?;
        if run == Run::Unknown && receipt.is_some() {
            // The run may have ended between the two requests; that cannot happen twice.
            run = server.run(&id).await.map_err(Error::not_accepted)?;
        }
        if run == Run::Unknown {
            let started = server.start(workflow, &question, original).await?;
            if started != id {
                ports.keep(started.as_bytes()).await;
            }
            id = started;
        }
        let output = server.output(&id).await?;
        persistently(ports, async || server.view(&output).await).await
    }
}

struct Server<'a, P> {
    ports: &'a P,
    settings: &'a Settings,
}

impl<P: Ports> Server<'_, P> {
    /// Uploads the original and queues the workflow. Returns the id of the run.
    async fn start(
        &self,
        workflow: Workflow,
        question: &Question,
        original: Contents<impl ByteStream + 'static>,
    ) -> Result<String, Error> {
        let form = Multipart::new(question.random);
        let name = format!("concept-refinement-{}", question.task_id);
        let fields = [("type", "input"), ("overwrite", "true")];
        let body = form.named_body(&fields, "image", &name, original.original());
        let request = HttpRequest::post("/upload/image", form.content_type(), body);
        let response = self.exchange(request, Some(original)).await;
        let response = response.map_err(Error::not_accepted)?;
        let upload = json(response, MAX_JSON).await;
        let upload: Upload = upload.map_err(Error::not_accepted)?;
        let image = match upload.subfolder.as_str() {
            "" => upload.name,
            subfolder => format!("{subfolder}/{}", upload.name),
        };
        let inputs = Inputs {
            image: &image,
            prompt: &question.prompt,
            strength: question.strength,
            // An integer that JavaScript represents exactly.
            seed: (question.random >> 75) as u64,
            name: self.settings.name.as_deref(),
        };
        let body = object!({"prompt": workflow.with(&inputs), "prompt_id": question.task_id});
        let request = HttpRequest::post("/prompt", "application/json", Body::json(&body)?);
        let response = self.exchange(request, None::<Contents<Nothing>>).await?;
        let queued: Queued = json(response, MAX_JSON).await?;
        Ok(queued.prompt_id)
    }

    /// The state of a run.
    async fn run(&self, id: &str) -> Result<Run, Error> {
        let history: Value = self.get(&format!("/history/{}", encoded(id))).await?;
        match history::ended(&history, id, self.settings.key.as_deref())? {
            Some(output) => Ok(Run::Ended(output)),
            None => {
                let queue: Value = self.get("/queue").await?;
                Ok(match history::is_queued(&queue, id) {
                    true => Run::Waiting,
                    false => Run::Unknown,
                })
            }
        }
    }

    /// Waits for the output of a run.
    async fn output(&self, id: &str) -> Result<Output, Error> {
        let mut was_unknown = false;
        loop {
            match persistently(self.ports, async || self.run(id).await).await? {
                Run::Ended(output) => return Ok(output),
                Run::Waiting => was_unknown = false,
                // The run may have ended between the two requests; that cannot happen
                // twice.
                Run::Unknown if was_unknown => {
                    let reason = "the provider lost the refinement";
                    return Err(Error::Unknown(reason.to_owned()));
                }
                Run::Unknown => was_unknown = true,
            }
            self.ports.sleep(PAUSE).await;
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
        let response = self
            .exchange(HttpRequest::get(path), None::<Contents<Nothing>>)
            .await?;
        let key = self.settings.key.as_deref();
        answer(response, key, MAX_JSON, |_| Ok(Found::Nothing)).await
    }

    async fn get(&self, path: &str) -> Result<Value, Error> {
        let response = self
            .exchange(HttpRequest::get(path), None::<Contents<Nothing>>)
            .await?;
        json(response, MAX_JSON).await
    }

    /// The key is for a proxy in front of the server, which itself needs none.
    async fn exchange(
        &self,
        request: HttpRequest,
        original: Option<Contents<impl ByteStream + 'static>>,
    ) -> Result<concept_refinement_model_provider::Response<P::Stream>, Error> {
        let request = request.with_bearer(self.settings.key.as_deref());
        exchange(self.ports, self.settings, request, original).await
    }
}

/// Encodes a path segment or a query value.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
