//! The table as text: for a terminal, and for the message when a prompt contains none of
//! its words.

use super::{Entry, Meaning, TABLE};

/// Words with the same effect, along with the effect.
struct Row {
    words: String,
    does: &'static str,
}

/// The rows of each section, with its title.
fn sections() -> impl Iterator<Item = (&'static str, Vec<Row>)> {
    let sections = TABLE.chunk_by(|one, other| one.section == other.section);
    sections.map(|entries| {
        let title = entries.first().map_or("", |entry| entry.section);
        (title, rows(entries))
    })
}

fn rows(entries: &[Entry]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.does.is_empty()) {
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
    for (title, rows) in sections() {
        text.push('\n');
        text.push_str(title);
        text.push('\n');
        for Row { words, does } in rows {
            wrap(&mut text, &words, 2);
            wrap(&mut text, does, 6);
        }
    }
    text
}

/// What a colour, an sRGB `0xRRGGBB`, is called: by a word of the table, or in
/// hexadecimal.
pub fn name(color: u32) -> String {
    let mut entries = TABLE.iter();
    let entry = entries.find(|entry| entry.meaning == Meaning::Color(color));
    let word = entry.and_then(|entry| entry.words().next());
    word.map_or_else(|| format!("#{color:06x}"), str::to_owned)
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

    /// The table in `docs/local-model.md`.
    fn markdown() -> String {
        let mut text = String::from("| words | what they do |\n|---|---|\n");
        for (title, rows) in sections() {
            text.push_str(&format!("| **{title}** | |\n"));
            for Row { words, does } in rows {
                text.push_str(&format!("| {words} | {does} |\n"));
            }
        }
        text
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
        let page = include_str!("../../../../docs/local-model.md");
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
