//! The data directory: what may be there, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use concept_refinement_tests::stored_images::{self, entries};

/// In the data directory of a process that has stopped, or was killed: then the
/// socket is left, which the next one replaces.
const DATA: [&str; 6] = [
    "compiled",
    "control",
    "images",
    "secret",
    "tasks.lock",
    "tasks.sqlite",
];
const IMAGES: [&str; 6] = [
    "drafts",
    "images.lock",
    "refined",
    "small.reserve",
    "small.sqlite",
    "uploads",
];

/// The names of the refined images that are stored.
pub fn refined(data: &Path) -> BTreeSet<String> {
    let images = stored_images::of_kind(data, "refined");
    let names = images.iter().filter_map(|path| path.split_once('/'));
    names.map(|(_, name)| name.to_owned()).collect()
}

/// What a process that has stopped left behind beside its data.
pub fn leftovers(data: &Path) -> Vec<String> {
    let surplus = |place: &Path, expected: &[&str]| -> Vec<String> {
        let names = entries(place).into_iter();
        names
            .filter(|name| !expected.contains(&name.as_str()))
            .map(|name| format!("left over: {}", place.join(name).display()))
            .collect()
    };
    let images = data.join("images");
    [
        surplus(data, &DATA),
        surplus(&images, &IMAGES),
        surplus(&images.join("drafts"), &[]),
    ]
    .concat()
}
