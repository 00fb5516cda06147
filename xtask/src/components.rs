//! Builds the components, and puts them where the host and the tests find them.
//!
//! Shipped components are compiled together, separately from test components,
//! so that test components cannot change their bytes.

#[path = "../../components/shipped.rs"]
mod shipped;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, anyhow};
use fs_err as fs;

use crate::metadata;
use crate::process;
use crate::tools;
use crate::workspace::Workspace;
use shipped::{COMPONENT, TARGET};
pub use shipped::{is_of_provider, package, shipped};

/// What adapters change of the profile, for size: they wait more than they compute, and come on
/// top of the other components in what a platform loads. A profile of their own would build all
/// macros and build scripts once more.
const SIZE: [&str; 2] = [
    "--config=profile.component.opt-level='z'",
    "--config=profile.component.package.concept-refinement-domain.opt-level='z'",
];

/// The shipped components that are middleware rather than models.
pub const MIDDLEWARE: [&str; 2] = ["fallback", "cache"];

/// Adapters for stock platforms.
pub const ADAPTERS: [&str; 12] = [
    "adapter-store-keyvalue",
    "adapter-store-filesystem",
    "adapter-queue-direct",
    "adapter-queue-http",
    "adapter-entry-http",
    "adapter-model-settings",
    "adapter-link-settings",
    "adapter-next-model",
    "adapter-paid-model",
    "adapter-chain-end",
    "adapter-model-0-1",
    "adapter-next-models-0-1",
];

pub const FOR_TESTS: [&str; 6] = [
    "model-scripted",
    "middleware-scripted",
    "model-template",
    "model-template-middleware",
    "model-template-provider",
    "spin-probe",
];

/// Builds the components that our host runs.
pub fn build_shipped(workspace: &Workspace) -> anyhow::Result<()> {
    let components: Vec<_> = shipped().collect();
    build(workspace, &components, &[], &workspace.components())
}

/// Builds the adapters separately, so that they cannot change the bytes of the
/// other components.
pub fn build_adapters(workspace: &Workspace) -> anyhow::Result<()> {
    build(workspace, &ADAPTERS, &SIZE, &workspace.components())
}

/// Builds the components that only tests use.
pub fn build_for_tests(workspace: &Workspace) -> anyhow::Result<()> {
    build(workspace, &FOR_TESTS, &[], &workspace.test_components())
}

/// Builds all of them.
pub fn build_all(workspace: &Workspace) -> anyhow::Result<()> {
    build_shipped(workspace)?;
    build_adapters(workspace)?;
    build_for_tests(workspace)
}

/// Builds components concurrently with native programs that do not embed them: linking a
/// component leaves a core idle.
pub fn beside<T>(
    components: impl FnOnce() -> anyhow::Result<()> + Send,
    programs: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    thread::scope(|scope| {
        let components = scope.spawn(components);
        let programs = programs();
        let components = components.join();
        components.map_err(|_| anyhow!("building components panicked"))??;
        programs
    })
}

/// Cargo for the components, always with the same target and profile, so that the macros
/// and build scripts that they need are built only once.
pub fn cargo(workspace: &Workspace, subcommand: &str) -> Command {
    let mut cargo = workspace.cargo(&[subcommand, "--profile", COMPONENT, "--target", TARGET]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", without_paths(workspace));
    cargo
}

/// Flags that keep directories of this machine out of the code (panic messages contain
/// paths), so that the same sources give the same bytes wherever they are built. If
/// several match a path, the last one counts. They replace all flags that a user may have
/// set.
fn without_paths(workspace: &Workspace) -> OsString {
    let cargo = match env::var_os("CARGO_HOME") {
        Some(home) => home.into(),
        None => env::home_dir().unwrap_or_default().join(".cargo"),
    };
    let places = [
        (cargo, "/cargo"),
        (workspace.root().to_owned(), "/concept-refinement"),
        (workspace.target().to_owned(), "/target"),
    ];
    let flags = places.map(|(place, name)| {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(place);
        flag.push("=");
        flag.push(name);
        flag
    });
    flags.join(OsStr::new("\u{1f}"))
}

/// `--package PACKAGE` for each component.
pub fn selection<'a>(
    components: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = String> {
    components
        .into_iter()
        .flat_map(|name| ["--package".into(), package(name)])
}

/// Builds one at a time, since cargo can build only the component of a package if it is
/// the only one, with these settings of cargo on top of the workspace's.
fn build(
    workspace: &Workspace,
    components: &[&str],
    settings: &[&str],
    to: &Path,
) -> anyhow::Result<()> {
    tools::ensure_target(workspace, TARGET)?;
    for name in components {
        let mut cargo = workspace.cargo(&["rustc"]);
        cargo.env("CARGO_ENCODED_RUSTFLAGS", without_paths(workspace));
        process::run(cargo.args(settings).args(shipped::arguments(name)))?;
    }
    put(workspace, components, to)
}

/// Copies what was built to its destination.
fn put(workspace: &Workspace, components: &[&str], to: &Path) -> anyhow::Result<()> {
    let built = workspace.target().join(TARGET).join(COMPONENT);
    fs::create_dir_all(to)?;
    for name in components {
        let from = built.join(shipped::file(name));
        install(&from, &package(name), &to.join(format!("{name}.wasm")))?;
    }
    Ok(())
}

/// Writes a component with its metadata.
pub fn install(from: &Path, package: &str, to: &Path) -> anyhow::Result<()> {
    let bytes = metadata::added(&fs::read(from)?, package).with_context(|| package.to_owned())?;
    Ok(write_if_changed(to, &bytes)?)
}

/// Does not touch an unchanged file, since a newer one would recompile the host. Replaces
/// atomically.
pub fn write_if_changed(to: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let partial = to.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, bytes)?;
    fs::rename(partial, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_selected_by_name() {
        let selection: Vec<_> = selection(["api", "adapter-queue-http"]).collect();
        assert_eq!(
            selection,
            [
                "--package",
                "concept-refinement-api",
                "--package",
                "concept-refinement-queue-http"
            ]
        );
    }

    #[test]
    fn only_a_changed_file_is_written() {
        let directory = std::env::temp_dir().join(format!("xtask-write-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let to = directory.join("to.wasm");
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        let age = || fs::metadata(&to).unwrap().modified().unwrap();

        write_if_changed(&to, b"first").unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"first");

        fs::File::options()
            .write(true)
            .open(&to)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        write_if_changed(&to, b"first").unwrap();
        assert_eq!(age(), long_ago, "the same bytes were written again");

        write_if_changed(&to, b"second").unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"second");
        assert_ne!(age(), long_ago);

        let files = fs::read_dir(&directory).unwrap().count();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(files, 1, "something is left over");
    }
}
