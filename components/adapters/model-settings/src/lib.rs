//! The settings that a model may read: its provider's URL and key, which of the
//! provider's models to use, and in what form to send originals.
//!
//! It sits between a model and the store of a composition. It must never pass on any
//! other setting, above all not the secret that signs sessions: a model may be
//! third-party code.

#[cfg(target_arch = "wasm32")]
mod component;

/// The settings that a model may read.
const GRANTED: [&str; 8] = [
    "model-url",
    "model-api-key",
    "model-original",
    "model-name",
    "model-input",
    "model-mask",
    "model-seed",
    "model-workflow",
];

/// Whether a model may read this setting.
pub fn is_granted(name: &str) -> bool {
    GRANTED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::is_granted;

    #[test]
    fn a_model_knows_its_provider_and_nothing_else() {
        for (name, granted) in [
            ("model-url", true),
            ("model-api-key", true),
            ("model-original", true),
            ("model-name", true),
            ("model-input", true),
            ("model-mask", true),
            ("model-seed", true),
            ("model-workflow", true),
            ("model", false),
            ("model-timeout", false),
            ("MODEL-URL", false),
            ("model_url", false),
            (" model-url", false),
            ("model-url\0", false),
            ("jwt-secret", false),
            ("public-url", false),
            ("allow-sources", false),
            ("", false),
        ] {
            assert_eq!(is_granted(name), granted, "{name}");
        }
    }
}
