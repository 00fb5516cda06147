//! The programs of `docs/clients.md`, run as they are printed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::tokens::token;

use crate::{read, root};

/// The program below this heading, of this language.
fn program(heading: &str, language: &str) -> String {
    let page = read("docs/clients.md");
    let (_, page) = page.split_once(&format!("\n### {heading}\n")).unwrap();
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
    for (heading, language, file, interpreter) in [
        ("openai-python", "python", "edit.py", python.as_path()),
        ("openai-node", "js", "edit.mjs", Path::new("node")),
    ] {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::copy(
            root().join("docs/pictures/logo-before.png"),
            path("logo.png"),
        )
        .unwrap();
        fs::write(path(file), program(heading, language)).unwrap();
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

/// The program that it starts is the one in the PATH.
#[test]
fn the_program_of_an_agent_refines_a_logo() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let logo = root().join("docs/pictures/logo-before.png");
    fs::copy(logo, path("logo.png")).unwrap();
    fs::write(path("agent.py"), program("A program", "python")).unwrap();
    let (binary, components) = (artifacts::binary(), artifacts::components());
    let script = format!(
        "#!/bin/sh\nexec {} \"$@\" --components {}\n",
        binary.display(),
        components.display(),
    );
    fs::write(path("concept-refinement"), script).unwrap();
    let runnable = Permissions::from_mode(0o755);
    fs::set_permissions(path("concept-refinement"), runnable).unwrap();
    let ran = Command::new(artifacts::mcp_python())
        .arg("agent.py")
        .current_dir(place.path())
        .env("PATH", format!("{}:/usr/bin:/bin", place.path().display()))
        .env("HOME", place.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let told = String::from_utf8(ran.stdout).unwrap();
    let refined = place
        .path()
        .canonicalize()
        .unwrap()
        .join("logo-refined.png");
    assert_eq!(told.lines().last(), refined.to_str(), "{told}");
    assert!(fs::read(refined).unwrap().starts_with(b"\x89PNG"));
}
