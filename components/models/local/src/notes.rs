//! What is told to the person who asked of the words that were not used.

/// Longest note, in characters: no more of it is told.
const MAX_CHARS: usize = 200;

/// More of one word says nothing more.
const MAX_WORD: usize = 40;

const BEGIN: &str = "Nothing was done about: ";

/// Sentences that name all of them, as many as they take.
pub fn notes(ignored: &[String]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for word in ignored {
        let word: String = word.chars().take(MAX_WORD).collect();
        // With a comma and a space, and the final stop.
        let has_room = |note: &&mut String| {
            note.chars().count() + word.chars().count() + ", .".len() <= MAX_CHARS
        };
        match notes.last_mut().filter(has_room) {
            Some(note) => {
                note.push_str(", ");
                note.push_str(&word);
            }
            None => notes.push(format!("{BEGIN}{word}")),
        }
    }
    for note in &mut notes {
        note.push('.');
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_is_named_in_sentences() {
        let words = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        assert_eq!(notes(&[]), [""; 0]);
        let few = notes(&words(&["sparkles", "not blue"]));
        assert_eq!(few, ["Nothing was done about: sparkles, not blue."]);
        let long = "é".repeat(60);
        let many = notes(&vec![long; 20]);
        assert_eq!(many.len(), 5);
        for note in many {
            assert!(note.chars().count() <= MAX_CHARS, "{note}");
            assert!(note.starts_with(BEGIN) && note.ends_with('.'), "{note}");
        }
    }
}
