//! Parses a ComfyUI server's reports about its runs.

use std::collections::HashMap;

use concept_refinement_model_provider::{Error, could_not_refine, said_in};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// The state of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Run {
    /// The server does not know it, or has forgotten it.
    Unknown,
    /// Queued or running.
    Waiting,
    Ended(Output),
    /// It ended without an image.
    Failed(Error),
}

/// An image that the server stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub filename: String,
    pub subfolder: String,
    /// The folder: `output` or `temp`.
    pub kind: String,
}

/// The runs that have ended, by id.
pub type History = HashMap<String, Report>;

/// What the server says about a run that has ended.
#[derive(Deserialize)]
pub struct Report {
    #[serde(default)]
    status: Value,
    /// By node, in the order in which they ended.
    #[serde(default)]
    outputs: Option<IndexMap<String, Value>>,
}

/// How a run ended. None: it has not ended.
pub fn ended(history: &History, id: &str, key: Option<&str>) -> Option<Run> {
    let run = history.get(id)?;
    if run.status.get("status_str").and_then(Value::as_str) == Some("error") {
        let said = problem(run).map(|problem| said_in(problem, key));
        return Some(Run::Failed(Error::Refused(could_not_refine(said))));
    }
    let images = run
        .outputs
        .iter()
        .flat_map(IndexMap::values)
        .filter_map(|output| output.get("images")?.as_array())
        .flatten()
        .filter_map(output);
    // Images that a workflow saves take precedence over mere previews.
    let mut images: Vec<_> = images.collect();
    images.sort_by_key(|image| image.kind != "output");
    Some(match images.into_iter().next() {
        Some(image) => Run::Ended(image),
        None => Run::Failed(Error::refused("the provider's workflow saved no image")),
    })
}

/// Whether a run is in a queue, which is a list of lists whose second item is an id.
pub fn is_queued(queue: &Value, id: &str) -> bool {
    ["queue_running", "queue_pending"]
        .iter()
        .filter_map(|name| queue.get(name)?.as_array())
        .flatten()
        .any(|item| item.get(1).and_then(Value::as_str) == Some(id))
}

fn output(image: &Value) -> Option<Output> {
    let text = |name| {
        let text = image.get(name)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    Some(Output {
        filename: text("filename")?,
        subfolder: text("subfolder").unwrap_or_default(),
        kind: text("type").unwrap_or_else(|| "output".to_owned()),
    })
}

/// The message of the exception that a run ended with.
fn problem(run: &Report) -> Option<&str> {
    let messages = run.status.get("messages")?.as_array()?;
    messages
        .iter()
        .filter(|message| message.get(0).and_then(Value::as_str) == Some("execution_error"))
        .find_map(|message| message.pointer("/1/exception_message")?.as_str())
        .filter(|message| !message.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_has_ended_with_an_image_or_an_error() {
        let image = |filename: &str, kind: &str| json!({"filename": filename, "subfolder": "a", "type": kind});
        let output = |filename: &str, kind: &str| Output {
            filename: filename.to_owned(),
            subfolder: "a".to_owned(),
            kind: kind.to_owned(),
        };
        let error = json!([
            ["execution_start", {}],
            ["execution_error", {"exception_message": "CUDA out of memory, hush.\nTraceback", "node_id": "3"}]
        ]);
        for (name, run, expected) in [
            (
                "saved",
                json!({"outputs": {"9": {"images": [image("1.png", "output")]}}}),
                Ok(output("1.png", "output")),
            ),
            (
                "only previewed",
                json!({"outputs": {"9": {"images": [image("1.png", "temp")]}}}),
                Ok(output("1.png", "temp")),
            ),
            (
                "both",
                json!({"outputs": {"8": {"images": [image("1.png", "temp")]}, "9": {"images": [image("2.png", "output")]}}}),
                Ok(output("2.png", "output")),
            ),
            (
                "nothing",
                json!({"outputs": {}}),
                Err("the provider's workflow saved no image"),
            ),
            (
                "a text",
                json!({"outputs": {"9": {"text": ["x"]}}}),
                Err("the provider's workflow saved no image"),
            ),
            (
                "an error",
                json!({"outputs": {}, "status": {"status_str": "error", "completed": false, "messages": error}}),
                Err("the provider could not refine the image: CUDA out of memory, ***"),
            ),
            (
                "an error without words",
                json!({"status": {"status_str": "error"}}),
                Err("the provider could not refine the image"),
            ),
        ] {
            let ended = ended(&history(&json!({"t": run}).to_string()), "t", Some("hush"));
            let expected = match expected {
                Ok(output) => Run::Ended(output),
                Err(reason) => Run::Failed(Error::refused(reason)),
            };
            assert_eq!(ended, Some(expected), "{name}");
        }
        assert_eq!(ended(&history("{}"), "t", None), None);
    }

    fn history(json: &str) -> History {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn of_several_images_the_first_of_the_answer_counts() {
        let history = history(
            r#"{"t": {"outputs": {
                "9": {"images": [{"filename": ""}, {"filename": "1.png", "type": "output"}]},
                "10": {"images": [{"filename": "2.png", "type": "output"}]}}}}"#,
        );
        let Some(Run::Ended(first)) = ended(&history, "t", None) else {
            panic!("not ended");
        };
        assert_eq!(first.filename, "1.png");
    }

    #[test]
    fn a_run_is_in_the_queue_or_is_not() {
        let queue =
            json!({"queue_running": [[1, "a", {}, {}, []]], "queue_pending": [[2, "b", {}]]});
        for (id, expected) in [("a", true), ("b", true), ("c", false), ("1", false)] {
            assert_eq!(is_queued(&queue, id), expected, "{id}");
        }
        for odd in [
            json!(null),
            json!({"queue_running": 7}),
            json!({"queue_running": [7]}),
        ] {
            assert!(!is_queued(&odd, "a"), "{odd}");
        }
    }
}
