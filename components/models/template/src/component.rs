//! Exports the interface `image-model` over [`crate::refine`]. Each call has an
//! instance of its own, so there is no state between calls.

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "image-model-component",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::exports::concept::refinement::image_model::{
    Answer, Error, Guest, Image, ImageOrLocation, Request, Source,
};
use bindings::wit_stream;
use wit_bindgen::{StreamReader, StreamResult};

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        // Settings, as `model-url` and `model-api-key`, are there if they are set:
        // bindings::concept::refinement::settings::get("model-url".to_owned()).await
        // A model that has a provider work on it keeps the id of that work, as soon as it is
        // known:
        // receipts::put(request.receipt_key, id.into_bytes()).await
        // After a crash `request.receipt` has it: ask for that work then, and not for new
        // work, which would have to be paid for, too. What the work cost, if it is known:
        // usage::add(request.receipt_key, Usage { cost, input_tokens, output_tokens })
        let image = read(request.image).await;
        if image.len() as u64 != request.length {
            return Err(Error::Refused(
                "the image ended before its length".to_owned(),
            ));
        }

        // `Error::Refused`: a repeat cannot help. The service asks again, up to three
        // times, after `Error::Unavailable` (your provider did not accept the request) and
        // `Error::Unknown` (nobody knows whether it did).
        let refined =
            crate::refine(image, &request.prompt, request.strength).map_err(Error::Refused)?;

        // The answer is written by a spawned task, while the caller reads it.
        let length = refined.len() as u64;
        let (mut writer, contents) = wit_stream::new();
        wit_bindgen::spawn(async move {
            writer.write_all(refined).await;
        });
        Ok(Answer {
            image: ImageOrLocation::Image(Image {
                // If your model changes the format, say which: `image/png`, …
                media_type: request.media_type,
                length: Some(length),
                contents,
            }),
            // What the person who asked may want to know of this work.
            notes: Vec::new(),
            // `Source::Generative` if it comes from a generative model.
            source: Source::Rules,
        })
    }

    /// Shown to people who run the model.
    async fn describe() -> String {
        "A template that answers the original unchanged.".to_owned()
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
