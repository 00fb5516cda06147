//! The code that `bindgen!` generates from `wit/`, in this file only.
//!
//! The capabilities are generated once and shared by the worlds of the
//! components. wasi:http comes from `wasmtime-wasi-http`.

#![allow(missing_docs, reason = "the documentation is that of `wit/`")]

pub mod capabilities {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package concept-refinement:host;
            world capabilities {
                import concept:refinement/settings@0.2.0;
                import concept:refinement/health@0.2.0;
                import concept:refinement/task-store@0.2.0;
                import concept:refinement/task-queue@0.2.0;
                import concept:refinement/image-store@0.2.0;
                import concept:refinement/concept-store@0.2.0;
                import concept:refinement/webhook-store@0.2.0;
                import concept:refinement/progress@0.2.0;
                import concept:refinement/blobs@0.2.0;
                import concept:refinement/partial-edits@0.2.0;
                import concept:refinement/image-model@0.2.0;
                import concept:refinement/next-models@0.2.0;
                import concept:refinement/model-state@0.2.0;
                import concept:refinement/receipts@0.2.0;
                import concept:refinement/usage@0.2.0;
            }
        ",
        world: "concept-refinement:host/capabilities",
        imports: {
            default: trappable,
        },
        with: {
            "concept:refinement/blobs@0.2.0.blob": concept_refinement_capability::blobs::Blob,
        },
    });
}

pub mod api {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package concept-refinement:host;
            world api {
                export concept:refinement/handler@0.2.0;
            }
        ",
        world: "concept-refinement:host/api",
        require_store_data_send: true,
    });
}

pub mod processor {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "concept:refinement/processor-component",
        imports: { default: trappable },
        require_store_data_send: true,
        with: {
            "concept:refinement": super::capabilities::concept::refinement,
        },
    });
}

pub mod notifier {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "concept:refinement/notifier-component",
        require_store_data_send: true,
        with: {
            "concept:refinement/types@0.2.0": super::capabilities::concept::refinement::types,
        },
    });
}

pub mod model {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "concept:refinement/image-model-component",
        imports: { default: trappable },
        require_store_data_send: true,
        with: {
            "concept:refinement/model-types@0.2.0": super::capabilities::concept::refinement::model_types,
            "concept:refinement/receipts@0.2.0": super::capabilities::concept::refinement::receipts,
            "concept:refinement/settings@0.2.0": super::capabilities::concept::refinement::settings,
            "concept:refinement/usage@0.2.0": super::capabilities::concept::refinement::usage,
            "concept:refinement/types@0.2.0": super::capabilities::concept::refinement::types,
        },
    });
}

pub mod masked {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "concept:refinement/masked",
        require_store_data_send: true,
        with: {
            "concept:refinement/model-types@0.2.0": super::capabilities::concept::refinement::model_types,
            "concept:refinement/types@0.2.0": super::capabilities::concept::refinement::types,
        },
    });
}

/// What differs in the interfaces of 0.1.0, which components that were built with them
/// import and export. The others are the same, but for the version in their names.
pub mod model_0_1 {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        inline: "
            package concept-refinement:host;
            world model {
                import concept:refinement/next-models@0.1.0;
                export concept:refinement/image-model@0.1.0;
            }
        ",
        world: "concept-refinement:host/model",
        imports: { default: trappable },
        require_store_data_send: true,
    });
}
