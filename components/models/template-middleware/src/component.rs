//! Exports the interface `image-model` over [`crate::judge`] and the model behind.
//! Each call has an instance of its own: what is to outlast it goes into
//! `model-state`.

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "image-model-middleware",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::next_models;
use bindings::exports::concept::refinement::image_model::{
    Answer, Error, Guest, Image, Request, Unavailable,
};

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let prompt = crate::judge(&request.prompt).map_err(Error::Refused)?;

        // The image is handed on as it is, and passes no instance of this component.
        // One that is needed more than once goes into a blob:
        // bindings::concept::refinement::blobs::Blob::of(Purpose::Original, image)
        let request = next_models::Request {
            task_id: request.task_id,
            prompt,
            strength: request.strength,
            logo_description: request.logo_description,
            theme_description: request.theme_description,
            media_type: request.media_type,
            length: request.length,
            source_url: request.source_url,
            image: request.image,
        };
        match next_models::refine(0, request).await {
            Ok(answer) => Ok(own(answer)),
            Err(next_models::Error::Unavailable(unavailable)) => {
                Err(Error::Unavailable(Unavailable {
                    reason: unavailable.reason,
                    retry_after: unavailable.retry_after,
                }))
            }
            Err(next_models::Error::Refused(reason) | next_models::Error::Broken(reason)) => {
                Err(Error::Refused(reason))
            }
        }
    }

    /// Shown to people who run the model.
    async fn describe() -> String {
        let next = next_models::describe(0).await;
        format!("A template that judges prompts for: {next}")
    }
}

/// All that an answer has, handed on. The bytes pass no instance of this component
/// either.
fn own(answer: next_models::Answer) -> Answer {
    match answer {
        next_models::Answer::Image(image) => Answer::Image(Image {
            media_type: image.media_type,
            length: image.length,
            contents: image.contents,
            notes: image.notes,
        }),
        next_models::Answer::Location(url) => Answer::Location(url),
    }
}
