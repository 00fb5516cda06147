//! The code that wit-bindgen generates from `wit/`: one set of types for imports and
//! exports, and the interfaces that a component imports.
//!
//! An interface that a component exports must not be found here too, since it would then
//! become an import as well, even if nothing calls it. So a component selects its imports
//! by features: `capabilities`, `worker`, or none. A component that exports an
//! interface generates its code itself, `with` these types.

use concept_refinement_domain::conversions;

pub use generated::concept::refinement::types;
#[cfg(feature = "capabilities")]
pub use generated::concept::refinement::{
    blobs, concept_store, health, image_store, progress, settings, task_queue, task_store,
    webhook_store,
};
#[cfg(feature = "worker")]
pub use worker::concept::refinement::processor;
#[cfg(all(feature = "worker", not(feature = "capabilities")))]
pub use worker::concept::refinement::task_store;

conversions!(types);

#[cfg(feature = "capabilities")]
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
                import concept:refinement/settings@0.2.0;
                import concept:refinement/health@0.2.0;
                import concept:refinement/task-store@0.2.0;
                import concept:refinement/task-queue@0.2.0;
                import concept:refinement/image-store@0.2.0;
                import concept:refinement/concept-store@0.2.0;
                import concept:refinement/webhook-store@0.2.0;
                import concept:refinement/progress@0.2.0;
                import concept:refinement/blobs@0.2.0;
            }
        ",
        world: "concept-refinement:guest/imports",
        generate_all,
    });
}

#[cfg(not(feature = "capabilities"))]
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
            world types {
                import concept:refinement/types@0.2.0;
            }
        ",
        world: "concept-refinement:guest/types",
        generate_all,
        generate_unused_types: true,
    });
}

#[cfg(feature = "worker")]
#[allow(
    unsafe_code,
    clippy::all,
    clippy::restriction,
    reason = "what is generated talks to the canonical ABI"
)]
mod worker {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package concept-refinement:guest;
            world worker {
                import concept:refinement/task-store@0.2.0;
                import concept:refinement/processor@0.2.0;
            }
        ",
        world: "concept-refinement:guest/worker",
        with: { "concept:refinement/types@0.2.0": super::types },
        generate_all,
    });
}
