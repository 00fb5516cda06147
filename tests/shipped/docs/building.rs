//! Where the host gets its components from when it is built, by its build script.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::{read, root};

/// The script, as cargo runs it.
struct Script {
    place: TempDir,
}

impl Script {
    fn compiled() -> Self {
        let place = tempfile::tempdir().unwrap();
        let rustc = Command::new("rustc")
            .args(["--edition", "2024", "-o"])
            .arg(place.path().join("script"))
            .arg(root().join("host/build.rs"))
            .output()
            .unwrap();
        assert!(rustc.status.success(), "{rustc:?}");
        Self { place }
    }

    fn run(&self, profile: &str, variables: &[(&str, &Path)]) -> Output {
        let mut script = Command::new(self.place.path().join("script"));
        script
            .env("PROFILE", profile)
            .env("OUT_DIR", self.place.path())
            .env("CARGO_MANIFEST_DIR", root().join("host"))
            .env("CARGO", "no-cargo")
            .env("RUSTC", "rustc")
            .env_remove("REFINEMENT_EMBED")
            .env_remove("WORKSPACE_COMPONENTS")
            .envs(variables.iter().copied());
        script.output().unwrap()
    }

    fn written(&self) -> String {
        std::fs::read_to_string(self.place.path().join("embedded.rs")).unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_release_carries_the_components_that_it_is_told_of() {
    let script = Script::compiled();
    let built = Path::new("/built");
    for (name, profile, variable, is_carried) in [
        ("a release", "release", "REFINEMENT_EMBED", true),
        ("another build", "debug", "REFINEMENT_EMBED", false),
        (
            "one in the workspace",
            "debug",
            "WORKSPACE_COMPONENTS",
            false,
        ),
    ] {
        let output = script.run(profile, &[(variable, built)]);
        assert!(output.status.success(), "{name}: {output:?}");
        let written = script.written();
        let carries = written.contains(r#"("api", include_bytes!("/built/api.wasm"))"#);
        let reads = written.contains(r#"= Some("/built")"#);
        assert_eq!((carries, reads), (is_carried, !is_carried), "{name}");
    }
}

#[test]
fn a_build_that_is_told_nothing_builds_them_or_says_what_is_missing() {
    let script = Script::compiled();
    let workspace = Path::new("/built");
    for (name, profile, variables) in [
        ("another's build", "debug", &[][..]),
        (
            "an installation",
            "release",
            &[("WORKSPACE_COMPONENTS", workspace)][..],
        ),
    ] {
        let output = script.run(profile, variables);
        assert!(!output.status.success(), "{name}");
        let said = said(&output);
        assert!(
            said.contains("cargo::error=cargo cannot be run: "),
            "{name}: {said}"
        );
    }
    let without_target = ("RUSTC", Path::new("echo"));
    let said = said(&script.run("debug", &[without_target]));
    let line = "rustup target add wasm32-wasip2";
    assert!(
        said.contains("cargo::error=") && said.contains(line),
        "{said}"
    );
    assert!(read("docs/embedding.md").contains(line));
}
