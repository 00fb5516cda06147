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
        // A setting, if it is set, is read like this:
        // bindings::concept::refinement::settings::get("model-name".to_owned()).await
        let image = read(request.image).await;
        if image.len() as u64 != request.length {
            return Err(Error::Refused(
                "the image ended before its length".to_owned(),
            ));
        }

        // `Error::Refused` means that a repeat cannot help.
        let refined =
            crate::refine(&image, &request.prompt, request.strength).map_err(Error::Refused)?;

        // The answer is written by a spawned task, while the caller reads it.
        let length = refined.len() as u64;
        let (mut writer, contents) = wit_stream::new();
        wit_bindgen::spawn(async move {
            writer.write_all(refined).await;
        });
        Ok(Answer {
            image: ImageOrLocation::Image(Image {
                media_type: "image/png".to_owned(),
                length: Some(length),
                contents,
            }),
            // Sentences for the user about this result, if there is anything to say.
            notes: Vec::new(),
            // `Source::Generative` if it comes from a generative model.
            source: Source::Rules,
        })
    }

    /// Shown to people who run the model.
    async fn describe() -> String {
        "A template that turns images sepia.".to_owned()
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
