//! Tells the library which components it runs.
//!
//! `REFINEMENT_EMBED` names a directory of built ones. A release carries what is in
//! there, and the code of it that was compiled ahead (its directory `ahead`), so that an
//! operator needs one file only. While it is developed the program reads the directory
//! at each start: components and host are then built beside each other.
//!
//! Without it they are built here and carried, so that `cargo install` and a program that
//! depends on this library need nothing besides. That takes minutes, so whoever works on
//! this workspace reads what `cargo xtask` built last, which `.cargo/config.toml` names.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

#[path = "build/components.rs"]
mod components;
#[path = "../components/shipped.rs"]
mod shipped;

use shipped::SHIPPED;

/// Names the directory of components.
const EMBED: &str = "REFINEMENT_EMBED";

/// Names it within this workspace. Its name is none of a setting, which a start would
/// warn of.
const WORKSPACE: &str = "WORKSPACE_COMPONENTS";

/// Where the components of the library come from.
enum Source {
    /// They are part of it.
    Carried(PathBuf),
    /// They are read at each start.
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
    let text = format!(
        "pub const COMPONENTS: &[(&str, &[u8])] = &[{components}];\n\
         pub const CODE: &[&[u8]] = &[{code}];\n\
         pub const DIRECTORY: Option<&str> = {read:?};\n"
    );
    fs::write(out()?.join("embedded.rs"), text).map_err(|error| error.to_string())
}

fn carried_components(directory: &Path) -> String {
    let component = |name: &str| {
        let path = directory.join(format!("{name}.wasm"));
        println!("cargo::rerun-if-changed={}", path.display());
        format!("({name:?}, include_bytes!({path:?})),")
    };
    SHIPPED.map(component).concat()
}

fn code(directory: &Path) -> String {
    let ahead = directory.join("ahead");
    println!("cargo::rerun-if-changed={}", ahead.display());
    let paths = SHIPPED.map(|name| ahead.join(name));
    let existing = paths.iter().filter(|path| path.exists());
    existing
        .map(|path| format!("include_bytes!({path:?}),"))
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

/// One that cargo sets.
fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo did not set {name}"))
}
