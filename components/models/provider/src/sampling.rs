//! Parameters for models that sample step by step.

pub const STEPS: u32 = 30;
/// How closely the prompt is followed.
pub const GUIDANCE: f32 = 7.5;
/// What the image must not look like.
pub const NEGATIVE_PROMPT: &str = "blurry, low quality";
