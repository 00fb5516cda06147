//! Notes for the user: where the result differs from what the prompt asks for.

use crate::plan::{Change, Edit, Plan, Unused, Widened};
use concept_refinement_vocabulary::name;

/// Longest note, in characters: the service cuts off the rest.
const MAX_CHARS: usize = 200;

/// The beginning of a word is enough to recognise it.
const MAX_WORD: usize = 40;

/// A note that depends on the picture rather than the prompt. Colours are `0xRRGGBB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Remark {
    #[error("There is no {} in this picture.", name(*.0))]
    Absent(u32),
    #[error("No part of the picture became exactly {}.", name(*.0))]
    Missed(u32),
    /// It was to be kept.
    #[error("What was {} could not be kept so.", name(*.0))]
    Lost(u32),
    /// It was not wanted.
    #[error("There is still {} in the picture.", name(*.0))]
    Left(u32),
    #[error("Hardly anything changed: the picture is nearly as asked already.")]
    HardlyChanged,
    #[error(
        "The background was left as it is: it could not be found, since the border of the picture \
         has many colours."
    )]
    BackgroundNotFound,
    #[error("A part of the background remains: its colours differ too much from the rest of it.")]
    BackgroundPartly,
    #[error("Areas of the background's colour that something encloses were left as they are.")]
    BackgroundEnclosed,
    #[error("The background had several colours, and has one now.")]
    BackgroundEvened,
    #[error("The background was transparent already.")]
    BackgroundTransparent,
    #[error("Only the first frame of the animation was edited: the result is a still picture.")]
    FirstFrame,
    #[error("What was edited has 8 bits per channel; the original has 16.")]
    EightBits,
    #[error("The colour profile of the original cannot be used: its colours are taken for sRGB.")]
    ProfileUnused,
}

/// Why nothing changed.
pub fn reason(remarks: &[Remark]) -> String {
    match remarks.first() {
        Some(remark) => {
            let sentence = remark.to_string();
            let mut characters = sentence.chars();
            let first = characters.next().into_iter().flat_map(char::to_lowercase);
            first.chain(characters).collect()
        }
        None => "the picture is already as the prompt asks.".to_owned(),
    }
}

/// Words from a prompt, for a sentence. None: there are none.
pub fn listed_words<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
    const MOST: usize = 6;
    let words: Vec<_> = words.take(MOST).map(begin).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// In order of importance, since only the first ones are shown.
pub fn of(plan: &Plan, remarks: &[Remark]) -> Vec<String> {
    let mut notes: Vec<_> = plan.widened.iter().map(widened).collect();
    notes.extend(remarks.iter().map(Remark::to_string));
    let unused = |beginning: &str, pick: fn(&Unused) -> Option<&str>| {
        listed(beginning, plan.unused.iter().filter_map(pick))
    };
    let parts = if plan.edits.iter().any(Edit::is_of_all) {
        "Treated like the rest, since this model cannot tell parts of a picture apart: "
    } else {
        "Left as it is, since this model cannot tell parts of a picture apart: "
    };
    notes.extend(unused(parts, Unused::of_part));
    notes.extend(unused("Nothing was changed for: ", Unused::undone));
    notes.extend(unused("Not understood: ", Unused::unknown));
    notes
}

/// "Made the whole picture green: this model cannot tell the cup from the rest."
fn widened(Widened { subjects, change }: &Widened) -> String {
    const MOST: usize = 2;
    let subjects: Vec<_> = subjects.iter().take(MOST).map(|name| begin(name)).collect();
    let change = match change {
        Change::Recolored(colors) => format!("Made the whole picture {}", colors.join(" and ")),
        Change::Replaced => "Replaced the colour in the whole picture".to_owned(),
        Change::Other => "Changed the whole picture".to_owned(),
    };
    format!(
        "{change}: this model cannot tell the {} from the rest.",
        subjects.join(" or the ")
    )
}

/// Sentences that list all of the words, as many as needed.
fn listed<'a>(beginning: &str, words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for word in words.map(begin) {
        // Counts a comma with a space, and the final full stop.
        let has_room = |note: &&mut String| {
            note.chars().count() + word.chars().count() + ", .".len() <= MAX_CHARS
        };
        match notes.last_mut().filter(has_room) {
            Some(note) => {
                note.push_str(", ");
                note.push_str(&word);
            }
            None => notes.push(format!("{beginning}{word}")),
        }
    }
    for note in &mut notes {
        note.push('.');
    }
    notes
}

fn begin(word: &str) -> String {
    word.chars().take(MAX_WORD).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(prompt: &str) -> Vec<String> {
        of(&Plan::of(prompt), &[])
    }

    #[test]
    fn what_was_not_done_as_asked_is_told_in_sentences() {
        let cases: &[(&str, &[&str])] = &[
            ("lighter", &[]),
            ("brighter without shadows", &[]),
            ("brighter, keep shadows", &[]),
            ("lighter sparkles", &["Not understood: sparkles."]),
            (
                "lighter, sparkles, not blurred, less sepia",
                &[
                    "Nothing was changed for: less sepia.",
                    "Not understood: sparkles.",
                ],
            ),
            (
                "sharper, blurred background, white text",
                &[
                    "Treated like the rest, since this model cannot tell parts of a picture \
                     apart: blurred background, white text.",
                ],
            ),
            (
                "gold background, white text",
                &[
                    "Left as it is, since this model cannot tell parts of a picture apart: white \
                     text.",
                ],
            ),
            (
                "rounded corners, white text",
                &[
                    "Left as it is, since this model cannot tell parts of a picture apart: white text.",
                ],
            ),
            (
                "crop tighter, text black",
                &[
                    "Left as it is, since this model cannot tell parts of a picture apart: text black.",
                ],
            ),
            (
                "replace brown with blue, keep the text",
                &["Left as it is, since this model cannot tell parts of a picture apart: text."],
            ),
            (
                "Make the red a bit darker and the text black",
                &[
                    "Left as it is, since this model cannot tell parts of a picture apart: text black.",
                ],
            ),
            (
                "less red, white text",
                &[
                    "Left as it is, since this model cannot tell parts of a picture apart: white text.",
                ],
            ),
            (
                "make the cup green",
                &["Made the whole picture green: this model cannot tell the cup from the rest."],
            ),
            (
                "blur my coffee cup on the table",
                &[
                    "Changed the whole picture: this model cannot tell the coffee cup or the \
                   table from the rest.",
                ],
            ),
        ];
        for (prompt, expected) in cases {
            assert_eq!(told(prompt), *expected, "{prompt}");
        }
    }

    #[test]
    fn many_words_take_several_sentences() {
        let word = "é".repeat(60);
        let many = told(&format!("lighter {}", vec![word; 20].join(" ")));
        assert_eq!(many.len(), 5);
        for note in many {
            assert!(
                note.starts_with("Not understood: ") && note.ends_with('.'),
                "{note}"
            );
        }
    }

    #[test]
    fn what_the_picture_shows_is_told_before_words() {
        let all = [
            Remark::BackgroundNotFound,
            Remark::FirstFrame,
            Remark::EightBits,
            Remark::ProfileUnused,
        ];
        let notes = of(&Plan::of("lighter sparkles"), &all);
        assert_eq!(notes.len(), 5);
        assert_eq!(notes[4], "Not understood: sparkles.");
        for (note, remark) in notes.iter().zip(all) {
            assert_eq!(*note, remark.to_string());
            assert!(note.chars().count() <= MAX_CHARS, "{note}");
        }
    }

    proptest! {
        #[test]
        fn a_note_is_never_cut_off(prompt in "((the |my )?(\\PC{1,50}|cup|lighter|#abc|red|background)[ ,])*") {
            for note in told(&prompt) {
                prop_assert!(note.chars().count() <= MAX_CHARS, "{}", note);
            }
        }
    }
}
