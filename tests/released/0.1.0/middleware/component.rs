//! Exports the interface `image-model` over [`crate::judge`] and the model behind.
//! Each call has an instance of its own: what is to outlast it goes into
//! `model-state`.

// The generated code crosses the boundary of the component, which is unsafe by
// its nature.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "image-model-middleware",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::blobs::{Blob, Purpose};
use bindings::concept::refinement::model_state;
use bindings::concept::refinement::next_models::{self, LinkError};
use bindings::exports::concept::refinement::image_model::{Answer, Error, Guest, Request};

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let prompt = crate::judge(&request.prompt).map_err(Error::Refused)?;

        let Ok(image) = Blob::of(Purpose::Original, request.image, request.length).await else {
            return Err(Error::Refused("there is no room".to_owned()));
        };
        let seen = model_state::get("seen".to_owned()).await;
        model_state::swap("seen".to_owned(), seen, Some(b"yes".to_vec())).await;
        // The models are asked in turn, each with the image from its beginning.
        let mut problem = Error::Refused("there is no model".to_owned());
        for index in 0..next_models::count().await {
            let request = Request {
                task_id: request.task_id.clone(),
                prompt: prompt.clone(),
                strength: request.strength,
                logo_description: request.logo_description.clone(),
                theme_description: request.theme_description.clone(),
                media_type: request.media_type.clone(),
                length: request.length,
                source_url: request.source_url.clone(),
                receipt: request.receipt.clone(),
                time_left: request.time_left,
                receipt_key: request.receipt_key.clone(),
                image: image.contents().await,
            };
            match next_models::refine(index, request).await {
                Ok(Answer::Image(mut image)) => {
                    let note = "A middleware of 0.1.0 passed this on.";
                    image.notes.push(note.to_owned());
                    return Ok(Answer::Image(image));
                }
                Ok(location) => return Ok(location),
                Err(LinkError::Unavailable(unavailable)) => {
                    problem = Error::Unavailable(unavailable);
                }
                Err(LinkError::Unknown(reason)) => problem = Error::Unknown(reason),
                Err(LinkError::Unauthorized(reason)) => problem = Error::Unauthorized(reason),
                Err(LinkError::Refused(reason) | LinkError::Broken(reason)) => {
                    problem = Error::Refused(reason);
                }
            }
        }
        Err(problem)
    }

    /// Shown to people who run the model.
    async fn describe() -> String {
        let next = next_models::describe(0).await;
        format!("A middleware of 0.1.0 for: {next}")
    }
}
