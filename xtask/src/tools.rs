//! What building and testing need beyond cargo: each is looked for, installed
//! where that is possible, and otherwise named in a sentence. Nothing that is
//! there already is changed.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::process;
use crate::workspace::Workspace;

const CARGO_DENY: &str = "0.20.2";

/// The browser, under the names that systems give it.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The standard library of a target, which cargo needs to compile for it.
pub fn ensure_target(workspace: &Workspace, target: &str) -> anyhow::Result<()> {
    let mut rustc = workspace.command("rustc");
    let library = process::output(rustc.args(["--print", "target-libdir", "--target", target]))?;
    if Path::new(&library).is_dir() {
        return Ok(());
    }
    with_rustup(workspace, "target", target)
}

/// `cargo fmt` and `cargo clippy`.
pub fn ensure_lints(workspace: &Workspace) -> anyhow::Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !process::succeeds(&mut workspace.cargo(&[subcommand, "--version"])) {
            with_rustup(workspace, "component", component)?;
        }
    }
    Ok(())
}

/// A browser for the tests of the web page.
pub fn ensure_browser(workspace: &Workspace) -> anyhow::Result<()> {
    if BROWSERS.iter().any(|name| process::find(name).is_some()) {
        return Ok(());
    }
    if process::find("apt-get").is_none() || !is_root(workspace) {
        bail!(
            "the tests need the browser Chromium: install it (on Debian, as root, \
             `apt-get install chromium`) so that `chromium` is in the PATH"
        );
    }
    println!("installing chromium");
    // Old lists name packages that are gone; that they cannot be renewed does
    // not mean that nothing can be installed.
    process::succeeds(workspace.command("apt-get").arg("update"));
    let mut install = workspace.command("apt-get");
    install
        .args([
            "install",
            "--yes",
            "--quiet",
            "--no-install-recommends",
            "chromium",
        ])
        .env("DEBIAN_FRONTEND", "noninteractive");
    process::run(&mut install).context("the tests need the browser Chromium")
}

/// `cargo-deny`: the project's own, the one in the PATH, or else built now.
/// Unoptimised, it is built in a minute and checks in seconds.
pub fn cargo_deny(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let name = "cargo-deny";
    let root = workspace.tools();
    let own = root
        .join("bin")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if own.is_file() {
        return Ok(own);
    }
    if let Some(installed) = process::find(name) {
        return Ok(installed);
    }
    println!("installing {name} {CARGO_DENY} in {}", root.display());
    let package = format!("{name}@{CARGO_DENY}");
    let mut install = workspace.cargo(&[
        "install", "--quiet", "--locked", "--debug", &package, "--root",
    ]);
    install
        .arg(&root)
        // A directory that goes away afterwards.
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_INCREMENTAL", "0");
    process::run(&mut install)?;
    Ok(own)
}

fn with_rustup(workspace: &Workspace, kind: &str, name: &str) -> anyhow::Result<()> {
    if process::find("rustup").is_none() {
        bail!(
            "the Rust {kind} {name} is not installed, and there is no rustup to add it: \
             install it the way that Rust itself was installed, or take Rust from https://rustup.rs"
        );
    }
    println!("adding the Rust {kind} {name}");
    process::run(workspace.command("rustup").args([kind, "add", name]))
}

fn is_root(workspace: &Workspace) -> bool {
    process::output(workspace.command("id").arg("-u")).is_ok_and(|id| id == "0")
}
