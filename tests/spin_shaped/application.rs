//! An application: its manifest, with each component compiled, linked and
//! granted what it may have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context as _, bail};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::allowed::AllowedHosts;
use crate::blocked::BlockedNetworks;
use crate::compiled;
use crate::instances::Instances;
use crate::manifest::Manifest;
use crate::outbound::Outbound;
use crate::routes::Routes;
use crate::server::Server;
use crate::state::{self, State};
use crate::store::Database;
use crate::variables::Values;

/// Instances at once, of all components.
const INSTANCES: u32 = 1000;

const EPOCH: Duration = Duration::from_millis(10);

/// What the command line says.
pub struct Options {
    pub manifest: PathBuf,
    pub state: PathBuf,
    pub variables: BTreeMap<String, String>,
    pub runtime_config: Option<PathBuf>,
    pub request_timeout: Option<Duration>,
    pub post_twice: bool,
    /// Where compiled code is kept.
    pub compiled: PathBuf,
}

/// Reads, compiles and links everything; nothing runs before a request comes.
pub fn load(options: &Options) -> anyhow::Result<Arc<Server>> {
    let manifest = Manifest::read(&options.manifest)?;
    let directory = options.manifest.parent().unwrap_or(Path::new(""));
    let values = Values::of(&manifest, &options.variables)?;
    let defaults = Values::defaults(&manifest);
    let blocked = match &options.runtime_config {
        Some(path) => BlockedNetworks::read(path)?,
        None => BlockedNetworks::default(),
    };
    let database = Database::open(&options.state.join("sqlite_key_value.db"))?;
    let engine = engine()?;
    let linker = state::linker(&engine).map_err(anyhow::Error::from)?;

    // A component that no trigger names is never run.
    let triggered = |id: &str| manifest.triggers().iter().any(|of| of.component == id);
    let mut prepared = Vec::new();
    for (id, component) in &manifest.components {
        if !triggered(id) {
            continue;
        }
        let source = directory.join(&component.source);
        let bytes = std::fs::read(&source)
            .with_context(|| format!("component {id:?}: {} cannot be read", source.display()))?;
        let compiled = compiled::component(&engine, &bytes, &options.compiled)
            .with_context(|| format!("component {id:?}"))?;
        let pre = linked(&linker, &compiled).with_context(|| format!("component {id:?}"))?;
        let entries = &component.allowed_outbound_hosts;
        let allowed = AllowedHosts::of(entries, &values, &defaults)
            .with_context(|| format!("component {id:?}"))?;
        prepared.push((id, component, pre, Arc::new(allowed)));
    }

    let routes = Routes::of(manifest.triggers())?;
    let mut granted = BTreeMap::new();
    for (id, component, ..) in &prepared {
        granted.insert((*id).clone(), Arc::new(values.granted(component)?));
    }
    Ok(Arc::new_cyclic(|server: &Weak<Server>| {
        let handlers = prepared.iter().filter_map(|(id, component, pre, allowed)| {
            let instances = Instances {
                component: id.as_str().into(),
                engine: engine.clone(),
                pre: pre.clone(),
                database: database.clone(),
                key_value_stores: Arc::new(component.key_value_stores.clone()),
                variables: Arc::clone(granted.get(*id)?),
                outbound: Outbound {
                    allowed: Arc::clone(allowed),
                    blocked: blocked.clone(),
                    server: server.clone(),
                    posts_twice: options.post_twice,
                },
                request_timeout: options.request_timeout,
            };
            Some(((*id).clone(), ProxyHandler::new(instances)))
        });
        Server::new(&manifest.application, routes, handlers.collect())
    }))
}

/// Fails for what the component imports and nobody offers, by its name.
fn linked(linker: &Linker<State>, component: &Component) -> anyhow::Result<ServicePre<State>> {
    let engine = linker.engine();
    let ty = component.component_type();
    let handlers: Vec<_> = ty
        .exports(engine)
        .map(|(name, _)| name.to_owned())
        .filter(|name| {
            name.starts_with("wasi:http/handler@")
                || name.starts_with("wasi:http/incoming-handler@")
                || name.starts_with("fermyon:spin/inbound-http")
        })
        .collect();
    match handlers.as_slice() {
        [] => bail!("it exports no handler of HTTP"),
        [one] if one.starts_with("wasi:http/handler@0.3.0-") || !one.contains("/handler@0.3.") => {
            bail!("{one} is not for this host, which takes wasi:http/handler@0.3.0")
        }
        [_] => {}
        several => bail!("it exports several handlers: {}", several.join(", ")),
    }
    let pre = linker
        .instantiate_pre(component)
        .map_err(anyhow::Error::from)?;
    ServicePre::new(pre).map_err(anyhow::Error::from)
}

/// As many as Spin's variable of this name says.
fn total(name: &str, default: u32) -> u32 {
    let said = std::env::var(format!("SPIN_WASMTIME_{name}")).ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(default)
}

fn engine() -> anyhow::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(total("INSTANCE_COUNT", INSTANCES))
        .total_memories(total("TOTAL_MEMORIES", INSTANCES))
        .total_tables(total("TOTAL_TABLES", 2 * INSTANCES))
        .total_stacks(total("TOTAL_STACKS", INSTANCES))
        .total_core_instances(total("TOTAL_CORE_INSTANCES", 4 * INSTANCES))
        .table_elements(100_000)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_tables_per_component(64)
        .max_memories_per_component(32)
        .max_tables_per_module(2)
        .max_memories_per_module(2)
        .max_memory_size(4 << 30)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(1 << 19);
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).map_err(anyhow::Error::from)?;
    let ticking = engine.weak();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(EPOCH);
            let Some(engine) = ticking.upgrade() else {
                return;
            };
            engine.increment_epoch();
        }
    });
    Ok(engine)
}
