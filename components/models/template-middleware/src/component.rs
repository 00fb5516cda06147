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

use bindings::concept::refinement::next_models::{self, LinkError};
use bindings::exports::concept::refinement::image_model::{Answer, Error, Guest, Request};

struct Component;

impl Guest for Component {
    async fn refine(request: Request) -> Result<Answer, Error> {
        let prompt = crate::judge(&request.prompt).map_err(Error::Refused)?;

        // The image is handed on as it is, and so is the answer: their bytes pass no
        // instance of this component.
        // One that is needed more than once goes into a blob:
        // bindings::concept::refinement::blobs::Blob::of(Purpose::Original, image, length)
        // One that this component makes goes into a blob too (reserve, append), or is written by
        // a future that is awaited together with `refine`. A task of `wit_bindgen::spawn` is not
        // enough: it may not run before something else wakes this call, which waits for the
        // model that reads the image.
        let request = Request { prompt, ..request };
        next_models::refine(0, request)
            .await
            .map_err(|error| match error {
                LinkError::Unavailable(unavailable) => Error::Unavailable(unavailable),
                LinkError::Unknown(reason) => Error::Unknown(reason),
                LinkError::Unauthorized(reason) => Error::Unauthorized(reason),
                LinkError::Refused(reason) => Error::Refused(reason),
                LinkError::Broken(reason) => Error::Broken(reason),
            })
    }

    /// Shown to people who run the model.
    async fn describe() -> String {
        let next = next_models::describe(0).await;
        format!("A template that judges prompts for: {next}")
    }
}
