//! wasmCloud: `wash dev`, with the composition that `wasmtime serve` has too, as
//! `docs/platforms.md` tells to configure it.

use std::process::Command;

use serde_json::{Map, Value, json};

use crate::artifacts;
use crate::service::Service;

use super::wasmtime::chosen;
use super::{Platform, Shared, Start};

/// A component that exports nothing: `wash dev` wants one to build.
const EMPTY: &[u8] = b"\0asm\r\0\x01\0";

pub struct Wash;

impl Platform for Wash {
    fn start(start: &Start<Self>) -> Service {
        let listen = chosen(&start.listen);
        let directory = &start.directory;
        for folder in [".wash", "data"] {
            std::fs::create_dir_all(directory.join(folder)).unwrap();
        }
        std::fs::write(directory.join("empty.wasm"), EMPTY).unwrap();
        let mut environment: Map<String, Value> = start
            .variables()
            .map(|(name, value)| (name, json!(value)))
            .collect();
        environment.insert(
            "REFINEMENT_PUBLIC_URL".to_owned(),
            json!(format!("http://{listen}")),
        );
        // YAML has JSON in it.
        let config = json!({
            "build": {"command": "true", "component_path": "empty.wasm"},
            "dev": {
                "address": listen,
                "components": [{
                    "name": "concept-refinement",
                    "file": start.model.composition("standalone"),
                    "poolSize": 8,
                    "maxConcurrency": 64,
                }],
                "volumes": [{"host_path": "data", "guest_path": "/data"}],
            },
            "workload": {"environment": {"config": environment}},
        });
        let file = directory.join(".wash/config.yaml");
        std::fs::write(file, config.to_string()).unwrap();
        let mut command = Command::new(artifacts::wash());
        command
            .args(["--non-interactive", "dev"])
            .current_dir(directory)
            // Where it keeps what is its own.
            .env("HOME", directory)
            // As for `wasmtime serve`: an instance is of many modules.
            .env("WASMTIME_POOLING_TOTAL_CORE_INSTANCES", "4000")
            .env("WASMTIME_POOLING_TOTAL_TABLES", "4000")
            .env("TOKIO_WORKER_THREADS", "16");
        Service::of(&mut command)
    }

    fn shared() -> &'static Shared {
        static SHARED: Shared = Shared::new();
        &SHARED
    }
}
