//! Answers with an image: within JSON in base64, which is written as it is read, so that no
//! image is ever held, or by its URL.

use concept_refinement_domain::image::Format;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::task_response::image_path;
use futures::StreamExt as _;
use futures::stream::{self, LocalBoxStream};
use serde_json::{Value, json};

use super::fault::Fault;
use super::fields::{Asked, ResponseFormat};
use crate::base64_stream::{self, Encoder};
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::Problem;

/// The pieces of a text, and how long it is in bytes.
pub struct Text {
    pub length: u64,
    pub pieces: LocalBoxStream<'static, Vec<u8>>,
}

/// The last event of a stream.
const COMPLETED: &str = "image_edit.completed";

const GONE: Problem = Problem::NotFound("The image was deleted.");

impl Text {
    /// What is answered about a task that has ended: the whole answer, or the last event of a
    /// stream.
    ///
    /// # Errors
    ///
    /// It has failed, or its image is gone.
    pub async fn of<P: Ports>(
        ports: &P,
        task: &Task,
        asked: &Asked,
        origin: &Origin,
    ) -> Result<Self, Fault> {
        let Some(path) = image_path(task) else {
            return Err(match task.result_id {
                Some(_) => GONE.into(),
                None => Fault::Failed(Box::new(task.clone())),
            });
        };
        let (info, member, contents) = match asked.response_format {
            ResponseFormat::Url => {
                let info = ports.stat(path).await?.ok_or(GONE)?;
                let url = ports.sign(path, origin.as_str()).await?;
                (info, format!(r#""url":{}"#, json!(url)), None)
            }
            ResponseFormat::Base64 => {
                let (info, contents) = ports.image(path, None).await?.ok_or(GONE)?;
                (info, r#""b64_json":""#.to_owned(), Some(contents))
            }
        };
        // OpenAI names formats as media types do.
        let format = Format::from_media_type(&info.media_type).unwrap_or(Format::Png);
        let format = format.media_type().trim_start_matches("image/");
        let created = task.completed_at.unwrap_or(task.created_at).as_secs();
        let usage = usage(task).map(|usage| format!(r#""usage":{usage},"#));
        let usage = usage.unwrap_or_default();
        let (begin, end) = match asked.is_stream {
            false => (
                format!(r#"{{"created":{created},"output_format":"{format}",{usage}"data":[{{"#),
                "}]}",
            ),
            true => (
                format!(
                    "event: {COMPLETED}\ndata: {{\"type\":\"{COMPLETED}\",\
                     \"created_at\":{created},\"output_format\":\"{format}\",{usage}"
                ),
                "}\n\n",
            ),
        };
        let (length, image, quote) = match contents {
            Some(contents) => {
                let length = base64_stream::length(info.size);
                (length, encoded(P::chunks(contents)), "\"")
            }
            None => (0, stream::empty().boxed_local(), ""),
        };
        let (begin, end) = (begin + &member, format!("{quote}{end}"));
        let length = length
            .saturating_add(begin.len() as u64)
            .saturating_add(end.len() as u64);
        let piece = |text: String| stream::once(async move { text.into_bytes() });
        Ok(Self {
            length,
            pieces: piece(begin).chain(image).chain(piece(end)).boxed_local(),
        })
    }
}

/// What the model read and wrote, where its provider said both.
fn usage(task: &Task) -> Option<Value> {
    let usage = task.usage?;
    let (input, output) = usage.input_tokens.zip(usage.output_tokens)?;
    Some(json!({
        "input_tokens": input,
        "output_tokens": output,
        "total_tokens": input.saturating_add(output),
    }))
}

/// In base64.
fn encoded(chunks: LocalBoxStream<'static, Vec<u8>>) -> LocalBoxStream<'static, Vec<u8>> {
    let state = Some((chunks, Encoder::default()));
    let pieces = stream::unfold(state, |state| async {
        let (mut chunks, mut encoder) = state?;
        Some(match chunks.next().await {
            Some(chunk) => (encoder.push(&chunk), Some((chunks, encoder))),
            None => (encoder.finish(), None),
        })
    });
    // An empty chunk could be taken for the end.
    let pieces = pieces.filter(|piece| std::future::ready(!piece.is_empty()));
    pieces.boxed_local()
}
