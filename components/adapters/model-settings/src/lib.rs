//! A model's part of the settings: where its provider is, and the key to it.
//!
//! It stands between a model and the store of a composition. It must never let
//! another setting through: a model may be anybody's, and the rest is none of
//! its business, the secret that signs sessions least of all.

#[cfg(target_arch = "wasm32")]
mod component;

/// What a model may know.
const GRANTED: [&str; 2] = ["model-url", "model-api-key"];

/// Whether a model may know the setting of this name.
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
