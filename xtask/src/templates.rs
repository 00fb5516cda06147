//! Builds the templates of models in other languages with the tools of those languages,
//! as `docs/models.md` describes.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use fs_err as fs;

use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// Builds all of them, next to the components for tests.
pub fn build(workspace: &Workspace) -> anyhow::Result<()> {
    build_one(workspace, "template-python", python)?;
    build_one(workspace, "template-javascript", javascript)
}

/// Builds the component of a template by a command that still needs its output, unless it is
/// newer than all its sources.
fn build_one(
    workspace: &Workspace,
    template: &str,
    command: fn(&Workspace, &Path) -> anyhow::Result<Command>,
) -> anyhow::Result<()> {
    let sources = workspace.root().join("components/models").join(template);
    let directory = workspace.test_components();
    fs::create_dir_all(&directory)?;
    let out = directory.join(format!("model-{template}.wasm"));
    let changed = newest(&sources)?.max(newest(&workspace.root().join("wit"))?);
    let built = fs::metadata(&out).and_then(|built| built.modified());
    if built.is_ok_and(|built| built > changed) {
        return Ok(());
    }
    // Replaces atomically.
    let partial = out.with_extension("partial");
    process::run(command(workspace, &sources)?.arg("--output").arg(&partial))?;
    Ok(fs::rename(partial, out)?)
}

fn python(workspace: &Workspace, sources: &Path) -> anyhow::Result<Command> {
    let environment = tools::ensure_componentize_py(workspace)?;
    // Builds in a copy, since Python writes compiled modules next to the sources.
    let copy = workspace.target().join("template-python");
    fs::create_dir_all(&copy)?;
    fs::copy(sources.join("model.py"), copy.join("model.py"))?;
    let mut command = workspace.command(environment.join("bin").join("componentize-py"));
    // Where it finds the packages that the model imports.
    command.env("VIRTUAL_ENV", &environment);
    command
        .args(["--quiet", "--wit-path", "wit"])
        .args(["--world", "image-model-component"])
        .args(["componentize", "model", "--python-path"])
        .arg(&copy);
    Ok(command)
}

fn javascript(workspace: &Workspace, sources: &Path) -> anyhow::Result<Command> {
    let packages = tools::ensure_componentize_qjs(workspace)?;
    // Beside the packages, because a module outside of their directory cannot import them.
    for file in ["model.js", "text.js"] {
        fs::copy(sources.join(file), packages.join(file))?;
    }
    let mut command = workspace.command(packages.join("node_modules/.bin/componentize-qjs"));
    command.args(["--wit", "wit", "--world", "plain-image-model", "--js"]);
    command.arg(packages.join("model.js")).arg("--module-root");
    command.arg(&packages);
    Ok(command)
}

/// The modification time of the newest file in a directory.
fn newest(directory: &Path) -> anyhow::Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(directory)? {
        newest = newest.max(entry?.metadata()?.modified()?);
    }
    Ok(newest)
}
