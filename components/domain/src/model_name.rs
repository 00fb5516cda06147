//! Which model of a provider is asked where `model-name` names none.

/// What OpenAI's guide names for edits that have to be precise, as of November
/// 2026.
pub const OPENAI: &str = "gpt-image-2.6-sunburst";

/// The largest of Stability AI's that takes an image and a strength.
pub const STABILITY: &str = "sd3.5-large";

/// An official model of Replicate that edits images.
pub const REPLICATE: &str = "black-forest-labs/flux-2-pro";
