//! A process with all its parts: engine, capabilities, loops, listeners.

use std::net::SocketAddr;
use std::path::Display;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use concept_refinement_capability::cores::Cores;
use concept_refinement_capability::engine::{OpenTasks, SharedSecret};
use concept_refinement_capability::folder::Folder;
use concept_refinement_capability::health::Probes;
use concept_refinement_capability::log_throttle::LONG_INTERVAL;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::model::cores;
use concept_refinement_capability::runtime::Tokio;
use concept_refinement_capability::tasks::watchers::Watchers;
use concept_refinement_capability::{Capabilities, create_directory};
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::secret::LENGTH;
use concept_refinement_domain::webhook::ServiceSecrets;
use concept_refinement_runtime::egress::Network;
use concept_refinement_runtime::ingress::InProcess;
use concept_refinement_runtime::ingress::http::{CALLS, Connections, HostNames, listen};
use concept_refinement_runtime::wasm::engine::Pool;
use concept_refinement_runtime::wasm::notifier::NotifierComponent;
use concept_refinement_tokens::Key;
use futures::future::join_all;
use prometheus_client::registry::Registry;
use rand::RngExt as _;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::admin::{self, AdminServer};
use crate::backup::Backup;
use crate::client::{self, Client};
use crate::config::Config;
use crate::loops::deliverer::{self, Deliverer};
use crate::loops::garbage::Garbage;
use crate::loops::jobs::Jobs;
use crate::loops::probe;
use crate::loops::sweep::Sweep;
use crate::loops::task_images::TaskImages;
use crate::loops::until_stop::until_stop;
use crate::loops::worker::Worker;
use crate::metrics::{self, Limited, Metrics, Scrape};
use crate::moving::{HalfMoved, refuse_begun, refuse_half_moved};
use crate::operator::Operator;
use crate::service::Service;
use crate::wiring::HostError;
use crate::wiring::api::{self, Api};
use crate::wiring::builder::{HostBuilder, Listener};
use crate::wiring::capabilities::ConfiguredStores;
use crate::wiring::compiled::{Compiled, compile};
use crate::wiring::components::Components;
use crate::wiring::control::Control;
use crate::wiring::grants::API_MEMORY;
use crate::wiring::losses::Losses;
use crate::wiring::pipeline::{LOANS, Parts};
use crate::wiring::secret::Secret;
use crate::wiring::serving::{Serving, Stop};
use crate::wiring::{capabilities, grants, push};

/// Limit of API instances; requests share them.
const API_INSTANCES: usize = 64;

/// Limit of instances that answer before the stores were first reached. They are in
/// addition to the others, since they live on for a while.
const FIRST_INSTANCES: usize = 8;

/// Delay between attempts to reach a store at startup.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// How long startup waits for a store before clients are answered without it.
const STORE_TIMEOUT: Duration = Duration::from_secs(3);

/// Interval of polling when no delivery of a webhook is known to become due: this process
/// announces its own deliveries, but announcements of other hosts may be lost.
const ALONE: Duration = Duration::from_secs(60);
const SHARED: Duration = Duration::from_secs(5);

/// A running host. Dropping it aborts its work without waiting; accepted tasks
/// stay stored.
pub struct Host {
    metrics_address: Option<SocketAddr>,
    admin_address: Option<SocketAddr>,
    capabilities: Arc<Capabilities>,
    service: Service,
    connection: client::Connection,
    serving: Serving,
}

impl HostBuilder {
    /// Opens the stores, compiles the components, recovers unfinished tasks of
    /// a previous process, and starts to serve.
    ///
    /// # Errors
    ///
    /// An address cannot be listened on; the data directory cannot be used, is
    /// in use by another process or damaged; a component does not fit this host.
    /// [`HostError::is_repeatable`] says whether another attempt can help.
    pub async fn start(self) -> Result<Host, HostError> {
        let Self {
            config,
            components,
            listener,
            model,
            clock,
            resolver,
            map_capabilities,
            traces,
            on_waiting,
            on_compiling,
            on_output,
        } = self;
        let listener = match listener {
            Listener::Given(listener) => Some(listener),
            Listener::Configured => bound("listen", Some(config.listen)).await?,
            Listener::None => None,
        };
        let address = match &listener {
            Some(listener) => address_of(listener)?,
            None => config.listen,
        };
        let components = Components::or_built_in(components, &config)?;
        let scraped = bound("metrics_listen", config.metrics_listen).await?;
        let metrics_address = scraped.as_ref().map(address_of).transpose()?;
        let mut registry = Registry::default();
        let metrics = Arc::new(Metrics::new(&mut registry));
        metrics.costs.introduce(config.model.paid());
        let admin = config.admin.as_ref().map(|admin| admin.address);
        let admin = bound("admin_listen", admin).await?;
        let admin_address = admin.as_ref().map(address_of).transpose()?;
        create_directory(&config.data_dir)
            .with_context(|| format!("creating the data directory {}", shown(&config)))
            .map_err(HostError::DataDirectory)?;
        refuse_begun(&config.data_dir)?;

        // An unusable directory is reported before anything is compiled. If two processes
        // start on the same data, one of them fails here, before it generates a secret.
        let mut stores = ConfiguredStores::of(&config);
        stores.clock = clock;
        let losses = Losses::of(&config)?;
        let task_store = stores.tasks()?;
        let has_server = task_store.has_server();
        let options = stores.task_options();
        let mut opening = pin!(async {
            capabilities::refuse_vain_upgrade(&config).await?;
            Ok::<_, HostError>(task_store.open(options).await?)
        });
        // The upgrade of a store in files may take long, and goes on beside what follows.
        let opened = match has_server {
            true => Some(opening.as_mut().await?),
            false => {
                let opened = timeout(STORE_TIMEOUT, opening.as_mut()).await;
                opened.ok().transpose()?
            }
        };
        let shared = opened.as_ref().and_then(|tasks| tasks.shared.as_ref());
        let is_shared = shared.is_some();
        if let Some(shared) = shared {
            stores.clock = Arc::clone(&shared.clock);
        }

        let pool = pool(&config).map_err(HostError::System)?;
        let cache = config.data_dir.join("compiled");
        let link = config.model.clone();
        let compiled = move |engine: &_| Compiled::new(engine, &components, &link);
        let compiled = compile(pool, Some(cache), on_compiling, compiled).await?;
        let mut network = Network::new(resolver, &config.trust)
            .map_err(|error| HostError::System(error.into()))?;
        network.refusals = Some(Arc::clone(&metrics.egress));
        let blobs = grants::blobs(&config, Some(config.data_dir.clone()), &stores.room);
        let pipeline = Parts::new(&config, &compiled.pipeline, &network, &blobs);
        let pipeline = pipeline.map_err(HostError::System)?;
        let edits = pipeline.partial_edits().map_err(HostError::Component)?;
        let model = pipeline.model(model, Some(&metrics.links), on_output);
        let model = model.await.map_err(HostError::Component)?;

        let cores = Arc::new(Cores::start().map_err(HostError::System)?);
        let watchers = Arc::<Watchers>::default();
        let mut serving = Serving::new(address, Arc::clone(&watchers), Arc::clone(&cores));
        let pause = Arc::default();
        let (push, pushes) = push::trigger(&config, &network, &stores.clock, &pause).unzip();
        let mut api = Api::new(
            &config,
            address,
            listener,
            Arc::clone(&cores),
            push,
            Arc::clone(&metrics.http),
            traces.clone(),
        )
        .map_err(HostError::System)?;
        let slots = Arc::new(Semaphore::new(API_INSTANCES));
        let instances =
            |secret: Option<&Secret>, capabilities: &Arc<Capabilities>, slots: &Arc<Semaphore>| {
                let granted = grants::api(&config, secret, &network, capabilities, &watchers);
                api::instances(&compiled.api, granted, slots, config.task_timeout)
            };

        let random = || rand::rng().random();
        let (tasks, secret) = {
            let mut reached = pin!(async {
                let tasks = match opened {
                    Some(tasks) => tasks,
                    None => opening.await?,
                };
                let secret = match &tasks.shared {
                    Some(shared) => shared_secret(&tasks, &*shared.secret, random).await?,
                    None => {
                        refuse_half_moved(&tasks).await?;
                        Secret::open(&config.data_dir, random).map_err(HostError::DataDirectory)?
                    }
                };
                Ok::<_, HostError>((tasks, secret))
            });
            match timeout(STORE_TIMEOUT, &mut reached).await {
                Ok(reached) => reached?,
                Err(_) => {
                    let unavailable = capabilities::unavailable(&config, &model, &stores.clock)?;
                    let slots = Arc::new(Semaphore::new(FIRST_INSTANCES));
                    let first = instances(None, &Arc::new(unavailable), &slots);
                    let served = api.serve_first(first, &mut serving).await;
                    served.map_err(HostError::Component)?;
                    // Whoever starts a service on files is told once they can be used.
                    if is_shared {
                        on_waiting(address);
                    }
                    reached.await?
                }
            }
        };
        let check_damage = Arc::clone(&tasks.check_damage);
        let (administration, store) = (Arc::clone(&tasks.administration), Arc::clone(&tasks.store));
        let (mut configured, embedded) = capabilities::open(stores, &secret, tasks, model).await?;
        if !is_shared {
            losses.warn(&*store).await;
        }
        configured.pause = pause;
        configured.traces = traces;
        if let Some(pushes) = pushes {
            configured.queue = pushes.beside(configured.queue);
        }
        let capabilities = Probes::around(map_capabilities(configured));
        let capabilities = Arc::new(metrics.around(capabilities));

        let worker = pipeline.worker(&capabilities, &edits, Some(Arc::clone(&metrics)));
        let worker = worker.await.map_err(HostError::Component)?;

        let granted = grants::notifier(&config, &network, &capabilities.clock);
        let notifier = NotifierComponent::new(compiled.notifier, granted)
            .await
            .map_err(anyhow::Error::from)
            .context("the notifier component does not fit this host")
            .map_err(HostError::Component)?;
        let secrets = ServiceSecrets::parse(&grants::webhook_secret(&config, &secret))
            .map_err(|problem| HostError::Component(anyhow::Error::msg(problem)))?;
        let runtime = Arc::new(Tokio::default());
        let deliverer = Deliverer {
            host: Arc::clone(&capabilities),
            notifier: Arc::new(notifier),
            runtime: Arc::clone(&runtime) as _,
            secrets,
            longest: if is_shared { SHARED } else { ALONE },
            metrics: Some(Arc::clone(&metrics)),
        };

        // If nothing can be written, for example on a full disk, reading still works.
        let sweep = Arc::new(Sweep {
            host: Arc::clone(&capabilities),
            runtime: Arc::clone(&runtime) as _,
            lease: config.lease,
        });
        let recovered = match is_shared {
            // Other hosts may be working on these tasks.
            true => true,
            false => match sweep.recover().await {
                Err(error) if !error.is_repeatable() => return Err(error.into()),
                recovered => recovered.is_ok(),
            },
        };
        check_damage()?;

        let probing = probe::run(Arc::clone(&capabilities), Arc::clone(&runtime) as _);
        let garbage = Garbage {
            host: Arc::clone(&capabilities),
            administration: Some(Arc::clone(&administration)),
            runtime: Arc::clone(&runtime) as _,
            retention: config.retention,
            anonymous_retention: config.anonymous_retention,
            confirmed_day: config.confirmed_day.clone(),
            interval: config.collect_interval,
        };
        let task_images = TaskImages {
            host: Arc::clone(&capabilities),
            runtime: Arc::clone(&runtime) as _,
            interval: config.collect_interval,
        };
        let started = Arc::<Notify>::default();
        let jobs = Jobs {
            host: Arc::clone(&capabilities),
            administration: Arc::clone(&administration),
            runtime: Arc::clone(&runtime) as _,
            started: Arc::clone(&started),
        };
        let limited = Limited {
            free: Arc::clone(&slots),
            limit: API_INSTANCES,
        };
        let scrape = Arc::new(Scrape::new(
            registry,
            metrics,
            &capabilities,
            limited,
            Arc::clone(&watchers),
            worker.slots.free(),
        ));
        if let (Some(listener), Some(address)) = (scraped, metrics_address) {
            tracing::info!("metrics are at http://{address}/metrics");
            let serve = metrics::listener::serve(listener, Arc::clone(&scrape));
            serving.monitored_by(AbortOnDropHandle::new(tokio::spawn(serve)));
        }
        let instances = instances(Some(&secret), &capabilities, &slots);
        let secret_in_process = hex(&random());
        let granted = grants::api_in_process(instances.grants.clone(), &secret_in_process);
        let in_process = api::instances(&compiled.api, granted, &slots, config.task_timeout);
        let in_process = api.in_process(in_process);
        let served = api.serve(instances, &mut serving).await;
        served.map_err(HostError::Component)?;
        if config.role.works() {
            serving.spawn(|stop| work(Arc::clone(&sweep), worker, cores, recovered, stop));
            serving.spawn(|stop| Arc::new(deliverer).run(stop.stopped, stop.cancelled));
            serving.spawn(|stop| task_images.run(stop.stopped));
        }
        serving.spawn(|stop| sweep.run(stop.stopped));
        serving.spawn(|stop| garbage.run(stop.stopped));
        serving.spawn(|stop| until_stop(stop.stopped, probing));
        serving.spawn(|stop| until_stop(stop.stopped, jobs.run()));
        let data = Folder::followed(&config.data_dir);
        let data = data
            .with_context(|| format!("opening the data directory {}", shown(&config)))
            .map_err(HostError::DataDirectory)?;
        let room = Arc::clone(&capabilities.room);
        let backup = Backup::new(&config, data, embedded, room)?;
        let local = || format!("http://{address}");
        let origin = config.public_url.clone().unwrap_or_else(local);
        let connection = client::Connection {
            api: Arc::new(in_process),
            key: Arc::new(Key::secret(&secret_in_process)),
            clock: Arc::clone(&capabilities.clock),
            origin: origin.as_str().into(),
        };
        let server = Arc::new(AdminServer {
            operator: Operator {
                host: Arc::clone(&capabilities),
                administration,
                started,
            },
            scrape,
            origin,
            listener: config.admin.clone(),
            names: admin_address
                .and_then(|address| HostNames::of_listener(address, config.public_url.as_deref())),
            places: Connections::new(admin::CONNECTIONS),
        });
        if let Some(admin) = admin {
            let server = Arc::clone(&server);
            if let Some(address) = admin_address {
                tracing::info!("operators are answered at http://{address}/");
            }
            serving.spawn(|stop| until_stop(stop.stopped, admin::serve(admin, server)));
        }
        if let Some(control) = Control::listen(&config.data_dir, backup, server) {
            serving.spawn(|stop| until_stop(stop.stopped, control.run()));
        }
        Ok(Host {
            metrics_address,
            admin_address,
            capabilities,
            service: api.service(),
            connection,
            serving,
        })
    }
}

impl Host {
    /// The address of the listener. Without a listener: the configured one.
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Where Prometheus can get the metrics. None: it is not configured.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Where operators are answered. None: it is not configured, and they use the socket in
    /// the data directory.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// The API and the page as a [`tower::Service`](https://docs.rs/tower), for a server of
    /// your own. See [`Service`].
    pub fn service(&self) -> Service {
        self.service.clone()
    }

    /// A client of this host for one user, whose quota and limits apply. The user may be one
    /// of a token's or of your own making, by the rules for tokens (at most 1,024 bytes); with
    /// `auth` `anonymous`, the `user_id` of a session.
    pub fn client(&self, user: &str) -> Client {
        Client::new(&self.connection, user)
    }

    /// Completes when a part of the host has ended although nobody stopped it, which is a
    /// bug: wait for this beside your signal to stop.
    ///
    /// ```no_run
    /// # async fn run(host: concept_refinement_host::Host) -> anyhow::Result<()> {
    /// tokio::select! {
    ///     signal = tokio::signal::ctrl_c() => signal?,
    ///     () = host.wait() => anyhow::bail!("the host ended early"),
    /// }
    /// host.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait(&self) {
        self.serving.ended().await;
    }

    /// The capabilities that its components use; an embedding program may use them
    /// too.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Accepts no more work, finishes work in progress or releases it after a grace
    /// period of 28 s, and ends.
    pub async fn stop(self) {
        self.serving.stop().await;
    }

    /// Keeps only what is needed to stop.
    pub(crate) fn into_serving(self) -> Serving {
        self.serving
    }
}

/// Listens on this address, if there is one.
async fn bound(
    setting: &str,
    address: Option<SocketAddr>,
) -> Result<Option<TcpListener>, HostError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let listener = listen(setting, address).await;
    listener.map(Some).map_err(HostError::Listen)
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, HostError> {
    let address = listener.local_addr();
    address.map_err(|error| HostError::Listen(error.into()))
}

fn shown(config: &Config) -> Display<'_> {
    config.data_dir.display()
}

/// The common secret of the hosts of a store, once it can be reached. No secret is
/// generated while tasks are being moved there, since theirs is moved as well.
async fn shared_secret(
    tasks: &OpenTasks,
    store: &dyn SharedSecret,
    random: impl Fn() -> [u8; LENGTH],
) -> Result<Secret, HostError> {
    loop {
        let reached = async {
            refuse_half_moved(tasks).await?;
            let secret = Secret::shared(store, &random).await?;
            // A move that began meanwhile has made the secret.
            refuse_half_moved(tasks).await?;
            Ok(secret)
        };
        match reached.await {
            Err(HalfMoved::Unavailable(error)) => {
                log_throttled!(error every LONG_INTERVAL, "waiting for the task store", %error);
                sleep(STORE_RETRY).await;
            }
            reached => return Ok(reached?),
        }
    }
}

fn pool(config: &Config) -> anyhow::Result<Pool> {
    // Each task in flight has an instance of the processor and one per link of the model
    // on its path; each task that waits for a connection has one of the processor; each
    // webhook in progress has one of the notifier; each core may edit a part of an image.
    let each = config.model.depth().saturating_add(1);
    let in_flight = config.concurrency.saturating_mul(each);
    let others = LOANS + deliverer::AT_ONCE + cores()? + API_INSTANCES + FIRST_INSTANCES;
    Ok(Pool {
        instances: u32::try_from(in_flight.saturating_add(others))?,
        calls: u32::try_from(CALLS + InProcess::CALLS)?,
        max_memory: usize::try_from(config.model_memory)?.max(API_MEMORY),
    })
}

/// Works on tasks once those of the previous process are recovered.
async fn work(sweep: Arc<Sweep>, worker: Worker, cores: Arc<Cores>, recovered: bool, stop: Stop) {
    if recovered || sweep.recover_later(stop.stopped.clone()).await {
        let worker = Arc::new(worker);
        let loops = cores.iter().map(|core| {
            let (stopped, cancelled) = (stop.stopped.clone(), stop.cancelled.clone());
            let work = Arc::clone(&worker).run(stopped, cancelled);
            AbortOnDropHandle::new(core.runtime().spawn(work))
        });
        for ended in join_all(loops).await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker ended early");
            }
        }
    }
}
