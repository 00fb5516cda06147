//! Exports the interface `image-model` over [`crate::refine`]. Each call has an
//! instance of its own, so there is no state between calls.

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "image-model-component",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::{receipts, settings};
use bindings::exports::concept::refinement::image_model::{Answer, Error, Guest, Image, Request};
use bindings::wit_stream;
use wit_bindgen::{StreamReader, StreamResult};

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let style = settings::get("model-style".to_owned()).await;
        // The next call for the task goes on by what the first one stored.
        if request.prompt.contains("receipt") && request.receipt.is_none() {
            let stored = receipts::put(request.receipt_key, b"work".to_vec()).await;
            stored.map_err(|error| Error::Refused(error.message))?;
            return Err(Error::Unknown("the work has begun".to_owned()));
        }
        let image = read(request.image).await;
        if image.len() as u64 != request.length {
            return Err(Error::Refused(
                "the image ended before its length".to_owned(),
            ));
        }

        let (refined, note) = crate::refine(image, &request.prompt).map_err(Error::Refused)?;

        // The answer is written by a spawned task, while the caller reads it.
        let length = refined.len() as u64;
        let (mut writer, contents) = wit_stream::new();
        wit_bindgen::spawn(async move {
            writer.write_all(refined).await;
        });
        Ok(Answer::Image(Image {
            media_type: "image/png".to_owned(),
            length: Some(length),
            contents,
            notes: [
                Some(note),
                style.map(|style| format!("Its style is {style}.")),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }))
    }

    /// Shown to people who run the model.
    async fn describe() -> String {
        "A model of 0.1.0 that inverts a PNG.".to_owned()
    }
}

async fn read(mut image: StreamReader<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(64 * 1024);
        let (result, read) = image.read(bytes).await;
        bytes = read;
        if let StreamResult::Dropped = result {
            return bytes;
        }
    }
}
