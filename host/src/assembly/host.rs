//! One process with all its parts: engine, capabilities, triggers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use rand::RngExt as _;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::Component;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::assembly::pipeline::{self, granted};
use crate::assembly::secret::Secret;
use crate::assembly::serving::Serving;
use crate::capability::clock::{Clock, SystemClock};
use crate::capability::health::ModelHealth;
use crate::capability::images::Signing;
use crate::capability::images::file::FileImages;
use crate::capability::model::ImageModel;
use crate::capability::queue::store::StoreQueue;
use crate::capability::tasks::sqlite::{Options, SqliteTasks};
use crate::capability::tasks::watchers::Watchers;
use crate::capability::{Capabilities, create_directory};
use crate::config::{Auth, Config};
use crate::egress::resolver::{self, Resolver};
use crate::egress::{Bounds, Egress, Grant, Network, Origin};
use crate::ingress::ApiInstances;
use crate::ingress::http::{Access, HttpTrigger, Limit, REQUESTS, listen};
use crate::loops::garbage::{Garbage, HOUR};
use crate::loops::sweep::Sweep;
use crate::metrics::{self, Limited, Metrics, Scrape};
use crate::runtime::Tokio;
use crate::wasm::components::Components;
use crate::wasm::engine::{Engine, Pool};
use crate::wasm::sandbox::{GrantedSettings, Grants, Sandbox, api_linker};
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::secret::{IMAGE_URLS, SESSION_TOKENS};

/// What an instance of the API may grow to, in bytes.
pub(crate) const API_MEMORY: usize = 128 << 20;

/// Instances of the API at once; requests share them.
const API_INSTANCES: u32 = 64;

/// Tasks that the queue keeps in mind; one more is found by the sweep.
const QUEUED: usize = 100_000;

/// What the keys of an issuer may take. The component has less patience, and
/// reads less.
const ISSUER: Bounds = Bounds {
    bytes: 1 << 20,
    time: Duration::from_secs(6),
};

/// The anonymous sessions of one client address: enough for a household or an
/// office that comes at once, too few to be worth a quota.
const SESSIONS: Limit = Limit {
    method: http::Method::POST,
    path: "/api/auth/session",
    at_once: 30,
    interval: Duration::from_secs(2 * 60),
};

/// How a host is made. The defaults are those of the configuration; whoever
/// embeds it may put a model, a clock or a listener of their own in place.
pub struct HostBuilder {
    pub(crate) config: Config,
    pub(crate) components: Components,
    listener: Option<TcpListener>,
    pub(crate) model: Option<Arc<dyn ImageModel>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) plug: Box<dyn FnOnce(Capabilities) -> Capabilities + Send>,
}

/// A host at work. Dropping it ends its tasks without waiting; what was
/// accepted stays stored.
pub struct Host {
    metrics_address: Option<SocketAddr>,
    capabilities: Arc<Capabilities>,
    serving: Serving,
}

impl HostBuilder {
    pub fn new(config: Config, components: Components) -> Self {
        Self {
            config,
            components,
            listener: None,
            model: None,
            clock: Arc::new(SystemClock),
            resolver: resolver::system(),
            plug: Box::new(|configured| configured),
        }
    }

    /// Serves on this listener instead of the configured address.
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Asks this model instead of the model component.
    pub fn model(mut self, model: Arc<dyn ImageModel>) -> Self {
        self.model = Some(model);
        self
    }

    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Asks this resolver for the addresses behind names, which are judged as
    /// ever, instead of the machine's.
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Puts capabilities of your own in place of the configured ones, or
    /// around them.
    pub fn plug(
        mut self,
        plug: impl FnOnce(Capabilities) -> Capabilities + Send + 'static,
    ) -> Self {
        self.plug = Box::new(plug);
        self
    }

    /// Opens the stores, compiles the components, takes over what a process
    /// before this one left, and begins to serve.
    pub async fn start(self) -> anyhow::Result<Host> {
        let Self {
            config,
            components,
            listener,
            model,
            clock,
            resolver,
            plug,
        } = self;
        let listener = match listener {
            Some(listener) => listener,
            None => listen(config.listen).await?,
        };
        let address = listener.local_addr()?;
        let scrapers = match config.metrics_listen {
            Some(address) => Some(listen(address).await.context("metrics_listen")?),
            None => None,
        };
        create_directory(&config.data_dir).context("creating the data directory")?;

        // A directory that cannot be used is told before anything is compiled.
        // Two that start at once on the same data: one of them stops here,
        // before it draws a secret.
        let tasks = open_tasks(&config, &clock).await?;
        let store = Arc::clone(&tasks);
        let compiled = Compiled::new(&config, components).await?;
        let mut registry = Registry::default();
        let metrics = scrapers
            .is_some()
            .then(|| Arc::new(Metrics::new(&mut registry)));
        let network = Network::new(resolver)?.measured(metrics.clone());
        let model = match model {
            Some(model) => model,
            None => {
                let engine = compiled.engine.wasmtime();
                Arc::new(pipeline::model(&config, engine, &compiled.model, &network).await?)
            }
        };
        let secret = Secret::open(&config.data_dir, || rand::rng().random())?;
        let configured = open_capabilities(&config, &secret, tasks, model, clock)?;
        let plugged = plug(configured);
        let capabilities = Arc::new(match &metrics {
            Some(metrics) => metrics.around(plugged),
            None => plugged,
        });

        let pre = api_pre(compiled.engine.wasmtime(), &compiled.api)?;
        let watchers = Arc::<Watchers>::default();
        let instances = ApiInstances {
            engine: compiled.engine.wasmtime().clone(),
            pre,
            grants: Grants {
                settings: Arc::new(api_settings(&config, &secret)),
                egress: api_egress(&config, &network),
                max_memory: API_MEMORY,
                capabilities: Some(Arc::clone(&capabilities)),
                watchers: Arc::clone(&watchers),
            },
            place: None,
            stopping: Arc::default(),
            slots: Arc::new(Semaphore::new(usize::try_from(API_INSTANCES)?)),
        };
        let worker = pipeline::worker(
            &config,
            compiled.engine.wasmtime(),
            &compiled.processor,
            &capabilities,
            &network,
            metrics.clone(),
        )?;
        let slots = Arc::clone(&instances.slots);
        let concurrency = worker.concurrency;

        // Reading goes on where nothing can be written, as on a full disk.
        let sweep = Arc::new(Sweep {
            host: Arc::clone(&capabilities),
            runtime: Arc::new(Tokio::default()),
            lease: config.lease,
        });
        let recovered = match sweep.recover().await {
            Err(error) if !error.is_repeatable() => return Err(error.into()),
            recovered => recovered.is_ok(),
        };
        store.check_damage()?;
        let (stop, stopped) = watch::channel(false);
        let over = CancellationToken::new();
        let work = {
            let (sweep, stopped) = (Arc::clone(&sweep), stopped.clone());
            let over = over.clone();
            async move {
                if recovered || sweep.recover_later(stopped.clone()).await {
                    Arc::new(worker).run(stopped, over).await;
                }
            }
        };
        // An upload may be as large as an original, and a little more tells it
        // from one that is too large.
        let http = HttpTrigger::new(
            instances,
            config.max_image_bytes + (1 << 20),
            access(&config),
            metrics.clone(),
        );
        let garbage = Garbage {
            host: Arc::clone(&capabilities),
            runtime: Arc::new(Tokio::default()),
            retention: config.retention,
            interval: HOUR,
        };
        let triggers = vec![
            tokio::spawn(Arc::new(http).serve(listener, stopped.clone(), over.clone())),
            tokio::spawn(work),
            tokio::spawn(sweep.run(stopped.clone())),
            tokio::spawn(garbage.run(stopped)),
        ];
        let (mut metrics_address, mut told) = (None, None);
        if let (Some(listener), Some(metrics)) = (scrapers, metrics) {
            let address = listener.local_addr()?;
            let instances = Limited {
                free: slots,
                limit: usize::try_from(API_INSTANCES)?,
            };
            let scrape = Scrape::new(registry, metrics, &capabilities, instances, concurrency);
            let serve = metrics::listener::serve(listener, Arc::new(scrape));
            tracing::info!("metrics are at http://{address}/metrics");
            metrics_address = Some(address);
            told = Some(AbortOnDropHandle::new(tokio::spawn(serve)));
        }
        Ok(Host {
            metrics_address,
            capabilities,
            serving: Serving {
                address,
                watchers,
                stop,
                over,
                triggers,
                _scrapers: told,
                _engine: compiled.engine,
            },
        })
    }
}

impl Host {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Where Prometheus finds its metrics.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Takes no more work, finishes what is under way or gives it back at the
    /// end of the grace, and ends.
    pub async fn stop(self) {
        self.serving.stop().await;
    }

    /// The same, with a grace that is over as soon as `hurry` is.
    pub async fn stop_sooner(self, hurry: impl Future<Output = ()>) {
        self.serving.stop_sooner(hurry).await;
    }

    /// What is left to do with a host that nobody else has a use for.
    pub(crate) fn into_serving(self) -> Serving {
        self.serving
    }
}

pub(crate) fn api_pre(
    engine: &wasmtime::Engine,
    api: &Component,
) -> anyhow::Result<ServicePre<Sandbox>> {
    api_linker(engine)
        .and_then(|linker| linker.instantiate_pre(api))
        .and_then(ServicePre::new)
        .map_err(anyhow::Error::from)
        .context("the api component does not fit this host")
}

struct Compiled {
    engine: Engine,
    api: Component,
    processor: Component,
    model: Component,
}

impl Compiled {
    async fn new(config: &Config, components: Components) -> anyhow::Result<Self> {
        // Each task in flight holds a processor and a model.
        let in_flight = u32::try_from(config.concurrency)?.saturating_mul(2);
        let pool = Pool {
            instances: in_flight.saturating_add(API_INSTANCES),
            calls: u32::try_from(REQUESTS)?,
            max_memory: usize::try_from(config.model_memory)?.max(API_MEMORY),
        };
        let cache = config.data_dir.join("compiled");
        let compile = move || {
            let engine = Engine::new(pool, Some(&cache))?;
            let component = |name: &str, bytes: &[u8]| pipeline::component(&engine, name, bytes);
            Ok(Self {
                api: component("api", &components.api)?,
                processor: component("processor", &components.processor)?,
                model: component("model", &components.model)?,
                engine,
            })
        };
        tokio::task::spawn_blocking(compile).await?
    }
}

pub(crate) fn task_options(config: &Config) -> Options {
    Options {
        lease: config.lease,
        max_backlog: config.max_backlog,
    }
}

pub(crate) fn signing(config: &Config, secret: &Secret) -> Signing {
    Signing {
        key: secret.key(IMAGE_URLS).to_vec(),
        ttl: config.image_url_ttl,
        public_url: config.public_url.clone(),
    }
}

/// On a thread that may wait: to wait here would keep a signal from being heard.
async fn open_tasks(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<SqliteTasks>> {
    let options = task_options(config);
    let (directory, clock) = (config.data_dir.clone(), Arc::clone(clock));
    let open = move || SqliteTasks::open(&directory, options, clock);
    Ok(Arc::new(tokio::task::spawn_blocking(open).await??))
}

fn open_capabilities(
    config: &Config,
    secret: &Secret,
    tasks: Arc<SqliteTasks>,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Capabilities> {
    let signing = signing(config, secret);
    let images = FileImages::open(&config.data_dir.join("images"), signing, Arc::clone(&clock))?;
    let queue = StoreQueue::new(Arc::clone(&tasks) as _, QUEUED);
    Ok(Capabilities {
        clock,
        store: tasks,
        images: Arc::new(images),
        queue: Arc::new(queue),
        model,
        model_health: Mutex::new(ModelHealth::default()),
    })
}

/// The API reaches the issuer's keys, which are kept for all its instances, and
/// nothing where there is no issuer.
pub(crate) fn api_egress(config: &Config, network: &Network) -> Egress {
    let issuer = match config.auth {
        Auth::Jwks => config.jwks_url.as_ref(),
        Auth::Anonymous | Auth::Secret => None,
    };
    let granted = issuer.and_then(|url| Some((Origin::of_url(url)?, url.clone())));
    match granted {
        Some((origin, url)) => Egress::new(Grant::Origin(origin), network).keeping(url),
        None => Egress::new(Grant::Nothing, network),
    }
    .within(ISSUER)
}

pub(crate) fn access(config: &Config) -> Access {
    Access {
        proxies: config.trusted_proxies.clone(),
        cors_origins: config.cors_origins.clone(),
        limit: (config.auth == Auth::Anonymous).then_some(SESSIONS),
    }
}

fn api_settings(config: &Config, secret: &Secret) -> GrantedSettings {
    let mut settings = granted(
        config,
        &[
            "allow-sources",
            "auth",
            "image-url-ttl",
            "jwks-url",
            "jwt-audience",
            "jwt-issuer",
            "jwt-secret",
            "max-image-bytes",
            "max-image-pixels",
            "rate-limit",
            "uploads",
        ],
    );
    settings.insert("version", env!("CARGO_PKG_VERSION").to_owned());
    if config.metrics_listen.is_some() {
        settings.insert("name-routes", "true".to_owned());
    }
    if let Some(public_url) = &config.public_url {
        settings.insert("public-url", public_url.clone());
    }
    settings.insert("cors-origins", config.cors_origins.join(","));
    if config.auth == Auth::Anonymous {
        let key = secret.key(SESSION_TOKENS);
        settings.insert("jwt-secret", hex(&key));
    }
    settings
}
