//! The README's commands, run by a shell.

use std::os::unix::fs::symlink;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures::{jpeg, png, webp};
use concept_refinement_tests::service::Launch;
use image::GenericImageView as _;

use crate::docs::shell::{lines, shell};
use crate::root;

#[test]
fn the_first_refinement_works_as_printed() {
    let service = Launch::new().set("rate-limit", "unlimited").start();
    let pictures = tempfile::tempdir().unwrap();
    let note = "<!-- the tests run these lines as they stand";
    let of_our_own = root().join("docs/pictures/logo-before.png");
    for (name, bytes) in [
        ("logo.png", std::fs::read(of_our_own).unwrap()),
        ("1mp.png", png(1200, 900).bytes),
        ("12mp.jpg", jpeg(4000, 3000).bytes),
        ("2mp.webp", webp(1600, 1200).bytes),
    ] {
        let original = pictures.path().join(name);
        std::fs::write(&original, bytes).unwrap();
        // The lines write where they run, so they run where that does no harm.
        let place = tempfile::tempdir().unwrap();
        let shell = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &lines("README.md", note)])
            .current_dir(place.path())
            .env("API", service.url())
            .env("IMAGE", &original)
            .output()
            .unwrap();
        let task = std::fs::read_to_string(place.path().join("task.json")).unwrap_or_default();
        assert!(shell.status.success(), "{name}: {shell:?} {task}");
        assert!(task.contains(r#""status":"completed""#), "{name}: {task}");

        let refined =
            image::load_from_memory(&std::fs::read(place.path().join("refined.png")).unwrap());
        let original = image::open(&original).unwrap();
        assert_eq!(
            refined.unwrap().dimensions(),
            original.dimensions(),
            "{name}"
        );
    }
    drop(service);
}

#[test]
fn the_commands_without_a_service_work_as_printed() {
    let place = tempfile::tempdir().unwrap();
    let docs = root().join("docs").canonicalize().unwrap();
    symlink(docs, place.path().join("docs")).unwrap();

    let note = "<!-- the tests run these lines as well";
    let shell = shell(&lines("README.md", note), place.path())
        .env("XDG_CACHE_HOME", artifacts::user_cache())
        .output()
        .unwrap();
    assert!(shell.status.success(), "{shell:?}");
    assert!(shell.stderr.is_empty(), "{shell:?}");
    for name in [
        "refined.png",
        "refined/logo-before.png",
        "refined/landscape-before.jpg",
        "refined/badge-before.png",
        "sketch.png",
    ] {
        image::open(place.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for (name, part) in [
        ("concept-refinement.bash", "--output"),
        ("concept-refinement-refine.1", ".SH OPTIONS"),
        ("words.txt", "sepia"),
    ] {
        let text = std::fs::read_to_string(place.path().join(name)).unwrap();
        assert!(text.contains(part), "{name}");
    }
    assert!(!place.path().join("data").exists());
}
