//! Checks what is used from outside of this workspace: the installed executable, and a
//! program that depends on the host as `docs/embedding.md` shows. Both build their
//! components.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use fs_err as fs;

use crate::process;
use crate::workspace::Workspace;

const PAGE: &str = "docs/embedding.md";

/// How the page declares the dependency on the host.
const ADDRESS: &str = "git = \"https://git.example.com/concept-refinement\"";

/// The port that its program listens on.
const PORT: &str = "8080";

/// Installs the executable and refines an image with it; builds the page's program in a
/// separate directory, and starts it.
pub fn check(workspace: &Workspace) -> anyhow::Result<()> {
    // Outside of the workspace, since cargo would read its configuration below it.
    let place = std::env::temp_dir().join(format!("outside-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let checked = installed(workspace, &place).and_then(|()| embedded(workspace, &place));
    fs::remove_dir_all(&place)?;
    checked
}

fn installed(workspace: &Workspace, place: &Path) -> anyhow::Result<()> {
    let root = place.join("installed");
    let mut install = cargo(workspace, &["install", "--locked", "--path", "host"]);
    process::run(install.arg("--root").arg(&root))?;
    let mut refine = workspace.command(root.join("bin").join("concept-refinement"));
    let original = workspace.root().join("docs/pictures/logo-before.png");
    refine.current_dir(place).arg("refine").arg(original);
    process::run(refine.args(["make it brighter", "-o", "refined.png"]))
}

fn embedded(workspace: &Workspace, place: &Path) -> anyhow::Result<()> {
    let page = fs::read_to_string(workspace.root().join(PAGE))?;
    let host = format!("path = {:?}", workspace.root().join("host"));
    let manifest = replaced(block(&page, "```toml\n")?, ADDRESS, &host)?;
    let program = replaced(block(&page, "```rust,no_run\n")?, PORT, "0")?;

    let package = place.join("pictures");
    fs::create_dir_all(package.join("src"))?;
    fs::write(package.join("Cargo.toml"), manifest)?;
    fs::write(package.join("src/main.rs"), program)?;
    // Uses the versions that were tested.
    let lock = workspace.root().join("Cargo.lock");
    fs::copy(lock, package.join("Cargo.lock"))?;
    process::run(cargo(workspace, &["build"]).current_dir(&package))?;

    let built = target(workspace).join("debug").join("pictures");
    let mut program = workspace.command(built);
    program.current_dir(&package).stdout(Stdio::piped());
    let mut program = program.spawn()?;
    let output = program.stdout.take().context("it has no output")?;
    let mut line = String::new();
    let read = BufReader::new(output).read_line(&mut line);
    program.kill()?;
    program.wait()?;
    read?;
    match line.starts_with("ready at http://") {
        true => Ok(()),
        false => bail!("the program of {PAGE} did not start: {line}"),
    }
}

/// Cargo for builds from scratch, reusing only those of the previous check.
fn cargo(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut cargo = workspace.cargo(arguments);
    cargo
        .env("CARGO_TARGET_DIR", target(workspace))
        .env_remove("REFINEMENT_EMBED")
        .env_remove("WORKSPACE_COMPONENTS");
    cargo
}

fn target(workspace: &Workspace) -> std::path::PathBuf {
    workspace.target().join("outside")
}

/// The first block of the page that starts like this.
fn block<'a>(page: &'a str, fence: &str) -> anyhow::Result<&'a str> {
    let block = page.split_once(fence).map(|(_, rest)| rest);
    let block = block.and_then(|rest| rest.split_once("```"));
    let (block, _) = block.with_context(|| format!("{PAGE} has no block {fence:?}"))?;
    Ok(block)
}

fn replaced(text: &str, this: &str, by: &str) -> anyhow::Result<String> {
    match text.contains(this) {
        true => Ok(text.replace(this, by)),
        false => bail!("{PAGE} does not say {this}"),
    }
}
