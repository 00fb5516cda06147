//! What wit-bindgen makes of `wit/`: every interface as an import, and the one
//! set of types that imports and exports share.
//!
//! A component imports only what it calls of these. One that exports an
//! interface generates that itself, `with` the types that stand here.

use concept_refinement_domain::conversions;

pub use generated::concept::refinement::{
    concept_store, health, image_model, image_store, processor, progress, settings, task_queue,
    task_store, types,
};

conversions!(types);

#[allow(
    unsafe_code,
    clippy::all,
    clippy::restriction,
    reason = "what is generated talks to the canonical ABI"
)]
mod generated {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package concept-refinement:guest;
            world imports {
                import concept:refinement/settings@0.1.0;
                import concept:refinement/health@0.1.0;
                import concept:refinement/task-store@0.1.0;
                import concept:refinement/task-queue@0.1.0;
                import concept:refinement/image-store@0.1.0;
                import concept:refinement/concept-store@0.1.0;
                import concept:refinement/progress@0.1.0;
                import concept:refinement/image-model@0.1.0;
                import concept:refinement/processor@0.1.0;
            }
        ",
        world: "concept-refinement:guest/imports",
        generate_all,
    });
}
