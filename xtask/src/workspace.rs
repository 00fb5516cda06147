//! Paths of the workspace, and how cargo is called.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use fs_err as fs;

/// Directories, all absolute.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    pub fn find() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask stands at the root of the file system")?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(directory) => std::path::absolute(directory)?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A copy of the workspace in another directory.
    pub fn copied_to(root: PathBuf) -> Self {
        let target = root.join("target");
        Self { root, target }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The shipped components.
    pub fn components(&self) -> PathBuf {
        self.target.join("components")
    }

    /// Their code, compiled ahead of time for a release.
    pub fn ahead(&self) -> PathBuf {
        self.components().join("ahead")
    }

    /// The components that only tests use.
    pub fn test_components(&self) -> PathBuf {
        self.target.join("test-components")
    }

    /// The composed components.
    pub fn composed(&self) -> PathBuf {
        self.target.join("composed")
    }

    /// The composed components with the model of the tests.
    pub fn test_composed(&self) -> PathBuf {
        self.target.join("test-composed")
    }

    /// Tools that are installed only for this project.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Cargo without the variables that `cargo run` sets for xtask, which would make
    /// build scripts run again.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(arguments)
            .env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// Cargo for native packages, with the variables that they and their tests read.
    /// These are always the same, since a change recompiles the host.
    pub fn native_cargo(&self, arguments: &[&str]) -> Command {
        self.with_components(self.cargo(arguments))
    }

    /// A program built by [`Workspace::native_cargo`], with the variables that cargo
    /// would run it with.
    pub fn native_command(&self, program: &Path) -> Command {
        let mut command = self.command(program);
        command.env("CARGO_TARGET_DIR", &self.target);
        self.with_components(command)
    }

    fn with_components(&self, mut command: Command) -> Command {
        command
            .env("REFINEMENT_EMBED", self.components())
            .env("REFINEMENT_TEST_COMPONENTS", self.components())
            .env("REFINEMENT_TEST_MODELS", self.test_components());
        command
    }

    /// Another program, run at the root.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_about_xtask) {
                command.env_remove(name);
            }
        }
        command
    }
}

/// Removes a directory with all that is in it, if it exists.
pub fn remove(directory: &Path) -> anyhow::Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    Ok(())
}

/// Whether `cargo run` sets a variable of this name to describe the package of xtask.
fn is_about_xtask(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cargo_run_tells_of_xtask_is_about_xtask() {
        for name in [
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
        ] {
            assert!(is_about_xtask(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO",
            "CARGO_BUILD_JOBS",
            "PATH",
        ] {
            assert!(!is_about_xtask(name), "{name}");
        }
    }
}
