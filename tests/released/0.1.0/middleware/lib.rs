//! The template of 0.1.0, filled: it judges prompts, and asks the models behind it in turn.

#[cfg(target_arch = "wasm32")]
mod component;

/// The prompt that the models are asked with.
pub fn judge(prompt: &str) -> Result<String, String> {
    if prompt.contains("blood") {
        return Err("this service makes no violent pictures".to_owned());
    }
    Ok(prompt.replace("ugly", "plain"))
}
