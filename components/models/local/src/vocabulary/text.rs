//! The table as text: for a terminal, and for the sentence that a prompt without any of
//! its words is refused with.

use super::{Entry, Meaning, TABLE};

/// Sections of the printed table, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Changes,
    Turns,
    Colors,
    Grammar,
}

impl Section {
    const ALL: [Self; 4] = [Self::Changes, Self::Turns, Self::Colors, Self::Grammar];

    fn of(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Change(_) => Self::Changes,
            Meaning::Rotate
            | Meaning::Flip
            | Meaning::Crop
            | Meaning::MakeSquare
            | Meaning::Toward(_) => Self::Turns,
            Meaning::Color(_) | Meaning::Shade | Meaning::Replace => Self::Colors,
            Meaning::Degree(_)
            | Meaning::Reverse
            | Meaning::Not
            | Meaning::Without
            | Meaning::Keep
            | Meaning::Whole
            | Meaning::By
            | Meaning::On
            | Meaning::Part
            | Meaning::Background
            | Meaning::Stop
            | Meaning::Or
            | Meaning::Filler => Self::Grammar,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Changes => "Changes",
            Self::Turns => "Rotating, flipping, cropping",
            Self::Colors => "Colours",
            Self::Grammar => "How much, and whether at all",
        }
    }
}

/// Words with the same effect, and the effect.
struct Row {
    words: String,
    does: &'static str,
}

fn rows(section: Section) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let entries = TABLE.iter().filter(|entry| !entry.does.is_empty());
    for entry in entries.filter(|entry| Section::of(entry.meaning) == section) {
        match rows.last_mut() {
            Some(row) if row.does == entry.does => {
                row.words.push_str(", ");
                row.words.push_str(entry.words);
            }
            _ => rows.push(Row {
                words: entry.words.to_owned(),
                does: entry.does,
            }),
        }
    }
    rows
}

/// For a terminal: the whole vocabulary, 78 columns wide.
pub fn printed() -> String {
    let mut text = String::from(
        "The words that the local model understands, in any inflection (lighter,\n\
         lightened; browns, brownish) and combination.\n",
    );
    for section in Section::ALL {
        text.push('\n');
        text.push_str(section.title());
        text.push('\n');
        for Row { words, does } in rows(section) {
            wrap(&mut text, &words, 2);
            wrap(&mut text, does, 6);
        }
    }
    text
}

/// What the model understands, for the user: the single-word names of the
/// entries.
pub fn summary() -> String {
    let names = |section| {
        let entries = TABLE.iter().filter(|entry| !entry.does.is_empty());
        entries
            .filter(|entry| Section::of(entry.meaning) == section)
            .filter(|entry| !matches!(entry.meaning, Meaning::Toward(_)))
            .filter_map(|entry| entry.words().next())
            .filter(|name| !name.contains(' '))
            .collect::<Vec<_>>()
    };
    let colors = TABLE.iter().filter(|entry| is_color(entry));
    let colors: Vec<_> = colors
        .filter_map(|entry| entry.words().next())
        .filter(|name| !name.contains(' '))
        .collect();
    format!(
        "{}; {}; and the colours {}",
        names(Section::Changes).join(", "),
        names(Section::Turns).join(", "),
        colors.join(", ")
    )
}

fn is_color(entry: &Entry) -> bool {
    matches!(entry.meaning, Meaning::Color(_))
}

/// Wraps a paragraph with an indent.
fn wrap(text: &mut String, paragraph: &str, indent: usize) {
    const COLUMNS: usize = 78;
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > COLUMNS {
            text.push('\n');
            column = 0;
        }
        let space = if column == 0 { indent } else { 1 };
        text.extend(std::iter::repeat_n(' ', space));
        column += space;
        text.push_str(word);
        column += length;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::terms;

    /// As the table in `docs/local-model.md`.
    fn markdown() -> String {
        let mut text = String::from("| words | what they do |\n|---|---|\n");
        for section in Section::ALL {
            text.push_str(&format!("| **{}** | |\n", section.title()));
            for Row { words, does } in rows(section) {
                text.push_str(&format!("| {words} | {does} |\n"));
            }
        }
        text
    }

    #[test]
    fn each_phrase_stands_in_one_row_and_means_what_that_says() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in TABLE {
            for phrase in entry.words() {
                assert!(seen.insert(phrase), "{phrase} stands twice");
                assert_eq!(phrase, phrase.to_lowercase());
                let found = terms(phrase);
                let meanings: Vec<_> = found.iter().map(|term| term.meaning).collect();
                assert_eq!(meanings, [Some(entry.meaning)], "{phrase}");
            }
        }
    }

    #[test]
    fn every_word_that_does_something_is_printed() {
        let (printed, markdown) = (printed(), markdown());
        let printed = printed.split_whitespace().collect::<Vec<_>>().join(" ");
        for entry in TABLE.iter().filter(|entry| !entry.does.is_empty()) {
            for text in [entry.words, entry.does] {
                assert!(printed.contains(text), "{text}");
                assert!(markdown.contains(text), "{text}");
            }
        }
    }

    #[test]
    fn what_is_printed_fits_a_terminal() {
        for line in printed().lines() {
            assert!(
                line.chars().count() <= 78 && line.trim_end() == line,
                "{line}"
            );
        }
    }

    #[test]
    fn the_documentation_has_the_table() {
        const START: &str = "<!-- the vocabulary, as its table has it -->\n";
        const END: &str = "<!-- the end of the vocabulary -->";
        let page = include_str!("../../../../../docs/local-model.md");
        let (_, after) = page.split_once(START).unwrap();
        let (table, _) = after.split_once(END).unwrap();
        assert_eq!(
            table.trim(),
            markdown().trim(),
            "its table is\n{}",
            markdown()
        );
    }
}
