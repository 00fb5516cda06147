//! `wasmtime serve`: all in one component, with a directory to keep its state.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::artifacts;
use crate::service::Service;

use super::{Platform, Shared, Start};

pub struct Wasmtime;

impl Platform for Wasmtime {
    fn start(start: &Start<Self>) -> Service {
        let composition = start.model.composition("standalone");
        start.launch().on_wasmtime(composition).start()
    }

    fn shared() -> &'static Shared {
        static SHARED: Shared = Shared::new();
        &SHARED
    }
}

/// What serves a composition, with variables for its components and its data in
/// `directory`.
pub fn command<'a>(
    composition: &Path,
    directory: &Path,
    listen: &str,
    variables: impl IntoIterator<Item = (String, &'a str)>,
) -> Command {
    let data = directory.join("data");
    std::fs::create_dir_all(&data).unwrap();
    // Without it the component is compiled anew at each start.
    let cache = directory.join("cache.toml");
    let text = format!("[cache]\ndirectory = {:?}\n", artifacts::wasmtime_cache());
    std::fs::write(&cache, text).unwrap();
    let listen = chosen(listen);
    let mut command = Command::new(artifacts::wasmtime());
    command
        .args(["serve", "-S", "p3,http,cli", "--addr", &listen])
        // No request comes to an instance that computes, or waits for a thread that does.
        .arg("--max-instance-reuse-count=1")
        .env("TOKIO_WORKER_THREADS", "16")
        // An instance is of many modules, and so its pool is soon used up: who
        // comes then is answered 500.
        .args(["-O", "pooling-total-core-instances=4000"])
        .args(["-O", "pooling-total-tables=4000", "-C"])
        .arg(format!("cache=y,cache-config={}", cache.display()))
        .arg("--dir")
        .arg(format!("{}::/data", data.display()));
    // It does not tell a component where a request came to.
    let public_url = (
        "REFINEMENT_PUBLIC_URL".to_owned(),
        format!("http://{listen}"),
    );
    let mut all = BTreeMap::from([public_url]);
    all.extend(
        variables
            .into_iter()
            .map(|(name, value)| (name, value.to_owned())),
    );
    for (name, value) in all {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    command.arg(composition);
    command
}

/// An address whose port is known before it is listened on.
pub fn chosen(listen: &str) -> String {
    let listener = TcpListener::bind(listen).unwrap();
    listener.local_addr().unwrap().to_string()
}
