//! What `bindgen!` makes of a store adapter, with the values of the host.

pub use concept_refinement_runtime::types;

wasmtime::component::bindgen!({
    path: "../wit",
    world: "concept:refinement/store-adapter",
    require_store_data_send: true,
    imports: { default: trappable },
    with: {
        "concept:refinement/types@0.2.0": types,
    },
});
