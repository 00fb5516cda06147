//! Makes the components available to the library.
//!
//! `REFINEMENT_EMBED` names a directory of built components. A release embeds them, along
//! with their code that was compiled ahead of time (in its subdirectory `ahead`), so that
//! an operator needs a single file. A debug build reads the directory at each start
//! instead, since components and host are then built separately.
//!
//! Without it, they are built here and embedded, so that `cargo install` and programs
//! that depend on this library need nothing else. That takes minutes, so within this
//! workspace the library reads what `cargo xtask` built last, in the directory that
//! `.cargo/config.toml` names.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

#[path = "build/components.rs"]
mod components;
#[path = "../components/shipped.rs"]
mod shipped;

use shipped::shipped;

/// Names the directory of components.
const EMBED: &str = "REFINEMENT_EMBED";

/// Names the directory within this workspace. The name has no prefix of a setting, since
/// the program warns of unknown settings at startup.
const WORKSPACE: &str = "WORKSPACE_COMPONENTS";

/// How the library gets its components.
enum Source {
    /// Embedded from this directory.
    Carried(PathBuf),
    /// Read from this directory at each start.
    Read(PathBuf),
}

fn main() -> ExitCode {
    match source().and_then(|source| write(&source)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error={problem}");
            ExitCode::FAILURE
        }
    }
}

fn source() -> Result<Source, String> {
    let is_release = variable("PROFILE")? == "release";
    match (directory(EMBED), directory(WORKSPACE)) {
        (Some(directory), _) if is_release => Ok(Source::Carried(directory)),
        (Some(directory), _) => Ok(Source::Read(directory)),
        (None, Some(directory)) if !is_release => Ok(Source::Read(directory)),
        (None, _) => components::build(&out()?).map(Source::Carried),
    }
}

fn write(source: &Source) -> Result<(), String> {
    let (components, code, read) = match source {
        Source::Carried(directory) => (carried_components(directory), code(directory), None),
        Source::Read(directory) => (String::new(), String::new(), Some(directory)),
    };
    // Statics: a constant may be copied into each crate that uses it, and these are large.
    let text = format!(
        "pub static COMPONENTS: &[(&str, &[u8])] = &[{components}];\n\
         pub static CODE: &[&[u8]] = &[{code}];\n\
         pub static DIRECTORY: Option<&str> = {read:?};\n"
    );
    fs::write(out()?.join("embedded.rs"), text).map_err(|error| error.to_string())
}

fn carried_components(directory: &Path) -> String {
    let component = |name: &str| {
        let path = directory.join(format!("{name}.wasm"));
        println!("cargo::rerun-if-changed={}", path.display());
        format!("({name:?}, include_bytes!({path:?})),")
    };
    shipped().map(component).collect()
}

fn code(directory: &Path) -> String {
    let ahead = directory.join("ahead");
    println!("cargo::rerun-if-changed={}", ahead.display());
    let paths = shipped().map(|name| ahead.join(name));
    let existing = paths.filter(|path| path.exists());
    existing
        .map(|path| format!("&Page(*include_bytes!({path:?})).0,"))
        .collect()
}

/// The directory that a variable names.
fn directory(variable: &str) -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed={variable}");
    env::var_os(variable).map(PathBuf::from)
}

fn out() -> Result<PathBuf, String> {
    variable("OUT_DIR").map(PathBuf::from)
}

/// A variable that cargo sets.
fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo did not set {name}"))
}
