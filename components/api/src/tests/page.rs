//! The web page, as far as it can be judged without a browser.

use std::collections::BTreeSet;

use concept_refinement_domain::image::{Limits, inspect};
use serde_json::json;

use super::service::{Call, Service};
use crate::assets::{self, Asset};

/// The files of a first visit. Images to try are loaded only when they are chosen.
const MAX_BYTES: usize = 145_000;

fn files() -> impl Iterator<Item = &'static Asset> {
    assets::all().filter(|asset| asset.path == "/" || asset.path.starts_with("/page/"))
}

/// The files that are text.
fn page() -> impl Iterator<Item = (&'static str, &'static str)> {
    files().filter_map(|asset| Some((asset.path, std::str::from_utf8(asset.bytes).ok()?)))
}

fn samples() -> impl Iterator<Item = &'static Asset> {
    files().filter(|file| file.path.starts_with("/page/sample-"))
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
    let size = |file: &Asset| file.bytes.len();
    let loaded = files().map(size).sum::<usize>() - samples().map(size).sum::<usize>();
    assert!(loaded <= MAX_BYTES, "{loaded} bytes");
}

/// So that they come all at once, and not one because of the other.
#[test]
fn the_document_names_every_file_of_the_page() {
    let named: BTreeSet<_> = quoted(document(), "\"/page/", '"');
    let files: BTreeSet<_> = files()
        .filter_map(|file| file.path.strip_prefix("/page/"))
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

/// Without scripts what follows it stays empty, and takes a screen.
#[test]
fn that_scripts_are_needed_stands_above_what_they_fill() {
    let (above, _) = document().split_once("<noscript>").unwrap();
    assert!(!above.contains("<main"), "{above}");
}

/// They are sent as anybody's images are.
#[test]
fn the_samples_are_images_that_the_service_takes() {
    let limits = Limits {
        max_bytes: 65_000,
        max_pixels: 1_100_000,
    };
    let sizes = samples().map(|sample| inspect(sample.bytes, limits).unwrap().width);
    assert_eq!(sizes.collect::<Vec<_>>(), [1024, 960, 800]);
}

#[test]
fn the_page_learns_what_an_image_may_be_and_what_refines_it() {
    for (removes, verify) in [(false, true), (true, false)] {
        let service = Service::with(&[
            ("max-image-bytes", "1MiB"),
            ("rate-limit", "unlimited"),
            ("removes-old-data", if removes { "true" } else { "" }),
            ("swept", "true"),
            ("verify", if verify { "on" } else { "off" }),
        ]);
        let told = service.send(Call::get("/page/service.json"));
        assert_eq!(
            told.json(),
            json!({
                "anonymous_sessions": false,
                "max_image_bytes": 1_048_576,
                "max_image_pixels": 50_000_000,
                "model": "It edits by rules.",
                "quota": null,
                "removes_old_data": removes,
                "verify": verify,
            })
        );
    }
}

#[test]
fn an_unknown_path_shows_a_page_to_who_prefers_one() {
    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
    let service = Service::new();
    for path in ["/nothing", "/page/nothing.js", "/docs/", "/API/tasks", "//"] {
        let ask = |accept| service.send(Call::get(path).header("accept", accept));
        let page = ask(BROWSER);
        assert_eq!(page.status, 404, "{path}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let text = std::str::from_utf8(&page.body).unwrap();
        assert!(text.contains("There is nothing at this address"), "{text}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        let error = ask("*/*");
        error.is_error(404, "NOT_FOUND");
        for answer in [page, error] {
            assert_eq!(answer.header("vary"), Some("Accept"), "{path}");
        }
    }
    for path in ["/api", "/api/", "/api/nothing", "/api/tasks/1"] {
        let error = service.send(Call::get(path).by("ann").header("accept", BROWSER));
        error.is_error(404, "NOT_FOUND");
    }
}

/// What it loads is there, and it has nothing that its policy forbids.
#[test]
fn the_page_of_unknown_paths_is_whole() {
    let text = include_str!("../../page/nothing-here.html");
    let paths = quoted(text, "href=\"", '"');
    assert!(paths.len() >= 5, "{paths:?}");
    for path in paths {
        assert!(assets::find(path).is_some(), "{path}");
    }
    for forbidden in ["<script", "<style", " style=", "src="] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
}
