//! Parses `vocabulary.txt`, whose header explains the rows.

use std::sync::LazyLock;

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

fn meaning_of(text: &str) -> Option<Meaning> {
    if let Some(color) = text.strip_prefix('#') {
        return u32::from_str_radix(color, 16).ok().map(Meaning::Color);
    }
    if let Some(factor) = text.strip_prefix("times ") {
        return factor.parse().ok().map(Meaning::Degree);
    }
    if let Some(factor) = text.strip_prefix("scale ") {
        return factor.parse().ok().map(Meaning::Scale);
    }
    if let Some(number) = text.strip_prefix("number ") {
        return number.parse().ok().map(Meaning::Number);
    }
    Some(match text {
        "rotate" => Meaning::Rotate,
        "tilt" => Meaning::Tilt,
        "flip" => Meaning::Flip,
        "crop" => Meaning::Crop,
        "make square" => Meaning::MakeSquare,
        "make circle" => Meaning::MakeCircle,
        "left" => Meaning::Toward(Toward::Left),
        "right" => Meaning::Toward(Toward::Right),
        "1 quarter" => Meaning::Toward(Toward::Quarters(1)),
        "2 quarters" => Meaning::Toward(Toward::Quarters(2)),
        "3 quarters" => Meaning::Toward(Toward::Quarters(3)),
        "upside down" => Meaning::Toward(Toward::UpsideDown),
        "vertical" => Meaning::Toward(Toward::Vertical),
        "horizontal" => Meaning::Toward(Toward::Horizontal),
        "square" => Meaning::Toward(Toward::Square),
        "circle" => Meaning::Toward(Toward::Circle),
        "enlarge" => Meaning::Enlarge,
        "resize" => Meaning::Resize,
        "pad" => Meaning::Pad,
        "color" => Meaning::ColorWord,
        "duotone" => Meaning::Duotone,
        "more" => Meaning::More,
        "only" => Meaning::Only,
        "only black and white" => Meaning::BlackAndWhite,
        "definite" => Meaning::Definite,
        "reverse" => Meaning::Reverse,
        "not" => Meaning::Not,
        "without" => Meaning::Without,
        "remove" => Meaning::Remove,
        "keep" => Meaning::Keep,
        "whole" => Meaning::Whole,
        "replace" => Meaning::Replace,
        "by" => Meaning::By,
        "swap" => Meaning::Swap,
        "instead" => Meaning::Instead,
        "shade" => Meaning::Shade,
        "on" => Meaning::On,
        "part" => Meaning::Part,
        "background" => Meaning::Background,
        "solid background" => Meaning::SolidBackground,
        "vague" => Meaning::Vague,
        "stop" => Meaning::Stop,
        "or" => Meaning::Or,
        "filler" => Meaning::Filler,
        changes => {
            let changes: Option<Vec<_>> = changes.split(", ").map(change).collect();
            // Leaked on purpose: it is parsed once, and lives as long as the table.
            Meaning::Change(changes?.leak())
        }
    })
}

/// `lightness 0.8`
fn change(text: &str) -> Option<(Quality, f32)> {
    let (quality, amount) = text.rsplit_once(' ')?;
    let quality = match quality {
        "tightness" => Quality::Tightness,
        "minimalism" => Quality::Minimalism,
        "smoothness" => Quality::Smoothness,
        "outline" => Quality::Outline,
        "sketch" => Quality::Sketch,
        "pixelation" => Quality::Pixelation,
        "transparency" => Quality::Transparency,
        "posterization" => Quality::Posterization,
        "inversion" => Quality::Inversion,
        "dark mode" => Quality::DarkMode,
        "temperature" => Quality::Temperature,
        "saturation" => Quality::Saturation,
        "monochrome" => Quality::Monochrome,
        "sepia" => Quality::Sepia,
        "lightness" => Quality::Lightness,
        "contrast" => Quality::Contrast,
        "sharpness" => Quality::Sharpness,
        "vignette" => Quality::Vignette,
        "shadow" => Quality::Shadow,
        "corners" => Quality::Corners,
        _ => return None,
    };
    Some((quality, amount.parse().ok()?))
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
