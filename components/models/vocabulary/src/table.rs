//! Parses `vocabulary.txt`, whose header explains the rows.

use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::{self, value::BorrowedStrDeserializer};

use super::{Entry, Meaning, Quality, Toward};

pub static TABLE: LazyLock<Vec<Entry>> =
    LazyLock::new(|| entries(include_str!("../vocabulary.txt")));

/// Invalid rows are skipped; a test finds them.
fn entries(text: &'static str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = "";
    for line in text.lines() {
        if let Some(title) = line.strip_prefix('[') {
            section = title.trim_end_matches(']');
        } else if let Some((words, meaning, does)) = cells(line)
            && let Some(meaning) = meaning_of(meaning)
        {
            let above = entries.last().map_or("", |entry| entry.does);
            entries.push(Entry {
                section,
                words,
                meaning,
                does: if does == "\"" { above } else { does },
            });
        }
    }
    entries
}

fn cells(line: &str) -> Option<(&str, &str, &str)> {
    let (words, rest) = line.split_once(" | ")?;
    let (meaning, does) = rest.split_once(" |")?;
    Some((words, meaning, does.trim()))
}

/// A colour, a word with a number, the name of a meaning, or changes.
fn meaning_of(text: &'static str) -> Option<Meaning> {
    if let Some(color) = text.strip_prefix('#') {
        return u32::from_str_radix(color, 16).ok().map(Meaning::Color);
    }
    let (word, number) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "times" => number.parse().ok().map(Meaning::Degree),
        "share" => number.parse().ok().map(Meaning::Share),
        "scale" => number.parse().ok().map(Meaning::Scale),
        "number" => number.parse().ok().map(Meaning::Number),
        "quarters" => number
            .parse()
            .ok()
            .map(Toward::Quarters)
            .map(Meaning::Toward),
        _ => named(text)
            .or_else(|| named(text).map(Meaning::Toward))
            .or_else(|| changes(text)),
    }
}

/// `lightness 0.8, saturation -0.4`
fn changes(text: &'static str) -> Option<Meaning> {
    let changes: Option<Vec<_>> = text.split(", ").map(change).collect();
    // Leaked on purpose: it is parsed once, and lives as long as the table.
    Some(Meaning::Change(changes?.leak()))
}

fn change(text: &'static str) -> Option<(Quality, f32)> {
    let (quality, amount) = text.split_once(' ')?;
    Some((named(quality)?, amount.parse().ok()?))
}

/// The variant of this name, in lower case with hyphens.
fn named<T: Deserialize<'static>>(name: &'static str) -> Option<T> {
    T::deserialize(BorrowedStrDeserializer::<de::value::Error>::new(name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_read() {
        let text = include_str!("../vocabulary.txt");
        let rows = text.lines().filter(|line| !line.starts_with(['#', '[']));
        let rows: Vec<_> = rows.filter(|line| !line.is_empty()).collect();
        for row in &rows {
            assert_eq!(entries(row).len(), 1, "{row}");
        }
        assert_eq!(TABLE.len(), rows.len());
        assert!(TABLE.iter().all(|entry| !entry.section.is_empty()));
    }

    #[test]
    fn what_is_no_row_is_left_out() {
        for line in [
            "lighter | lightness 1",
            "lighter | lightness | lightens",
            "lighter | lightnes 1 | lightens",
            "lighter | lightness 1, contrast | lightens",
            "brown | #brown | recolours",
            "much | times many | half as much again",
            "two | number 256 | so many colours",
        ] {
            assert!(entries(line).is_empty(), "{line}");
        }
    }
}
