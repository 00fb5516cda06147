//! The interface `next-models` on both sides, and `image-model`.

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "next-model-adapter",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement::{image_model as first, next_models as others};
use bindings::exports::concept::refinement::next_models::{Answer, Guest, LinkError, Request};

struct Component;

impl Guest for Component {
    async fn count() -> u32 {
        others::count().await.saturating_add(1)
    }

    async fn describe(index: u32) -> String {
        match index.checked_sub(1) {
            None => first::describe().await,
            Some(index) => others::describe(index).await,
        }
    }

    /// No identity is needed, since nothing is cached here.
    async fn identity(_: u32) -> String {
        String::new()
    }

    /// Not known here.
    async fn has_receipt(_: u32) -> bool {
        false
    }

    async fn refine(index: u32, request: Request) -> Result<Answer, LinkError> {
        match index.checked_sub(1) {
            None => first::refine(request).await.map_err(|error| match error {
                first::Error::Unavailable(unavailable) => LinkError::Unavailable(unavailable),
                first::Error::Unknown(reason) => LinkError::Unknown(reason),
                first::Error::Refused(reason) => LinkError::Refused(reason),
                first::Error::Unauthorized(reason) => LinkError::Unauthorized(reason),
                first::Error::Broken(reason) => LinkError::Broken(reason),
            }),
            Some(index) => others::refine(index, request).await,
        }
    }
}
