//! Parses a ComfyUI server's reports about its runs.

use concept_refinement_model_provider::{Error, said_in};
use serde_json::Value;

/// The state of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Run {
    /// The server does not know it, or has forgotten it.
    Unknown,
    /// Queued or running.
    Waiting,
    Ended(Output),
}

/// An image that the server stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub filename: String,
    pub subfolder: String,
    /// The folder: `output` or `temp`.
    pub kind: String,
}

/// The image of a run, from the server's history. None: the run has not ended.
pub fn ended(history: &Value, id: &str, key: Option<&str>) -> Result<Option<Output>, Error> {
    let Some(run) = history.get(id) else {
        return Ok(None);
    };
    if run.pointer("/status/status_str").and_then(Value::as_str) == Some("error") {
        return Err(Error::refused(match problem(run) {
            Some(problem) => {
                let problem = said_in(problem, key);
                format!("the provider could not refine the image: {problem}")
            }
            None => "the provider could not refine the image".to_owned(),
        }));
    }
    let outputs = run.get("outputs").and_then(Value::as_object);
    let images = outputs
        .into_iter()
        .flat_map(|outputs| outputs.values())
        .filter_map(|output| output.get("images")?.as_array())
        .flatten()
        .filter_map(output);
    // Images that a workflow saves take precedence over mere previews.
    let mut images: Vec<_> = images.collect();
    images.sort_by_key(|image| image.kind != "output");
    match images.into_iter().next() {
        Some(image) => Ok(Some(image)),
        None => Err(Error::refused("the provider's workflow saved no image")),
    }
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
    let text = |name| image.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Output {
        filename: text("filename")?,
        subfolder: text("subfolder").unwrap_or_default(),
        kind: text("type").unwrap_or_else(|| "output".to_owned()),
    })
}

/// The message of the exception that a run ended with.
fn problem(run: &Value) -> Option<&str> {
    let messages = run.pointer("/status/messages")?.as_array()?;
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
            let ended = ended(&json!({"t": run}), "t", Some("hush"));
            let expected = expected.map(Some).map_err(Error::refused);
            assert_eq!(ended, expected, "{name}");
        }
        assert_eq!(ended(&json!({}), "t", None), Ok(None));
        assert_eq!(ended(&json!([]), "t", None), Ok(None));
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
