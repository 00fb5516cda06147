//! What the builds of the host and of the components both go by.

/// Components embedded in the executable: their names in the host, and of their files
/// `NAME.wasm`.
pub const SHIPPED: [&str; 12] = [
    "api",
    "processor",
    "notifier",
    "model-local",
    "model-jigsawstack",
    "model-openai",
    "model-stability",
    "model-replicate",
    "model-automatic1111",
    "model-comfyui",
    "model-fallback",
    "model-cache",
];
