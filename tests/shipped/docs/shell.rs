//! Runs the shell lines of a document.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use concept_refinement_tests::artifacts;

use crate::read;

/// The shell lines after a note of a document on these tests.
pub fn lines(document: &str, note: &str) -> String {
    let text = read(document);
    let (_, after) = text.split_once(note).unwrap();
    let (_, block) = after.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.to_owned()
}

/// A shell in this directory, where it finds the program by its name.
pub fn shell(lines: &str, place: &Path) -> Command {
    let programs = place.join("programs");
    fs::create_dir(&programs).unwrap();
    // The executable of the tests has no components in it.
    let program = format!(
        "#!/bin/sh\ncommand=$1; shift\ncase $command in\n\
         refine|check|serve) exec {binary:?} $command --components {components:?} \"$@\" ;;\n\
         *) exec {binary:?} $command \"$@\" ;;\nesac\n",
        binary = artifacts::binary(),
        components = artifacts::components(),
    );
    let path = programs.join("concept-refinement");
    fs::write(&path, program).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let before = std::env::var("PATH").unwrap();
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", lines])
        .current_dir(place)
        .env("PATH", format!("{}:{before}", programs.display()));
    shell
}
