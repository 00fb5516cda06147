//! The interfaces `next-models` and `model-state`.

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "chain-end-adapter",
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::exports::concept::refinement::{model_state, next_models};
use wit_bindgen::StreamReader;

struct Component;

impl next_models::Guest for Component {
    async fn count() -> u32 {
        0
    }

    async fn describe(_: u32) -> String {
        String::new()
    }

    async fn identity(_: u32) -> String {
        String::new()
    }

    async fn has_receipt(_: u32) -> bool {
        false
    }

    async fn refine(
        _: u32,
        _: next_models::Request,
    ) -> Result<next_models::Answer, next_models::LinkError> {
        let reason = "there is no such model".to_owned();
        Err(next_models::LinkError::Refused(reason))
    }
}

impl model_state::Guest for Component {
    async fn get(_: String) -> Option<Vec<u8>> {
        None
    }

    async fn swap(_: String, _: Option<Vec<u8>>, _: Option<Vec<u8>>) -> bool {
        true
    }

    async fn get_image(_: String) -> Option<model_state::Image> {
        None
    }

    async fn put_image(_: String, contents: StreamReader<u8>) -> StreamReader<u8> {
        contents
    }
}
