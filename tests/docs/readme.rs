//! The README's first refinement, run by a shell from the root of the project.

use std::path::{Path, PathBuf};
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures::{jpeg, png, webp};
use concept_refinement_tests::service::Launch;
use image::GenericImageView as _;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The shell lines after the README's note on this test.
fn lines() -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, after) = readme.split_once("<!-- the tests run these lines").unwrap();
    let (_, block) = after.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.to_owned()
}

#[test]
fn the_first_refinement_works_as_printed() {
    let service = Launch::new().set("rate-limit", "unlimited").start();
    let pictures = tempfile::tempdir().unwrap();
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
            .args(["-euo", "pipefail", "-c", &lines()])
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
fn what_the_readme_points_to_is_there() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut links = 0;
    for link in readme.split("](").skip(1) {
        let (target, _) = link.split_once(')').unwrap();
        if !target.starts_with("http") {
            assert!(root().join(target).exists(), "{target}");
            links += 1;
        }
    }
    assert!(links > 0, "the README has no links to files");
    // The list of settings in the README names those that exist, and no others.
    let binary = artifacts::binary();
    let help = Command::new(binary).args(["serve", "--help"]).output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    let (_, table) = readme.split_once("## Settings").unwrap();
    let (table, _) = table.split_once("`SIGTERM`").unwrap();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let names = row.split('|').nth(1).unwrap();
        for name in names.split('`').skip(1).step_by(2) {
            assert!(help.contains(&format!("--{name} ")), "{name}");
        }
    }
}
