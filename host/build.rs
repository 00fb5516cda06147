//! Tells the executable where its components are.
//!
//! `REFINEMENT_EMBED` names a directory. A release carries what is in there, and the
//! code of it that was compiled ahead (its directory `ahead`), so that an operator
//! needs one file only. While it is developed the executable reads the directory at
//! each start: components and host are then built beside each other. Without the
//! variable it requires `--components`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "../components/shipped.rs"]
mod shipped;

use shipped::SHIPPED;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=REFINEMENT_EMBED");
    let directory = env::var_os("REFINEMENT_EMBED").map(PathBuf::from);
    let (carried, read) = if variable("PROFILE")? == "release" {
        (directory, None)
    } else {
        (None, directory)
    };
    let components = carried.as_deref().map(components).unwrap_or_default();
    let code = carried.as_deref().map(code).unwrap_or_default();
    let out = PathBuf::from(variable("OUT_DIR")?);
    fs::write(
        out.join("embedded.rs"),
        format!(
            "pub const COMPONENTS: &[(&str, &[u8])] = &[{components}];\n\
             pub const CODE: &[&[u8]] = &[{code}];\n\
             pub const DIRECTORY: Option<&str> = {read:?};\n"
        ),
    )
}

fn components(directory: &Path) -> String {
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

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|_| io::Error::other(format!("no {name}")))
}
