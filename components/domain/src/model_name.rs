//! The default model of each provider, if `model-name` is not set.

/// The model that OpenAI's guide recommends for precise edits, as of November 2026.
pub const OPENAI: &str = "gpt-image-2.6-sunburst";

/// Stability AI's largest model that accepts an image and a strength.
pub const STABILITY: &str = "sd3.5-large";

/// An official model of Replicate that edits images.
pub const REPLICATE: &str = "black-forest-labs/flux-2-pro";
