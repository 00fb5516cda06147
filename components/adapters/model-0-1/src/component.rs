//! `image-model` of 0.1.0 on one side, and that of now on the other.

// The generated code crosses the component boundary, which is inherently unsafe.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "../../../wit/0.1.0"],
        inline: "
            package concept:composing;
            world model {
                import concept:refinement/image-model@0.1.0;
                export concept:refinement/image-model@0.2.0;
            }
        ",
        world: "concept:composing/model",
        generate_all,
    });

    export!(Component with_types_in self);
    use super::Component;
}

use concept_refinement_domain::model_conversions;
use concept_refinement_domain::note::NotTaken;

use bindings::concept::refinement0_1_0::{image_model, model_types as old};
use bindings::concept::refinement0_2_0::model_types as now;
use bindings::exports::concept::refinement0_2_0::image_model::Guest;

model_conversions!(old, now);

struct Component;

impl Guest for Component {
    async fn refine(request: now::Request) -> Result<now::Answer, now::Error> {
        let not_taken = NotTaken {
            seed: request.seed.is_some(),
            mask: request.mask.is_some(),
            ..NotTaken::default()
        };
        let mut answer = now::Answer::from(image_model::refine(request.into()).await?);
        answer.notes.extend(not_taken.notes());
        Ok(answer)
    }

    async fn describe() -> String {
        image_model::describe().await
    }
}
