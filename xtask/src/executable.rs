//! Builds the executable `concept-refinement` with the components.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use fs_err as fs;

use crate::components;
use crate::process;
use crate::workspace::Workspace;

const NAME: &str = "concept-refinement";
const BENCH: &str = "concept-refinement-bench";
const COMPILER: &str = "compile-ahead";

#[derive(Clone, Copy)]
pub enum Profile {
    Dev,
    Release,
}

impl Profile {
    /// Link-time optimisation is only for what is shipped, or measured: linking then
    /// takes minutes.
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &[],
            Self::Release => &["--release", "--config", "profile.release.lto = \"thin\""],
        }
    }

    fn directory(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// Builds it, and prints its path.
pub fn build(workspace: &Workspace, profile: Profile) -> anyhow::Result<()> {
    let path = compile(workspace, profile)?;
    println!("{} ({})", path.display(), size(&path)?);
    for name in components::shipped() {
        let file = format!("{name}.wasm");
        let size = size(&workspace.components().join(&file))?;
        println!("  with {file} ({size})");
    }
    Ok(())
}

/// Builds it, and replaces this process with it (`exec`), so that signals reach the
/// server itself.
pub fn serve(workspace: &Workspace, arguments: &[OsString]) -> anyhow::Result<()> {
    let path = compile(workspace, Profile::Dev)?;
    become_it(Command::new(path).arg("serve").args(arguments))
}

/// Builds it, and returns its path.
///
/// Selects the whole workspace instead of the host's package, because cargo then builds
/// dependencies with the same features as for the tests, and nothing twice.
/// `dependencies` checks it.
pub fn compile(workspace: &Workspace, profile: Profile) -> anyhow::Result<PathBuf> {
    let components = || components::build_shipped(workspace);
    match profile {
        Profile::Dev => components::beside(components, || link(workspace, profile, NAME)),
        Profile::Release => {
            components()?;
            compile_ahead(workspace)?;
            link(workspace, profile, NAME)
        }
    }
}

/// Builds the release and the benchmark that measures it, and returns the benchmark's path.
/// One call of cargo optimises and links both at once, each on a core.
pub fn bench(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    components::build_all(workspace)?;
    compile_ahead(workspace)?;
    let [_, bench] = link_all(workspace, Profile::Release, [NAME, BENCH])?;
    Ok(bench)
}

/// Compiles the components ahead of time for embedding. Unchanged files are not touched,
/// since newer ones would recompile the host.
///
/// The compiler itself is not a release: what it makes is the same, and as a release it would
/// have its own build of wasmtime, since cargo prepares dependencies for link-time
/// optimisation differently for the host, and minutes of linking.
fn compile_ahead(workspace: &Workspace) -> anyhow::Result<()> {
    let compiler = link(workspace, Profile::Dev, COMPILER)?;
    let directory = workspace.ahead();
    fs::create_dir_all(&directory)?;
    let draft = directory.with_extension("draft");
    for name in components::shipped() {
        let mut compile = workspace.command(&compiler);
        compile.arg(workspace.components().join(format!("{name}.wasm")));
        compile.arg(&draft);
        if components::is_of_provider(name) {
            compile.arg("packed");
        }
        process::run(&mut compile)?;
        let carried = directory.join(name);
        if fs::read(&draft).ok() != fs::read(&carried).ok() {
            fs::rename(&draft, &carried)?;
        }
    }
    Ok(())
}

/// Builds a program of this workspace, and returns its path.
pub fn link(workspace: &Workspace, profile: Profile, name: &str) -> anyhow::Result<PathBuf> {
    link_all(workspace, profile, [name]).map(|[path]| path)
}

fn link_all<const N: usize>(
    workspace: &Workspace,
    profile: Profile,
    names: [&str; N],
) -> anyhow::Result<[PathBuf; N]> {
    let mut cargo = workspace.native_cargo(&["build", "--workspace"]);
    cargo.args(names.iter().flat_map(|name| ["--bin", name]));
    cargo.args(profile.flags());
    process::run(&mut cargo)?;
    let directory = workspace.target().join(profile.directory());
    Ok(names.map(|name| directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))))
}

#[cfg(unix)]
fn become_it(command: &mut Command) -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec()).context("the server cannot be run")
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> anyhow::Result<()> {
    process::run(command)
}

/// The size of a file, for messages.
pub fn size(path: &Path) -> anyhow::Result<String> {
    Ok(decimal(fs::metadata(path)?.len()))
}

/// A size in human-readable form: `4.2 MB`.
fn decimal(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit / (unit / 10));
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", tenths(1_000)),
        _ => format!("{} MB", tenths(1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (607_573, "607.5 kB"),
            (1_668_336, "1.6 MB"),
            (34_050_000, "34.0 MB"),
        ] {
            assert_eq!(decimal(bytes), expected);
        }
    }
}
