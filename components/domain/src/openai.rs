//! The paths of OpenAI's API, which the component answers, and by which a host decides what it
//! limits and in which form it refuses.

/// Of requests that bring their images along and are answered when their task has ended.
pub const EDITS: &str = "/v1/images/edits";

/// Of the list of models.
pub const MODELS: &str = "/v1/models";

/// Whether a path belongs to it, known or not.
pub fn has(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_belong_to_it_or_not() {
        for (path, expected) in [
            (EDITS, true),
            (MODELS, true),
            ("/v1", true),
            ("/v1/", true),
            ("/v1/anything", true),
            ("/v10", false),
            ("/v1.0/models", false),
            ("/api/v1/models", false),
            ("/", false),
        ] {
            assert_eq!(has(path), expected, "{path}");
        }
    }
}
