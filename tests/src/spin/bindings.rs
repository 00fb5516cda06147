//! What `bindgen!` makes of the interfaces that Spin offers beyond WASI 0.2 and
//! 0.3, from the WIT files as their owners publish them.

wasmtime::component::bindgen!({
    path: [
        "../components/adapters/store-keyvalue/wit/deps/keyvalue",
        "spin_shaped/wit/deps/spin-variables",
    ],
    inline: "
        package concept-refinement:spin-shaped;
        world platform {
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
            import wasi:keyvalue/batch@0.2.0-draft2;
            import spin:variables/variables@3.0.0;
        }
    ",
    world: "concept-refinement:spin-shaped/platform",
    imports: { default: trappable },
});
