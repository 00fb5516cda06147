//! Builds the components in order to embed them, with a separate cargo process.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shipped::{COMPONENT, TARGET, arguments, file, shipped};
use crate::variable;

/// What they are built from, within the workspace.
const SOURCES: [&str; 4] = ["components", "wit", "Cargo.toml", "Cargo.lock"];

/// Prefixes of variables of the surrounding build. They would change how components are
/// built, or force a rebuild each time.
const OF_THIS_BUILD: [&str; 8] = [
    "CARGO_CFG_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
];

/// Builds all components that are shipped, and returns their directory. Unchanged ones
/// are not built again.
pub fn build(out: &Path) -> Result<PathBuf, String> {
    let workspace = workspace()?;
    for source in SOURCES {
        let source = workspace.join(source);
        println!("cargo::rerun-if-changed={}", source.display());
    }
    check_target()?;
    // A separate target directory, since cargo locks it during a build.
    let target = out.join("target");
    for name in shipped() {
        build_one(name, &workspace, &target)?;
    }
    let directory = out.join("components");
    put(&target.join(TARGET).join(COMPONENT), &directory)
        .map_err(|error| format!("the components cannot be copied: {error}"))?;
    Ok(directory)
}

/// The root of the repository. It exists for dependent crates too, since cargo fetches
/// the whole repository.
fn workspace() -> Result<PathBuf, String> {
    let host = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = host.parent().filter(|root| root.join("wit").is_dir());
    workspace.map(Path::to_owned).ok_or_else(|| {
        "the components' sources are not beside the host: name a directory of built ones with \
         REFINEMENT_EMBED"
            .to_owned()
    })
}

/// Reports a missing target, and how to add it.
fn check_target() -> Result<(), String> {
    let mut rustc = Command::new(variable("RUSTC")?);
    let rustc = rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let library = rustc
        .output()
        .map_err(|error| format!("rustc cannot be run: {error}"))?;
    let library = String::from_utf8_lossy(&library.stdout).into_owned();
    match Path::new(library.trim()).is_dir() {
        true => Ok(()),
        false => Err(format!(
            "the components, which are built with the host, need the target {TARGET}: run \
             `rustup target add {TARGET}`, or name a directory of built ones with \
             REFINEMENT_EMBED"
        )),
    }
}

fn build_one(name: &str, workspace: &Path, target: &Path) -> Result<(), String> {
    let mut cargo = Command::new(variable("CARGO")?);
    for (variable, _) in env::vars_os() {
        let text = variable.to_string_lossy();
        if OF_THIS_BUILD.iter().any(|start| text.starts_with(start)) {
            cargo.env_remove(&variable);
        }
    }
    cargo
        .args(["rustc", "--locked", "--target-dir"])
        .arg(target)
        .args(arguments(name))
        .current_dir(workspace);
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!(
            "the component {name} cannot be built; what cargo says of it is below"
        )),
        Err(error) => Err(format!("cargo cannot be run: {error}")),
    }
}

/// Copies them to the file names that the host expects.
fn put(built: &Path, directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for name in shipped() {
        std::fs::copy(
            built.join(file(name)),
            directory.join(format!("{name}.wasm")),
        )?;
    }
    Ok(())
}
