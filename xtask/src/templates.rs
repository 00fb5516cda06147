//! Builds the templates of models in other languages with the tools of those languages,
//! as `docs/models.md` describes.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs_err as fs;

use crate::process;
use crate::tools;
use crate::workspace::Workspace;

const PYTHON: &str = "components/models/template-python";
const JAVASCRIPT: &str = "components/models/template-javascript";

/// Builds all of them, next to the components for tests.
pub fn build(workspace: &Workspace) -> anyhow::Result<()> {
    python(workspace)?;
    javascript(workspace)
}

fn python(workspace: &Workspace) -> anyhow::Result<()> {
    let sources = workspace.root().join(PYTHON);
    let Some(out) = outdated(workspace, &sources, "model-template-python")? else {
        return Ok(());
    };
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
    process::run(command.arg("--output").arg(partial(&out)))?;
    finish(&out)
}

fn javascript(workspace: &Workspace) -> anyhow::Result<()> {
    let sources = workspace.root().join(JAVASCRIPT);
    let Some(out) = outdated(workspace, &sources, "model-template-javascript")? else {
        return Ok(());
    };
    let packages = tools::ensure_componentize_qjs(workspace)?;
    // Beside the packages, because a module outside of their directory cannot import them.
    for file in ["model.js", "text.js"] {
        fs::copy(sources.join(file), packages.join(file))?;
    }
    let mut command = workspace.command(packages.join("node_modules/.bin/componentize-qjs"));
    command.args(["--wit", "wit", "--world", "plain-image-model", "--js"]);
    command.arg(packages.join("model.js")).arg("--module-root");
    command.arg(&packages);
    process::run(command.arg("--output").arg(partial(&out)))?;
    finish(&out)
}

/// The path of the component to build. None: it is newer than all its sources.
fn outdated(workspace: &Workspace, sources: &Path, name: &str) -> anyhow::Result<Option<PathBuf>> {
    let directory = workspace.test_components();
    fs::create_dir_all(&directory)?;
    let out = directory.join(format!("{name}.wasm"));
    let built = fs::metadata(&out).and_then(|built| built.modified());
    let changed = newest(sources)?.max(newest(&workspace.root().join("wit"))?);
    Ok(match built {
        Ok(built) if built > changed => None,
        _ => Some(out),
    })
}

/// The modification time of the newest file in a directory.
fn newest(directory: &Path) -> anyhow::Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(directory)? {
        newest = newest.max(entry?.metadata()?.modified()?);
    }
    Ok(newest)
}

fn partial(out: &Path) -> PathBuf {
    out.with_extension("partial")
}

/// Puts the component in place atomically.
fn finish(out: &Path) -> anyhow::Result<()> {
    Ok(fs::rename(partial(out), out)?)
}
