//! Opens the capabilities of a configuration with the engines that it names.

use std::sync::Arc;
use std::{env, io};

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::clock::{Clock, SystemClock};
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::embedded::{AtRest, Embedded};
use concept_refinement_capability::engine::{
    Engine, EngineConfig, OpenImages, OpenTasks, Stores, find,
};
use concept_refinement_capability::health::ModelHealth;
use concept_refinement_capability::images::{self, Signing};
use concept_refinement_capability::leader_leases::OnlyHost;
use concept_refinement_capability::model::ImageModel;
use concept_refinement_capability::payments::RepeatedCalls;
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::room::Room;
use concept_refinement_capability::tasks::Options;
use concept_refinement_capability::traces::Traces;
use concept_refinement_capability::unavailable::Unavailable;
use concept_refinement_capability::upload_reservations::UploadReservations;
use concept_refinement_domain::secret::{IMAGE_URLS, PSEUDONYMS};
use parking_lot::Mutex;
use rand::RngExt as _;

use crate::config::Config;
use crate::wiring::HostError;
use crate::wiring::engines::{self, IMAGES, QUEUES, TASKS};
use crate::wiring::secret::Secret;

/// An image store may use 1/`SENDING_SHARE` of `image-memory` in addition, for images
/// being sent to it.
const SENDING_SHARE: usize = 4;

/// A store as configured, not opened yet.
pub struct Configured<O: 'static, S: 'static> {
    engine: &'static Engine<O, S>,
    config: EngineConfig,
    options: O,
}

impl<O, S> Configured<O, S> {
    fn new(
        engines: &'static [Engine<O, S>],
        url: &str,
        config: &Config,
        clock: &Arc<dyn Clock>,
        room: &Arc<Room>,
        options: O,
    ) -> Result<Self, HostError> {
        let engine = find(engines, url).map_err(anyhow::Error::msg);
        Ok(Self {
            engine: engine.map_err(HostError::System)?,
            config: engine_config(url, config, clock, room),
            options,
        })
    }

    pub fn exists(&self) -> io::Result<bool> {
        (self.engine.exists)(&self.config)
    }

    pub fn is_outdated(&self) -> Result<bool, OpenError> {
        (self.engine.is_outdated)(&self.config)
    }

    /// See [`Engine::at_rest`]. None: it does not exist, or has no files.
    pub async fn at_rest(&self) -> Result<Option<AtRest>, OpenError> {
        (self.engine.at_rest)(self.config.clone()).await
    }

    pub async fn open(self) -> Result<S, OpenError> {
        (self.engine.open)(self.config, self.options).await
    }
}

/// The name of this process in the stories of tasks: unique among the processes that
/// share a store, unless their machines have the same name.
fn host_name() -> String {
    let system = rustix::system::uname();
    let machine = system.nodename().to_string_lossy();
    format!("{machine}:{}", std::process::id())
}

/// The space for images of a configuration, shared by the image store and the task store
/// of a process.
pub fn room(config: &Config) -> Arc<Room> {
    Arc::new(Room::new(config.max_store, config.data_dir.clone()))
}

pub fn tasks(
    config: &Config,
    clock: &Arc<dyn Clock>,
    room: &Arc<Room>,
) -> Result<Configured<Options, OpenTasks>, HostError> {
    let options = Options {
        lease: config.lease,
        max_backlog: config.max_backlog,
        room: Arc::clone(room),
        host: host_name().into(),
        pseudonyms: Arc::default(),
    };
    Configured::new(TASKS, &config.tasks, config, clock, room, options)
}

pub fn queue(
    config: &Config,
    tasks: &OpenTasks,
    clock: &Arc<dyn Clock>,
    room: &Arc<Room>,
) -> Result<Configured<OpenTasks, Arc<dyn TaskQueue>>, HostError> {
    let tasks = tasks.clone();
    Configured::new(QUEUES, &config.queue, config, clock, room, tasks)
}

/// `upload_reservations`: counts images for a store that cannot.
pub fn images(
    config: &Config,
    secret: &Secret,
    upload_reservations: Arc<dyn UploadReservations>,
    clock: &Arc<dyn Clock>,
    room: &Arc<Room>,
) -> Result<Configured<images::Options, OpenImages>, HostError> {
    let options = images::Options {
        signing: signing(config, secret.key(IMAGE_URLS)),
        upload_reservations,
        memory: config.image_memory / SENDING_SHARE,
    };
    Configured::new(IMAGES, &config.images, config, clock, room, options)
}

/// Connects to the server of a store, if it has one, without changing anything. Returns
/// a message for the operator.
pub async fn inspect<O, S>(
    engines: &'static [Engine<O, S>],
    url: &str,
    config: &Config,
) -> anyhow::Result<Option<String>> {
    let engine = find(engines, url).map_err(anyhow::Error::msg)?;
    let Some(inspect) = engine.inspect else {
        return Ok(None);
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let config = engine_config(url, config, &clock, &Arc::default());
    Ok(Some(inspect(config).await?))
}

/// The data that a backup of a configuration does not contain, as sentences for the
/// operator.
pub fn not_in_backups(config: &Config) -> anyhow::Result<Vec<String>> {
    let of = |what: &str, (name, has_server): (&str, bool)| {
        let said = || format!("{what} are in {name}…, and are backed up and restored by its tools");
        has_server.then(said)
    };
    let tasks = of("tasks and concepts", engine(TASKS, &config.tasks)?);
    let images = of("images", engine(IMAGES, &config.images)?);
    Ok([tasks, images].into_iter().flatten().collect())
}

/// The name of an engine, and whether it has a server.
fn engine<O, S>(
    engines: &'static [Engine<O, S>],
    url: &str,
) -> anyhow::Result<(&'static str, bool)> {
    let engine = find(engines, url).map_err(anyhow::Error::msg)?;
    Ok((engine.name, engine.inspect.is_some()))
}

/// The stores of a data directory that no process uses, the task store first. None: there
/// is no task store.
pub async fn at_rest(config: &Config) -> anyhow::Result<Option<Vec<AtRest>>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let room = Arc::default();
    let tasks = tasks(config, &clock, &room)?;
    if !tasks.exists()? {
        return Ok(None);
    }
    let mut stores = Vec::from_iter(tasks.at_rest().await?);
    let images = find(IMAGES, &config.images).map_err(anyhow::Error::msg)?;
    let place = engine_config(&config.images, config, &clock, &room);
    if (images.exists)(&place)? {
        stores.extend((images.at_rest)(place).await?);
    }
    Ok(Some(stores))
}

/// All capabilities with the opened task store, and the stores that a backup has to copy.
pub async fn open(
    config: &Config,
    secret: &Secret,
    tasks: OpenTasks,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
    room: Arc<Room>,
) -> Result<(Capabilities, Vec<Arc<dyn Embedded>>), HostError> {
    tasks.pseudonyms.set_key(secret.key(PSEUDONYMS));
    let stores = Stores {
        images: {
            let reservations = Arc::clone(&tasks.upload_reservations);
            let images = images(config, secret, reservations, &clock, &room)?;
            images.open().await?
        },
        queue: queue(config, &tasks, &clock, &room)?.open().await?,
        tasks,
    };
    let embedded = [&stores.tasks.embedded, &stores.images.embedded];
    let embedded = embedded.into_iter().flatten().cloned().collect();
    Ok((together(config, stores, model, clock, room), embedded))
}

/// All capabilities, with private stores that leave nothing behind.
pub fn in_memory(
    config: &Config,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
) -> Result<Capabilities, OpenError> {
    let signing = signing(config, rand::rng().random());
    let stores = engines::in_memory(signing, &clock)?;
    Ok(together(config, stores, model, clock, Arc::default()))
}

/// All capabilities before the task store was first reached: only the model is usable.
pub fn unavailable(
    config: &Config,
    tasks: &OpenTasks,
    model: &Arc<dyn ImageModel>,
    clock: &Arc<dyn Clock>,
) -> Capabilities {
    let signing = signing(config, rand::rng().random());
    let stores = engines::beside(tasks.clone(), signing, clock);
    let (model, clock) = (Arc::clone(model), Arc::clone(clock));
    together(config, stores, model, clock, Arc::default()).behind(Arc::new(Unavailable))
}

fn together(
    config: &Config,
    stores: Stores,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
    room: Arc<Room>,
) -> Capabilities {
    let leader_leases = match stores.tasks.shared {
        Some(shared) => shared.leader_leases,
        None => Arc::new(OnlyHost),
    };
    Capabilities {
        clock,
        store: stores.tasks.store,
        images: stores.images.store,
        queue: stores.queue,
        redeliveries: Arc::default(),
        model,
        repeated_calls: Arc::new(RepeatedCalls::new(
            config.model_repeat,
            config.model.names(),
            config.model.prices(),
        )),
        model_health: Mutex::new(ModelHealth::default()),
        probes: Arc::default(),
        pause: Arc::default(),
        room,
        traces: Traces::default(),
        leader_leases,
    }
}

fn engine_config(
    url: &str,
    config: &Config,
    clock: &Arc<dyn Clock>,
    room: &Arc<Room>,
) -> EngineConfig {
    let values = config.values.clone();
    EngineConfig {
        url: url.to_owned(),
        directory: config.data_dir.clone(),
        clock: Arc::clone(clock),
        room: Arc::clone(room),
        settings: Arc::new(move |name| values.get(name).map(str::to_owned)),
        trust: config.trust.clone(),
        variables: Arc::new(|name| env::var(name).ok()),
    }
}

fn signing(config: &Config, key: [u8; 32]) -> Signing {
    Signing {
        key: key.to_vec(),
        ttl: config.image_url_ttl,
        public_url: config.public_url.clone(),
    }
}
