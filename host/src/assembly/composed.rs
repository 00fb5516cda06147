//! Serves a composed component that contains the API, the pipeline, a model and
//! stores. The host gives it HTTP in both directions, a directory and settings,
//! but none of its own capabilities.
//!
//! All parts share one instance, and therefore one grant, one memory and one
//! failure: a model that computes blocks the other requests of its instance.
//! [`crate::HostBuilder`] runs the parts separately.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use concept_refinement_domain::chain::variable_part;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::assembly::compiled::{compile, component};
use crate::assembly::grants::API_MEMORY;
use crate::assembly::serving::Serving;
use crate::assembly::{api, grants};
use crate::capability::create_directory;
use crate::config::Config;
use crate::config::table::SETTINGS;
use crate::cores::Cores;
use crate::egress::Network;
use crate::egress::resolver::{self, Resolver};
use crate::ingress::http::{CALLS, listen};
use crate::wasm::engine::{Engine, Pool};
use crate::wasm::linker::wasi_linker;
use crate::wasm::sandbox::{Place, Sandbox};

/// Most instances at a time. Each may use as much memory as a model, a processor and
/// an API together, and all of them as much as they like: `model-memory-total` does not
/// count them.
const INSTANCES: u32 = 16;

/// Most components with a memory of their own in one composition: each link of a chain
/// brings four.
const PARTS: u32 = 32;

/// Serves a composed component. It sees the configuration as variables
/// `REFINEMENT_...` and the data directory as `/data`.
pub struct Composed {
    config: Config,
    component: Cow<'static, [u8]>,
    resolver: Arc<dyn Resolver>,
}

impl Composed {
    /// A component by its bytes, as WebAssembly.
    pub fn new(config: Config, component: impl Into<Cow<'static, [u8]>>) -> Self {
        Self {
            config,
            component: component.into(),
            resolver: resolver::system(),
        }
    }

    /// Resolves names with this resolver instead of the machine's. Addresses
    /// are checked as usual.
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Compiles the component and begins to serve.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on, the data directory cannot be used, or
    /// the component imports what this host does not offer to one.
    pub async fn start(self) -> anyhow::Result<Serving> {
        let Self {
            config,
            component,
            resolver,
        } = self;
        let listener = listen(config.listen).await?;
        let address = listener.local_addr()?;
        create_directory(&config.data_dir).context("creating the data directory")?;
        let directory = config.data_dir.join("composed");
        create_directory(&directory).context("creating the component's directory")?;

        let pool = Pool {
            instances: INSTANCES.saturating_mul(PARTS),
            calls: u32::try_from(CALLS)?,
            max_memory: usize::try_from(config.model_memory)?.max(API_MEMORY),
        };
        let cache = config.data_dir.join("compiled");
        let compiled = move |engine: &_| served(engine, &component);
        let (engine, pre) = compile(pool, Some(cache), compiled).await?;
        let granted = grants::composed(&config, &Network::new(resolver)?)?;
        let place = Place {
            directory,
            environment: environment(&config, address),
        };
        let limit = usize::try_from(INSTANCES)?;
        let instances = api::instances(&engine, pre, granted, Some(place), limit);
        let cores = Arc::new(Cores::start()?);
        let http = api::http(&config, address, &cores, instances, None, None).await?;
        let mut serving = Serving::new(address, Arc::default(), Arc::clone(&cores), engine);
        serving.spawn(|stop| http.serve(listener, cores, stop.stopped, stop.cancelled));
        Ok(serving)
    }
}

fn served(engine: &Engine, bytes: &[u8]) -> anyhow::Result<ServicePre<Sandbox>> {
    let component = component(engine, "composed", bytes)?;
    wasi_linker(engine.wasmtime())
        .and_then(|linker| linker.instantiate_pre(&component))
        .and_then(ServicePre::new)
        .map_err(anyhow::Error::from)
        .context("the composed component asks for more than there is")
}

/// Adapters for platforms that hide a request's origin build image URLs from
/// the public URL. If none is set, this is the address of the listener.
fn environment(config: &Config, address: SocketAddr) -> Vec<(String, String)> {
    let of_links = config.model.links().into_iter().flat_map(|link| {
        let part = variable_part(&link.name);
        link.settings.0.iter().filter_map(move |(name, value)| {
            let key = variable_part(name.strip_prefix("model-")?);
            Some((format!("REFINEMENT_MODELS_{part}_{key}"), value.clone()))
        })
    });
    SETTINGS
        .iter()
        .filter_map(|setting| {
            let value = match config.values.get(setting.name) {
                Some(value) => value.to_owned(),
                None if setting.name == "public-url" => format!("http://{address}"),
                None => return None,
            };
            Some((setting.variable(), value))
        })
        .chain(of_links)
        .collect()
}
