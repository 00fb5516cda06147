//! Whether a request or a task has become more expensive: the processor time of
//! each, as a multiple of what it takes natively in the same run, beside the
//! multiples that are kept in the repository. A multiple depends little on the
//! machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::figures::{Figure, number};

/// Beyond this multiple of what is kept it is no noise (measured: three quick
/// runs on a shared machine were within a tenth of what a whole one kept, those
/// of 100 kB within a quarter).
const MARGIN: f64 = 1.3;

/// The groups and names of what is guarded.
const GUARDED: [(&str, &str); 4] = [
    ("API", "POST, processor time"),
    ("API", "GET, processor time"),
    ("pipeline", "100 kB"),
    ("pipeline", "1 MB"),
];

/// The parts of the benchmark that measure it.
pub const PARTS: [&str; 2] = ["api", "pipeline"];

/// Keeps today's multiples.
pub fn keep(figures: &[Figure]) {
    let text = serde_json::to_string_pretty(&multiples(figures)).unwrap() + "\n";
    fs::write(path(), text).unwrap();
}

/// One line each. False: one is beyond the margin.
pub fn compare(figures: &[Figure]) -> bool {
    let kept: BTreeMap<String, f64> = serde_json::from_slice(&fs::read(path()).unwrap()).unwrap();
    let mut is_met = true;
    for (name, now) in multiples(figures) {
        let Some(kept) = kept.get(&name) else {
            panic!("nothing is kept of {name}: keep it with --keep");
        };
        let most = kept * MARGIN;
        let verdict = if now <= most { "ok" } else { "MORE EXPENSIVE" };
        is_met &= now <= most;
        println!(
            "{name}: {} times native, kept {}, at most {}: {verdict}",
            number(now),
            number(*kept),
            number(most)
        );
    }
    is_met
}

fn multiples(figures: &[Figure]) -> BTreeMap<String, f64> {
    let of = |(group, name): (&str, &str)| {
        let mut figures = figures.iter();
        let figure = figures.find(|figure| figure.group == group && figure.name == name);
        let ratio = figure.and_then(Figure::ratio).unwrap();
        (format!("{group}: {name}"), (ratio * 100.0).round() / 100.0)
    };
    GUARDED.into_iter().map(of).collect()
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/guard.json"))
}
