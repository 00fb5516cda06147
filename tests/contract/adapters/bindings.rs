//! What `bindgen!` makes of a store adapter.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "concept:refinement/store-adapter",
    require_store_data_send: true,
});
