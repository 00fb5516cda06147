//! Spin, and a host of its shape: both take the manifest at the root, with the
//! compositions that a case asks for in place of those that it names.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::artifacts;
use crate::service::Service;

use super::{Platform, Shared, Start, origin, receiver};

pub struct Shaped;

/// The same, with each message delivered twice.
pub struct Twice;

pub struct Real;

impl Platform for Shaped {
    fn start(start: &Start<Self>) -> Service {
        Service::of(&mut up(artifacts::spin_shaped(), start))
    }

    fn shared() -> &'static Shared {
        static SHARED: Shared = Shared::new();
        &SHARED
    }
}

impl Platform for Twice {
    fn start(start: &Start<Self>) -> Service {
        let mut command = up(artifacts::spin_shaped(), start);
        command.arg("--post-twice");
        // As Spin has to be told for a crowd as large, on a machine as slow.
        for (name, room) in [
            ("INSTANCE_COUNT", "4000"),
            ("TOTAL_MEMORIES", "4000"),
            ("TOTAL_TABLES", "8000"),
            ("TOTAL_STACKS", "4000"),
            ("TOTAL_CORE_INSTANCES", "16000"),
        ] {
            command.env(format!("SPIN_WASMTIME_{name}"), room);
        }
        Service::of(&mut command)
    }

    fn shared() -> &'static Shared {
        static SHARED: Shared = Shared::new();
        &SHARED
    }
}

impl Platform for Real {
    fn start(start: &Start<Self>) -> Service {
        let spin = std::env::var_os("SPIN").unwrap_or_else(|| "spin".into());
        Service::of(&mut up(spin.into(), start))
    }

    fn shared() -> &'static Shared {
        static SHARED: Shared = Shared::new();
        &SHARED
    }
}

fn up<P: Platform>(spin: PathBuf, start: &Start<P>) -> Command {
    let manifest = start.directory.join("spin.toml");
    std::fs::write(&manifest, self::manifest(start)).unwrap();
    let state = start.directory.join("state");
    std::fs::create_dir_all(&state).unwrap();
    let mut command = Command::new(spin);
    command
        .env("SPIN_SHAPED_COMPILED", artifacts::spin_shaped_compiled())
        // As docs/platforms.md tells to: more than there are cores.
        .env("TOKIO_WORKER_THREADS", "16")
        .current_dir(&start.directory)
        .args(["up", "--listen", &start.listen, "--from"])
        .arg(manifest)
        .arg("--state-dir")
        .arg(state);
    for (name, value) in &start.settings {
        let name = name.replace('-', "_");
        command.arg("--variable").arg(format!("{name}={value}"));
    }
    command
}

/// The project's own, but for its sources, and how they are built; and the
/// origin and the receiver of the tests are reached on their ports.
fn manifest<P: Platform>(start: &Start<P>) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = std::fs::read_to_string(root.join("spin.toml")).unwrap();
    let mut manifest = without_builds(&manifest);
    for name in ["spin-api", "spin-processor"] {
        let source = format!("\"target/composed/{name}.wasm\"");
        assert!(manifest.contains(&source), "no {source}: {manifest}");
        let composition = start.model.composition(name);
        manifest = manifest.replace(&source, &format!("{composition:?}"));
    }
    let (origin, receiver) = (origin().authority(), receiver().authority());
    for last in ["\"{{ model_url }}\"", "\"{{ jwks_origin }}\""] {
        let granted = format!("{last}]");
        assert!(manifest.contains(&granted), "no {granted}: {manifest}");
        let and_ours = format!("{last}, \"http://{origin}\", \"http://{receiver}\"]");
        manifest = manifest.replace(&granted, &and_ours);
    }
    manifest
}

fn without_builds(manifest: &str) -> String {
    let mut is_build = false;
    let mut lines = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_build = line.starts_with("[component.") && line.trim_end().ends_with(".build]");
        }
        if !is_build {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}
