//! `next-models` of now on one side, and that of 0.1.0 on the other.

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "../../../wit/0.1.0"],
        inline: "
            package concept:composing;
            world models {
                import concept:refinement/next-models@0.2.0;
                export concept:refinement/next-models@0.1.0;
            }
        ",
        world: "concept:composing/models",
        generate_all,
    });

    export!(Component with_types_in self);
    use super::Component;
}

use bindings::concept::refinement0_1_0::model_types as old;
use bindings::concept::refinement0_2_0::model_types::{self as now, ImageOrLocation};
use bindings::concept::refinement0_2_0::next_models;
use bindings::exports::concept::refinement0_1_0::next_models::{Answer, Guest, LinkError, Request};

struct Component;

impl Guest for Component {
    async fn count() -> u32 {
        next_models::count().await
    }

    async fn describe(index: u32) -> String {
        next_models::describe(index).await
    }

    async fn identity(index: u32) -> String {
        next_models::identity(index).await
    }

    async fn has_receipt(index: u32) -> bool {
        next_models::has_receipt(index).await
    }

    async fn refine(index: u32, request: Request) -> Result<Answer, LinkError> {
        let Request {
            task_id,
            prompt,
            strength,
            logo_description,
            theme_description,
            media_type,
            length,
            source_url,
            receipt,
            time_left,
            receipt_key,
            image,
        } = request;
        let request = next_models::Request {
            task_id,
            prompt,
            strength,
            seed: None,
            logo_description,
            theme_description,
            media_type,
            length,
            source_url,
            receipt,
            time_left,
            receipt_key,
            options: Vec::new(),
            image,
            mask: None,
        };
        let answer = next_models::refine(index, request).await;
        answer.map(answered).map_err(failed)
    }
}

fn answered(answer: next_models::Answer) -> Answer {
    let next_models::Answer {
        image,
        notes,
        source: _,
    } = answer;
    match image {
        ImageOrLocation::Image(now::Image {
            media_type,
            length,
            contents,
        }) => Answer::Image(old::Image {
            media_type,
            length,
            contents,
            notes,
        }),
        ImageOrLocation::Location(url) => Answer::Location(url),
    }
}

fn failed(error: next_models::LinkError) -> LinkError {
    match error {
        next_models::LinkError::Unavailable(now::Unavailable {
            reason,
            retry_after,
            is_rate_limit,
        }) => LinkError::Unavailable(old::Unavailable {
            reason,
            retry_after,
            is_rate_limit,
        }),
        next_models::LinkError::Unknown(reason) => LinkError::Unknown(reason),
        next_models::LinkError::Refused(reason) => LinkError::Refused(reason),
        next_models::LinkError::Unauthorized(reason) => LinkError::Unauthorized(reason),
        next_models::LinkError::Broken(reason) => LinkError::Broken(reason),
    }
}
