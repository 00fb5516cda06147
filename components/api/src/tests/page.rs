//! The web page, as far as it can be judged without a browser.

use std::collections::BTreeSet;

use crate::assets;

/// The whole page over the wire, of which a browser needs every byte.
const MAX_BYTES: usize = 150_000;

fn page() -> impl Iterator<Item = (&'static str, &'static str)> {
    assets::all()
        .filter(|asset| asset.path == "/" || asset.path.starts_with("/page/"))
        .map(|asset| (asset.path, std::str::from_utf8(asset.bytes).unwrap()))
}

fn document() -> &'static str {
    page().find(|(path, _)| *path == "/").unwrap().1
}

/// What stands between each `before` and the next quotation mark.
fn quoted<'a>(text: &'a str, before: &str, mark: char) -> BTreeSet<&'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split(mark).next())
        .collect()
}

#[test]
fn the_page_is_light() {
    let size: usize = page().map(|(_, text)| text.len()).sum();
    assert!(size <= MAX_BYTES, "{size} bytes");
}

/// So that they come all at once, and not one because of the other.
#[test]
fn the_document_names_every_file_of_the_page() {
    let named: BTreeSet<_> = quoted(document(), "\"/page/", '"');
    let files: BTreeSet<_> = page()
        .filter_map(|(path, _)| path.strip_prefix("/page/"))
        .collect();
    assert_eq!(named, files);
}

#[test]
fn modules_import_what_is_there() {
    let files: BTreeSet<_> = page().map(|(path, _)| path).collect();
    for (path, text) in page().filter(|(path, _)| path.ends_with(".js")) {
        for import in quoted(text, " from './", '\'') {
            assert!(
                files.contains(format!("/page/{import}").as_str()),
                "{path}: {import}"
            );
        }
    }
}

/// What comes from elsewhere is text, and never becomes markup or code.
#[test]
fn scripts_make_no_markup_of_text() {
    const DANGEROUS: [&str; 8] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "eval(",
        "new Function",
        "srcdoc",
    ];
    for (path, text) in page().filter(|(path, _)| path.ends_with(".js")) {
        for word in DANGEROUS {
            assert!(!text.contains(word), "{path}: {word}");
        }
    }
}

/// `$('name')` of a script is an element of the document.
#[test]
fn scripts_name_elements_that_are_there() {
    let ids = quoted(document(), " id=\"", '"');
    for (path, text) in page().filter(|(path, _)| path.ends_with(".js")) {
        for name in quoted(text, "$('", '\'') {
            assert!(ids.contains(name), "{path}: {name}");
        }
    }
}
