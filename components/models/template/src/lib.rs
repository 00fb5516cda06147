//! The smallest image model, to be filled.
//!
//! It returns the original unchanged, and refuses a prompt that asks for the
//! impossible.

#[cfg(target_arch = "wasm32")]
mod component;

/// Where your model goes. Plain Rust, so that it can be tested without a
/// component around it. `image` is a whole file, checked by the service; what
/// you answer is stored byte for byte.
///
/// The error is a sentence that the user reads after "Image refinement failed:
/// ". `strength` is from 0 (no change) to 1.
pub fn refine(image: Vec<u8>, prompt: &str, strength: f32) -> Result<Vec<u8>, String> {
    if prompt.contains("impossible") {
        return Err("that is impossible".to_owned());
    }
    let _how_much = strength;
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::refine;

    #[test]
    fn the_original_stays_as_it_is() {
        let image = b"any bytes".to_vec();
        assert_eq!(refine(image.clone(), "lighter", 0.7), Ok(image));
        let refused = refine(Vec::new(), "do the impossible", 0.7);
        assert_eq!(refused, Err("that is impossible".to_owned()));
    }
}
