//! The programs of `docs/clients.md`, run as they are printed.

use std::fs;
use std::path::Path;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::token;

use crate::docs::documents::{read, root};

/// The program of this language.
fn program(language: &str) -> String {
    let page = read("docs/clients.md");
    let begin = format!("<!-- the tests run this program -->\n```{language}\n");
    let (_, program) = page.split_once(&begin).unwrap();
    let (program, _) = program.split_once("```").unwrap();
    program.to_owned()
}

#[test]
fn the_programs_with_openais_clients_refine_a_logo() {
    let service = Launch::new().with_tokens().start();
    let python = artifacts::openai_python();
    let environment = python.ancestors().nth(2).unwrap();
    for (language, file, interpreter) in [
        ("python", "edit.py", python.as_path()),
        ("js", "edit.mjs", Path::new("node")),
    ] {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::copy(
            root().join("docs/pictures/logo-before.png"),
            path("logo.png"),
        )
        .unwrap();
        fs::write(path(file), program(language)).unwrap();
        // node looks for packages beside the program.
        let modules = environment.join("node_modules");
        std::os::unix::fs::symlink(modules, path("node_modules")).unwrap();
        let ran = Command::new(interpreter)
            .arg(file)
            .current_dir(place.path())
            .env("OPENAI_BASE_URL", format!("{}/v1", service.url()))
            .env("OPENAI_API_KEY", token("ann"))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{language}: {ran:?}");
        let refined = fs::read(path("refined.png")).unwrap();
        assert!(refined.starts_with(b"\x89PNG"), "{language}");
        assert_ne!(refined, fs::read(path("logo.png")).unwrap(), "{language}");
    }
}
