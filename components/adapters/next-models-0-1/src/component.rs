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

use concept_refinement_domain::model_conversions;

use bindings::concept::refinement0_1_0::model_types as old;
use bindings::concept::refinement0_2_0::{model_types as now, next_models};
use bindings::exports::concept::refinement0_1_0::next_models::Guest;

model_conversions!(old, now);

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

    async fn refine(index: u32, request: old::Request) -> Result<old::Answer, old::LinkError> {
        let answer = next_models::refine(index, request.into()).await?;
        Ok(answer.into())
    }
}
