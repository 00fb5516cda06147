//! The smallest middleware, to be copied and filled.
//!
//! It stands before a model as if it were one: it refuses prompts that ask for a
//! violent picture, and says more politely what the others ask for.

#[cfg(target_arch = "wasm32")]
mod component;

/// Where your rule goes. Plain Rust, so that it can be tested without a component
/// around it. It answers the prompt that the model behind is asked with.
///
/// The error is a sentence that the user reads after "Image refinement failed: ".
pub fn judge(prompt: &str) -> Result<String, String> {
    if prompt.contains("blood") {
        return Err("this service makes no violent pictures".to_owned());
    }
    Ok(prompt.replace("ugly", "plain"))
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn a_prompt_is_refused_or_said_otherwise() {
        assert_eq!(judge("less ugly"), Ok("less plain".to_owned()));
        assert_eq!(judge("warmer"), Ok("warmer".to_owned()));
        assert!(judge("more blood").is_err());
    }
}
