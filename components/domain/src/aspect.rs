//! What a refinement is to preserve of its original.

use serde::{Deserialize, Serialize};

// Prompts use these names too.
crate::words! {
    /// An aspect of an image that is to stay as it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Aspect {
        /// Hues, saturation and brightness.
        Colors = "colors",
        /// Where everything is, and the size.
        Layout = "layout",
        /// How it is drawn.
        Style = "style",
        /// The outlines.
        Shapes = "shapes",
    }
}

/// What a prompt ends with, before the aspects (seed: the provider's prompt).
const SENTENCE: &str = " Preserve the following aspects: ";
const SEPARATOR: &str = ", ";

/// The prompt that asks for what is to change, and for the aspects to stay.
pub fn prompt_with(prompt: &str, aspects: &[Aspect]) -> String {
    if aspects.is_empty() {
        return prompt.to_owned();
    }
    let names: Vec<_> = aspects.iter().map(|aspect| aspect.as_str()).collect();
    format!("{prompt}{SENTENCE}{}", names.join(SEPARATOR))
}

/// Divides a prompt of [`prompt_with`]. One that does not end with such a sentence has no
/// aspects.
pub fn divide(prompt: &str) -> (&str, Vec<Aspect>) {
    let whole = (prompt, Vec::new());
    let Some((rest, names)) = prompt.rsplit_once(SENTENCE) else {
        return whole;
    };
    let aspects: Option<Vec<_>> = names.split(SEPARATOR).map(Aspect::of).collect();
    aspects.map_or(whole, |aspects| (rest, aspects))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_tells_what_is_to_be_preserved() {
        use Aspect::{Colors, Layout, Shapes, Style};
        for (aspects, expected) in [
            (&[] as &[_], "Make it lighter"),
            (
                &[Layout],
                "Make it lighter Preserve the following aspects: layout",
            ),
            (
                &[Shapes, Colors, Style],
                "Make it lighter Preserve the following aspects: shapes, colors, style",
            ),
        ] {
            let prompt = prompt_with("Make it lighter", aspects);
            assert_eq!(prompt, expected);
            assert_eq!(divide(&prompt), ("Make it lighter", aspects.to_vec()));
        }
    }

    #[test]
    fn other_prompts_are_not_divided() {
        for prompt in [
            "",
            "Preserve the following aspects: colors",
            "lighter Preserve the following aspects: ",
            "lighter Preserve the following aspects: colours",
            "lighter Preserve the following aspects: colors and layout",
            "lighter Preserve the following aspects: colors.",
        ] {
            assert_eq!(divide(prompt), (prompt, Vec::new()), "{prompt}");
        }
    }

    #[test]
    fn an_aspect_is_named_alike_everywhere() {
        for aspect in Aspect::ALL {
            let json = serde_json::to_value(aspect).unwrap();
            assert_eq!(json, serde_json::Value::from(aspect.as_str()));
            assert_eq!(Aspect::of(aspect.as_str()), Some(aspect));
        }
        assert_eq!(Aspect::of("colours"), None);
    }
}
