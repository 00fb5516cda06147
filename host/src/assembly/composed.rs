//! A component that is all in one: API, pipeline, model and stores. The host
//! gives it HTTP, in and out, a directory and its settings, and nothing of its
//! own capabilities.
//!
//! What is in it shares one instance, and so one grant, one memory and one
//! fate: a model that computes holds up the requests of its instance. Parts that
//! have to be kept apart are run by [`crate::HostBuilder`].

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use concept_refinement_domain::original::AllowedSources;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::assembly::host::{API_MEMORY, access};
use crate::assembly::pipeline::{self, PROCESSOR_MEMORY};
use crate::assembly::serving::Serving;
use crate::capability::create_directory;
use crate::config::Config;
use crate::config::table::SETTINGS;
use crate::egress::resolver::{self, Resolver};
use crate::egress::{Bounds, Egress, Grant, Network, Origin};
use crate::ingress::ApiInstances;
use crate::ingress::http::{HttpTrigger, REQUESTS, listen};
use crate::wasm::engine::{Engine, Pool};
use crate::wasm::sandbox::{Grants, Place, Sandbox, wasi_linker};

/// Instances at once. Each may grow as large as a model.
const INSTANCES: u32 = 16;

/// What one is made of at most: components with a memory of their own.
const PARTS: u32 = 8;

/// How such a component is served: by the configuration, which it sees as
/// variables `REFINEMENT_...`, with the data directory as `/data`.
pub struct Composed {
    config: Config,
    component: Cow<'static, [u8]>,
    resolver: Arc<dyn Resolver>,
}

impl Composed {
    pub fn new(config: Config, component: impl Into<Cow<'static, [u8]>>) -> Self {
        Self {
            config,
            component: component.into(),
            resolver: resolver::system(),
        }
    }

    /// Asks this resolver for the addresses behind names, which are judged as
    /// ever, instead of the machine's.
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Compiles the component and begins to serve.
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
            calls: u32::try_from(REQUESTS)?,
            max_memory: usize::try_from(config.model_memory)?.max(API_MEMORY),
        };
        let cache = config.data_dir.join("compiled");
        let compile = move || -> anyhow::Result<_> {
            let engine = Engine::new(pool, Some(&cache))?;
            let component = pipeline::component(&engine, "composed", &component)?;
            Ok((engine, component))
        };
        let (engine, component) = tokio::task::spawn_blocking(compile).await??;
        let pre = wasi_linker(engine.wasmtime())
            .and_then(|linker| linker.instantiate_pre(&component))
            .and_then(ServicePre::<Sandbox>::new)
            .map_err(anyhow::Error::from)
            .context("the composed component asks for more than there is")?;

        let network = Network::new(resolver)?;
        let instances = ApiInstances {
            engine: engine.wasmtime().clone(),
            pre,
            grants: Grants {
                settings: Arc::default(),
                egress: egress(&config, &network)?,
                max_memory: usize::try_from(config.model_memory)?
                    .saturating_add(PROCESSOR_MEMORY)
                    .saturating_add(API_MEMORY),
                capabilities: None,
                watchers: Arc::default(),
            },
            place: Some(Place {
                directory,
                environment: environment(&config, address),
            }),
            stopping: Arc::default(),
            slots: Arc::new(Semaphore::new(usize::try_from(INSTANCES)?)),
        };
        let max_body = config.max_image_bytes + (1 << 20);
        let http = HttpTrigger::new(instances, max_body, access(&config), None);
        let (stop, stopped) = watch::channel(false);
        let over = CancellationToken::new();
        let trigger = Arc::new(http).serve(listener, stopped, over.clone());
        Ok(Serving {
            address,
            watchers: Arc::default(),
            stop,
            over,
            triggers: vec![tokio::spawn(trigger)],
            _scrapers: None,
            _engine: engine,
        })
    }
}

/// The public web, and whom the operator named: the allowed sources, the model's
/// provider, the issuer of tokens. Nothing tells here which part asks.
fn egress(config: &Config, network: &Network) -> anyhow::Result<Egress> {
    let issuer = config.jwks_url.as_ref().and_then(Origin::of_url);
    let named = [config.model_origin.clone(), issuer].into_iter().flatten();
    let mut allowed = vec![
        config
            .values
            .get("allow-sources")
            .unwrap_or_default()
            .to_owned(),
    ];
    allowed.extend(named.map(|origin| format!("{}:{}", origin.host, origin.port)));
    allowed.retain(|source| !source.trim().is_empty());
    let allowed = AllowedSources::parse(&allowed.join(",")).map_err(anyhow::Error::msg)?;
    let grant = Grant::Public {
        allowed,
        provider: config.model_origin.clone(),
    };
    Ok(Egress::new(grant, network).within(Bounds::beyond(config.task_timeout)))
}

/// Stores that were made for platforms which tell no component where a request
/// came to have URLs of ours begin with the public one: without one set, it is
/// where this listens.
fn environment(config: &Config, address: SocketAddr) -> Vec<(String, String)> {
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
        .collect()
}
