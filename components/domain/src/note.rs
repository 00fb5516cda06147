//! Notes of a model for the user.

use crate::sentence::sanitize;

/// Most notes of one refinement.
pub const MAX_NOTES: usize = 8;

/// Longest note, in code points.
pub const MAX_CHARS: usize = 200;

/// What of a request a model could not honour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotTaken {
    /// It was asked for a strength, and has none.
    pub strength: bool,
    /// It was given a seed, and takes none.
    pub seed: bool,
    /// It was given a mask, and takes none.
    pub mask: bool,
}

impl NotTaken {
    /// A sentence for each.
    pub fn notes(self) -> Vec<String> {
        let sentences = [
            self.strength.then_some(
                "The model takes no strength: the prompt alone says how much is to change.",
            ),
            self.seed
                .then_some("The model takes no seed: the same request may give another image."),
            self.mask.then_some(
                "The model did not get the mask: its answer was put in where the mask allows it.",
            ),
        ];
        sentences.into_iter().flatten().map(str::to_owned).collect()
    }
}

/// Makes the notes of a model printable, and limits their number and length.
pub fn bounded(notes: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    let notes = notes.into_iter().take(MAX_NOTES);
    let notes = notes.map(|note| sanitize(note.as_ref().trim(), MAX_CHARS));
    notes.filter(|note| !note.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_are_told_and_of_each_the_beginning() {
        let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(bounded(&many), many[..8]);
        let cases = [
            (
                "as it is",
                "No “sparkles” are known.",
                "No “sparkles” are known.",
            ),
            ("with spaces around it", "  a\n", "a"),
            ("on several lines", "a\nb\u{202e}c", "a b\u{fffd}c"),
        ];
        for (name, note, expected) in cases {
            assert_eq!(bounded([note]), [expected], "{name}");
        }
        let long = "é".repeat(201);
        assert_eq!(bounded([&long]), [format!("{}…", "é".repeat(199))]);
        let longest = "é".repeat(200);
        assert_eq!(bounded([&longest]), [longest]);
        assert_eq!(bounded(["", " ", "a"]), ["a"]);
    }

    proptest! {
        #[test]
        fn whatever_a_model_says_they_are_bounded(notes: Vec<String>) {
            let notes = bounded(&notes);
            prop_assert!(notes.len() <= MAX_NOTES);
            prop_assert!(notes.iter().all(|note| (1..=MAX_CHARS).contains(&note.chars().count())));
        }
    }
}
